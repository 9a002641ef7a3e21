package main

import (
	"fmt"
	"io"
)

// undiminished is the part of the requests a second without middleware that a guard is to leave.
const undiminished = 0.95

// writeLoad prints what load measured.
func writeLoad(w io.Writer, servers []*server) {
	fmt.Fprintf(w, "\n## Requests a second over loopback\n\n"+
		"| | requests/s | ratio | its middle half | CPU of a request, µs: server | clients | Redis |\n"+
		"|---|--:|--:|--:|--:|--:|--:|\n")
	for i, s := range servers {
		beside, redis := "1.000 | ", "–"
		if i > 0 {
			beside = withHalf(s.ratios)
		}
		if s.redis {
			redis = figure(micros(s.cpu.servers, s.answers))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", s.name, figure(median(s.rates)), beside,
			figure(micros(s.cpu.here, s.answers)), figure(micros(s.clients, s.answers)), redis)
	}
	fmt.Fprintf(w, "\n| at least %.2f of the requests/s of | | ratio | its middle half | |\n|---|---|--:|--:|---|\n", undiminished)
	for _, s := range servers {
		if s.goal == nil {
			continue
		}
		writeLeft(w, s.name, servers[0].name, s.ratios)
		if s.same != "" {
			writeLeft(w, s.name, s.same, s.sames)
		}
	}
}

func writeLeft(w io.Writer, name, of string, ratios []float64) {
	fmt.Fprintf(w, "| %s | %s | %s | %s |\n", of, name, withHalf(ratios), verdict(median(ratios) >= undiminished))
}

// withHalf is the median and, as the next cell, where the middle half is.
func withHalf(ratios []float64) string {
	return fmt.Sprintf("%.3f | %.3f–%.3f", median(ratios), quantile(ratios, 1, 4), quantile(ratios, 3, 4))
}
