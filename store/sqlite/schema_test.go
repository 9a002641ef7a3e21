package sqlite

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/writ-go/writ/revocation"
)

func TestADatabaseOfEveryEarlierVersionIsBroughtToThisOne(t *testing.T) {
	for version := 1; version < len(migrations); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sessions.db")
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, query := range append(migrations[:version:version], mark, fmt.Sprintf(`PRAGMA user_version = %d`, version),
				`INSERT INTO writ_rows (id, owner, version, expires, data) VALUES ('s1', 'alice', 7, 9223372036854775807, x'00')`,
				`INSERT INTO writ_entries (kind, id, before, expires, seq) VALUES (4, 'alice', 5, 9223372036854775807, 1)`,
				`INSERT INTO writ_log (seq, tag) VALUES (1, 9)`) {
				if _, err := db.Exec(query); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s, err := Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				rows, err := s.List(t.Context(), "alice", "", 10)
				if err != nil || len(rows) != 1 || rows[0].Version != 7 || rows[0].Cutoff != 5 {
					t.Errorf("%d rows, error %v; want the one of before", len(rows), err)
				}
				n := 0
				if cursor, err := s.Snapshot(t.Context(), func(revocation.Entry) { n++ }); err != nil || n != 1 || cursor != "1.9" {
					t.Errorf("%d entries, error %v, cursor %q; want those of before", n, err, cursor)
				}
				s.Close()
			}
			var indexes string
			if err := db.QueryRow(`SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'writ_rows' AND sql IS NOT NULL ORDER BY name)`).Scan(&indexes); err != nil || indexes != "writ_rows_expires,writ_rows_owned" {
				t.Errorf("the rows' indexes are %s, error %v", indexes, err)
			}
		})
	}
}
