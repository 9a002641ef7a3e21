package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// Time says little on a busy machine. This one asks the pool whether anybody had to wait for a
// connection, as Load would have to without regard to its ctx.
func TestNobodyWaitsForAConnection(t *testing.T) { // req 60
	ctx := t.Context()
	s, err := Open(ctx, filepath.Join(t.TempDir(), "sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.db.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO writ_rows SELECT i, 'alice', 1, 9223372036854775807, x'00' FROM n`); err != nil {
		t.Fatal(err)
	}
	start, err := s.Snapshot(ctx, func(revocation.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	e := revocation.Entry{Kind: revocation.Everything, Before: 1}
	if err := s.Append(ctx, e); err != nil { // so that no Tail waits
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 20 {
		for name, call := range map[string]func() error{
			"Load":     func() error { _, err := s.Load(ctx, "1"); return err },
			"List":     func() error { _, err := s.List(ctx, "alice", "", 100); return err },
			"Snapshot": func() error { _, err := s.Snapshot(ctx, func(revocation.Entry) {}); return err },
			"Tail":     func() error { _, _, err := s.Tail(ctx, start); return err },
			"Append":   func() error { return s.Append(ctx, e) },
		} {
			wait.Go(func() {
				if err := call(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	wait.Wait()
	if n := s.db.Stats().WaitCount; n > 0 {
		t.Errorf("%d calls waited for a connection", n)
	}
}

func TestAReaderThatWaitsHeedsItsCtx(t *testing.T) { // req 60
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cursor, err := s.Snapshot(t.Context(), func(revocation.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), writ.Row{ID: "s1"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		kind slots
		call func(context.Context) error
	}{
		{"Load", s.short, func(ctx context.Context) error { _, err := s.Load(ctx, "s1"); return err }},
		{"Tail", s.short, func(ctx context.Context) error { _, _, err := s.Tail(ctx, cursor); return err }},
		{"List", s.lists, func(ctx context.Context) error { _, err := s.List(ctx, "alice", "", 100); return err }},
		{"Snapshot", s.snapshots, func(ctx context.Context) error {
			_, err := s.Snapshot(ctx, func(revocation.Entry) {})
			return err
		}},
	} {
		for range cap(c.kind) {
			c.kind <- struct{}{}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := c.call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, want that of ctx", c.name, err)
		}
		cancel()
		if c.name != "Load" && c.name != "Tail" {
			if _, err := s.Load(t.Context(), "s1"); err != nil {
				t.Errorf("Load beside %s: %v", c.name, err)
			}
		}
		for range cap(c.kind) {
			c.kind.leave()
		}
	}
}
