package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/storetest"

	driver "modernc.org/sqlite"
)

// The copy is loaded into the file that is open, as the command line's ".restore" does it.
func TestStoreThatIsPutBack(t *testing.T) { // req 61
	storetest.RunRegressed(t, func(t *testing.T) storetest.Copied {
		dir := t.TempDir()
		path, copied := filepath.Join(dir, "sessions.db"), filepath.Join(dir, "copy.db")
		return storetest.Copied{
			Open: func() writ.Store { return open(t, path) },
			Keep: func() { raw(t, path, `VACUUM INTO '`+strings.ReplaceAll(copied, "'", "''")+`'`) },
			PutBack: func() {
				db := rawDB(t, path)
				defer db.Close()
				if err := restore(t, db, copied); err != nil {
					t.Fatalf("restoring the copy: %v", err)
				}
			},
		}
	})
}

func restore(t *testing.T, into *sql.DB, from string) error {
	conn, err := into.Conn(t.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		backup, err := c.(interface {
			NewRestore(string) (*driver.Backup, error)
		}).NewRestore(from)
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			more, err = backup.Step(-1)
		}
		if e := backup.Finish(); err == nil {
			err = e
		}
		return err
	})
}
