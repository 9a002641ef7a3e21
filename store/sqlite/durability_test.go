package sqlite

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// No test can cut the power: this one looks at what SQLite was told.
func TestWritesWithEntriesAreOnTheDiskBeforeTheyAreAcknowledged(t *testing.T) { // req 60
	ctx := t.Context()
	s, err := Open(ctx, filepath.Join(t.TempDir(), "sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := revocation.Entry{Kind: revocation.Everything, Before: 1}
	var row writ.Row
	for _, c := range []struct {
		name  string
		write func() error
		want  durability
	}{
		{"a row", func() (err error) {
			row, err = s.Save(ctx, writ.Row{ID: "s1", Expires: time.Now().Add(time.Hour)})
			return err
		}, relaxed},
		{"a row with an entry", func() (err error) { row, err = s.Save(ctx, row, e); return err }, durable},
		{"a row again", func() (err error) { row, err = s.Save(ctx, row); return err }, relaxed},
		{"a row that never expires", func() error { _, err := s.Save(ctx, writ.Row{ID: "ring"}); return err }, durable},
		{"an entry", func() error { return s.Append(ctx, e) }, durable},
	} {
		if err := c.write(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got durability
		if err := s.writer.conn.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: synchronous = %d, error %v; want %d", c.name, got, err, c.want)
		}
	}
}

// data_version changes for a connection when another one has committed something.
func TestAppendingWhatTheLogKnowsBringsAllToTheDisk(t *testing.T) { // req 60
	ctx := t.Context()
	s, err := Open(ctx, filepath.Join(t.TempDir(), "sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := revocation.Entry{Kind: revocation.Everything, Before: 1}
	if err := s.Append(ctx, e); err != nil {
		t.Fatal(err)
	}
	reader, err := s.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	commits := func() (version int) {
		t.Helper()
		if err := reader.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil {
			t.Fatal(err)
		}
		return version
	}
	for range 2 {
		if _, err := s.Save(ctx, writ.Row{ID: rand.Text(), Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		before := commits()
		if err := s.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
		if commits() == before {
			t.Error("nothing was committed: SQLite has brought nothing to the disk")
		}
	}
}
