package main

import (
	"fmt"
	"io"
)

// writeGoals says of the doors that have a goal whether they have reached it. They stand in t.
func writeGoals(w io.Writer, t *table, doors []door) {
	cells := make(map[string]cell)
	for i, r := range t.rows {
		cells[r.name] = t.cells[i]
	}
	fmt.Fprintf(w, "\n| | target | |\n|---|---|---|\n")
	for _, d := range doors {
		if d.goal == nil {
			continue
		}
		c, most, than := cells[d.name], d.goal.ns, ""
		if d.goal.than != "" {
			most += cells[d.goal.than].ns
			than = " more than " + d.goal.than
		}
		fmt.Fprintf(w, "| %s | at most %.0f ns%s: %s | at most %d allocs: %s |\n", d.name,
			d.goal.ns, than, verdict(c.ns <= most), d.goal.allocs, verdict(c.allocs <= d.goal.allocs))
	}
}
