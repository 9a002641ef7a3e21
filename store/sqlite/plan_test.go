package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestNoStatementLooksAtAllRowsOrEntriesOrSortsThem(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		name, query string
		args        []any
		indexes     []string
	}{
		{"Load", selectRow, []any{"s1"}, []string{"sqlite_autoindex_writ_rows_1"}},
		{"List", selectOwned, []any{"alice", "s1", 1, 10}, []string{"writ_rows_owned (owner=? AND id>?)"}},
		{"Purge of rows", purgeRows, []any{1, 1}, []string{"writ_rows_expires"}},
		{"Purge of entries", purgeEntries, []any{1, 1}, []string{"writ_entries_expires"}},
		{"what Purge has left", selectExpired, []any{1}, []string{"writ_rows_expires", "writ_entries_expires"}},
	} {
		rows, err := s.db.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+c.query, c.args...)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		defer rows.Close()
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(step, "SCAN writ_") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s", c.name, step)
			}
			plan = append(plan, step)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for _, index := range c.indexes {
			if !strings.Contains(strings.Join(plan, "\n"), index) {
				t.Errorf("%s does not use %s: %q", c.name, index, plan)
			}
		}
	}
}
