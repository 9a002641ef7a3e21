package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// calls is every method of a store that can fail, as a call that would find or change something.
func calls(s writ.Store, row writ.Row, cursor revocation.Cursor) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, row.ID); return err },
		"Save":   func(ctx context.Context) error { _, err := s.Save(ctx, row, ended("lost")); return err },
		"List":   func(ctx context.Context) error { _, err := s.List(ctx, row.Owner, "", 100); return err },
		"Append": func(ctx context.Context) error { return s.Append(ctx, ended("lost")) },
		"Purge":  func(ctx context.Context) error { _, err := s.Purge(ctx, farAhead.AddDate(1, 0, 0)); return err },
		"Snapshot": func(ctx context.Context) error {
			_, err := s.Snapshot(ctx, func(revocation.Entry) {})
			return err
		},
		"Tail": func(ctx context.Context) error { _, _, err := s.Tail(ctx, cursor); return err },
	}
}

var failureTests = contractTests{
	{"a call whose ctx has ended returns its error and does nothing", func(t *testing.T, b *bench) { // req 60
		row := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead, Data: []byte("record")}, ended("s1"))
		_, cursor := b.snapshot(b.store)
		ctx, cancel := context.WithCancel(b.ctx)
		cancel()
		for name, call := range calls(b.store, row, cursor) {
			b.wantErr(name, call(ctx), context.Canceled)
		}
		if got := b.load("s1"); got.Version != row.Version {
			t.Error("the row was written")
		}
		b.wantEntries(ended("s1"))
	}},
	{"a save whose ctx ends meanwhile is done or is not", func(t *testing.T, b *bench) { // req 60
		row := b.save(writ.Row{ID: "s1", Data: []byte("0")})
		for i := range 40 {
			ctx, cancel := context.WithCancel(b.ctx)
			go cancel()
			id := string(rune('A' + i))
			saved, err := b.store.Save(ctx, writ.Row{ID: "s1", Version: row.Version, Data: []byte(id)}, ended(id))
			cancel()
			got := b.load("s1")
			log, _ := b.snapshot(b.store)
			_, logged := log[revocation.Entry{Kind: revocation.Session, ID: id}]
			written := got.Version != row.Version
			switch {
			case err == nil && (got.Version != saved.Version || !logged):
				t.Fatal("Save returned no error, but not all of it is written")
			case err != nil && !errors.Is(err, context.Canceled):
				t.Fatalf("Save: %v", err)
			case written != logged:
				t.Fatal("a row was written without its entry, or an entry without its row")
			}
			row = got
		}
	}},
	{"of saves at once whose ctx ends meanwhile each is done or is not", func(t *testing.T, b *bench) { // req 60
		rows := make([]writ.Row, 8)
		for i := range rows {
			rows[i] = b.save(writ.Row{ID: fmt.Sprint("s", i), Expires: farAhead})
		}
		for round := range 20 {
			saved, errs := make([]writ.Row, len(rows)), make([]error, len(rows))
			ctx, cancel := context.WithCancel(b.ctx)
			together(1+len(rows), func(i int) {
				if i == 0 {
					cancel()
					return
				}
				i--
				with := ctx
				if i%2 == 0 { // the others must not be harmed
					with = b.ctx
				}
				saved[i], errs[i] = b.store.Save(with, rows[i], ended(fmt.Sprint(i, "-", round)))
			})
			for i, row := range rows {
				// A write whose outcome its caller does not know may still be on its way: this one comes
				// after it, or is the conflict that tells that it was done.
				now, err := b.store.Save(b.ctx, writ.Row{ID: row.ID, Version: row.Version, Expires: farAhead})
				done := errors.Is(err, writ.ErrConflict)
				log, _ := b.snapshot(b.store)
				_, logged := log[revocation.Entry{Kind: revocation.Session, ID: fmt.Sprint(i, "-", round)}]
				if done {
					now = b.load(row.ID)
				}
				switch {
				case err != nil && !done:
					t.Fatalf("round %d: Save: %v", round, err)
				case errs[i] != nil && (i%2 == 0 || !errors.Is(errs[i], context.Canceled)):
					t.Fatalf("round %d: Save: %v", round, errs[i])
				case errs[i] == nil && (!done || now.Version != saved[i].Version):
					t.Fatalf("round %d: Save returned no error, but the row is not written", round)
				case done != logged:
					t.Fatalf("round %d: a row was written without its entry, or an entry without its row", round)
				}
				rows[i] = now
			}
		}
	}},
	{"after Close every method returns an error that says nothing of rows", func(t *testing.T, b *bench) { // req 60
		row := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead})
		_, cursor := b.snapshot(b.store)
		for range 2 {
			if err := b.store.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		for name, call := range calls(b.store, row, cursor) {
			b.wantRefused(name, call(b.ctx))
		}
		b.wantRefused("Load of a row that does not exist", errorOf(b.store.Load(b.ctx, "none")))
	}},
	{"Close ends a tail that waits", func(t *testing.T, b *bench) {
		_, cursor := b.snapshot(b.store)
		ended := make(chan error)
		go func() {
			_, _, err := b.store.Tail(b.ctx, cursor)
			ended <- err
		}()
		b.store.Close()
		b.wantRefused("Tail", <-ended)
		if b.ctx.Err() != nil {
			t.Error("the tail waited on")
		}
	}},
}

func errorOf(_ writ.Row, err error) error { return err }
