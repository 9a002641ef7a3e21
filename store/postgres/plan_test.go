package postgres_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/writ-go/writ/store/postgres"
)

func TestNoStatementLooksAtAllRowsOrEntries(t *testing.T) {
	t.Run("of many", func(t *testing.T) { plans(t, true) })
	// A plan that is made now is kept until autovacuum comes, which may be long after a million entries.
	t.Run("of a new schema", func(t *testing.T) { plans(t, false) })
}

func plans(t *testing.T, many bool) {
	config := place(t)
	open(t, config)
	conn := dial(t, config.URL)
	in := config.Schema + "."
	if many {
		run(t, conn, `
		INSERT INTO `+in+`writ_rows SELECT 'row' || n, 'owner' || n / 10, n, 4102444800000000 + n * 7919 % 20000, 'data' FROM generate_series(1, 20000) AS n;
		INSERT INTO `+in+`writ_entries SELECT 2, 'row' || n, 1, 4102444800000000 + n * 7919 % 20000, n FROM generate_series(1, 20000) AS n;
		INSERT INTO `+in+`writ_log SELECT n, n FROM generate_series(1, 20000) AS n;
		UPDATE `+in+`writ_head SET seq = 20000;
		ANALYZE `+in+`writ_rows, `+in+`writ_entries, `+in+`writ_log, `+in+`writ_head`)
	}
	sql := postgres.SQL(config.Schema)
	scan := regexp.MustCompile(`Seq Scan on writ_(rows|entries|log)`)
	for _, c := range []struct {
		name, args string
		generic    bool // also where the planner does not know the values
		indexes    []string
	}{
		{"load", `'row7'`, true, []string{"writ_rows_pkey", "writ_entries_pkey"}},
		{"list", `'owner7', '', 500`, true, []string{"writ_rows_owner", "writ_entries_pkey"}},
		{"save", `'row7', 'owner0', 8, 9, 'data', 7, 0`, true, []string{"writ_rows_pkey", "writ_entries_pkey"}},
		{"purge rows", `1767225600000000`, true, []string{"writ_rows_expires"}},
		{"purge entries", `1767225600000000`, true, []string{"writ_entries_expires"}},
		{"expired", `1767225600000000`, true, []string{"writ_rows_expires", "writ_entries_expires"}},
		{"head", `19990, 19990`, true, []string{"writ_log_pkey"}},
		{"move head", `7`, true, []string{"writ_entries_seq", "writ_log_pkey"}},
		// Without its value, half of the log might have changed. PostgreSQL goes on with plans that
		// know the value as long as they are the better ones.
		{"changed", `19990`, false, []string{"writ_entries_seq"}},
	} {
		if !many && strings.HasPrefix(c.name, "purge") {
			continue // it comes seldom
		}
		for _, mode := range []string{"auto", "force_generic_plan"} {
			if mode != "auto" && !c.generic {
				continue
			}
			name := strings.ReplaceAll(c.name+" "+mode, " ", "_")
			run(t, conn, `SET plan_cache_mode = `+mode)
			run(t, conn, `PREPARE `+name+` AS `+sql[c.name])
			rows, err := conn.Query(t.Context(), fmt.Sprintf(`EXPLAIN EXECUTE %s(%s)`, name, c.args), pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			plan := strings.Join(lines, "\n")
			if scan.MatchString(plan) {
				t.Errorf("%s (%s) looks at everything:\n%s", c.name, mode, plan)
			}
			for _, index := range c.indexes {
				if !strings.Contains(plan, index) {
					t.Errorf("%s (%s) does not use %s:\n%s", c.name, mode, index, plan)
				}
			}
		}
	}
}
