package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/sqlite"
)

const megabyte = 1 << 20

func TestASlowSnapshotDoesNotMakeTheLogGrow(t *testing.T) {
	ctx := bounded(t)
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := open(t, path)
	defer s.Close()
	if err := s.Append(ctx, entry("s1")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot(ctx, func(revocation.Entry) { rewrite(t, s, 16) }); err != nil {
		t.Fatal(err)
	}
	if n := walSize(t, path); n > 8*megabyte {
		t.Errorf("the write-ahead log has %d bytes", n)
	}
}

func TestTheLogShrinksAfterAReaderHeldItUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := open(t, path)
	defer s.Close()
	other := rawDB(t, path)
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM writ_rows`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	rewrite(t, s, 24)
	if n := walSize(t, path); n < 20*megabyte {
		t.Fatalf("the write-ahead log has %d bytes: the reader did not hold it up", n)
	}
	tx.Rollback()
	rewrite(t, s, 2)
	if n := walSize(t, path); n > 16*megabyte {
		t.Errorf("the write-ahead log has %d bytes still", n)
	}
}

// rewrite writes a row of one megabyte so many times.
func rewrite(t *testing.T, s *sqlite.Store, times int) {
	t.Helper()
	row, err := s.Load(t.Context(), "big")
	if err != nil {
		row = writ.Row{ID: "big"}
	}
	for i := range times {
		row.Data = bytes.Repeat([]byte{byte(i)}, megabyte) // SQLite writes no page that stays the same
		if row, err = s.Save(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
}

func walSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
