package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/postgres"
)

func TestAServerOfItsOwn(t *testing.T) {
	server := servers.Postgres(t)
	for name, test := range map[string]func(*testing.T, *servers.PostgresServer){
		"what was acknowledged is there after a crash":  crash,
		"one that takes no writes is not fresh":         readOnly,
		"one that was put back has regressed":           putBack,
		"what no standby has is not acknowledged":       unreplicated,
		"one that may lose writes is refused or waived": waivers,
		"hints work again after it was away":            push,
	} {
		t.Run(name, func(t *testing.T) { test(t, server) })
	}
}

// req 60
func crash(t *testing.T, server *servers.PostgresServer) {
	s := open(t, postgres.Config{URL: server.URL(), Schema: "crash"})
	var mu sync.Mutex
	versions, sessions := map[string]uint64{}, map[string]bool{}
	var acknowledged atomic.Int64
	enough := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for w := range 12 {
		wait.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprint(w, "-", i)
				var row writ.Row
				var err error
				switch w % 3 {
				case 0:
					row, err = s.Save(ctx, writ.Row{ID: id, Owner: "alice"})
				case 1:
					row, err = s.Save(ctx, writ.Row{ID: id, Owner: "alice"}, ended(id))
				default:
					err = s.Append(ctx, ended(id))
				}
				if err != nil {
					if errors.Is(err, writ.ErrConflict) || errors.Is(err, writ.ErrNotFound) {
						t.Errorf("a crash looks like an answer: %v", err)
					}
					return
				}
				mu.Lock()
				if row.ID != "" {
					versions[id] = row.Version
				}
				if w%3 != 0 {
					sessions[id] = true
				}
				mu.Unlock()
				if acknowledged.Add(1) == 400 {
					close(enough)
				}
			}
		})
	}
	<-enough
	server.Kill()
	wait.Wait()
	stop()
	server.Start()

	until(t, "the same store works", func() bool { return s.Append(t.Context(), ended("after")) == nil })
	logged := map[string]bool{}
	if _, err := s.Snapshot(t.Context(), func(e revocation.Entry) { logged[e.ID] = true }); err != nil {
		t.Fatal(err)
	}
	for id := range sessions {
		if !logged[id] {
			t.Errorf("an entry was lost")
		}
	}
	for id, version := range versions {
		if row, err := s.Load(t.Context(), id); err != nil || row.Version != version {
			t.Errorf("a row was lost: %v", err)
		}
	}
}

// A primary that takes no writes any more might be one that was cut off: what it says is not fresh. req 63
func readOnly(t *testing.T, server *servers.PostgresServer) {
	s := open(t, postgres.Config{URL: server.URL(), Schema: "read_only"})
	row, err := s.Save(t.Context(), writ.Row{ID: "s1", Owner: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	from := start(t, s)
	s.SetBeat(time.Millisecond) // not five seconds, for a test
	server.Exec(`ALTER SYSTEM SET default_transaction_read_only = on`)
	server.Exec(`SELECT pg_reload_conf()`)
	until(t, "Tail fails", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := s.Tail(ctx, from)
		return err != nil && (strings.Contains(err.Error(), "read-only") || strings.Contains(err.Error(), "read only"))
	})
	for name, err := range map[string]error{
		"Save":             errorOf(s.Save(t.Context(), row)),
		"Save with entry":  errorOf(s.Save(t.Context(), row, ended("s1"))),
		"Append":           s.Append(t.Context(), ended("s1")),
		"Snapshot":         errorOf(s.Snapshot(t.Context(), func(revocation.Entry) {})),
		"Load of a row":    errorOf(s.Load(t.Context(), "s1")),
		"Load of no row":   errorOf(s.Load(t.Context(), "none")),
		"List of no owner": errorOf(s.List(t.Context(), "none", "", 1)),
	} {
		if err == nil && (name == "Load of a row" || name == "List of no owner") {
			continue // by a connection of before
		}
		if err == nil || errors.Is(err, writ.ErrNotFound) || errors.Is(err, writ.ErrConflict) || errors.Is(err, revocation.ErrGap) {
			t.Errorf("%s: %v, want an error of the server", name, err)
		}
	}
	server.Exec(`ALTER SYSTEM RESET default_transaction_read_only`)
	server.Exec(`SELECT pg_reload_conf()`)
	until(t, "the store works again", func() bool {
		_, err := s.Save(t.Context(), row)
		return err == nil
	})
}

// An operator ends the wait for a standby that is gone. The server then says that it has committed.
func unreplicated(t *testing.T, server *servers.PostgresServer) {
	config := named(postgres.Config{URL: server.URL(), Schema: "unreplicated"}, "unreplicated")
	s := open(t, config)
	conn := dial(t, server.URL())
	run(t, conn, `ALTER SYSTEM SET synchronous_standby_names = 'none'`)
	run(t, conn, `SELECT pg_reload_conf()`)
	run(t, conn, `SET synchronous_commit = local`)
	saved, appended := make(chan error, 1), make(chan error, 1)
	save := func() { saved <- errorOf(s.Save(context.Background(), writ.Row{ID: fmt.Sprint(rand.Int64())})) }
	wait := func() int {
		return query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'unreplicated' AND wait_event = 'SyncRep'`)
	}
	go save()
	until(t, "a save waits for a standby", func() bool {
		select {
		case <-saved:
			go save()
		default:
		}
		return wait() == 1
	})
	go func() { appended <- s.Append(context.Background(), ended("s1")) }()
	until(t, "an append waits for a standby", func() bool { return wait() == 2 })
	run(t, conn, `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'unreplicated' AND wait_event = 'SyncRep'`)
	if err := <-saved; err == nil || errors.Is(err, writ.ErrConflict) {
		t.Errorf("Save: %v, want an error of the server", err)
	}
	if err := <-appended; err == nil {
		t.Error("Append returns no error")
	}
	run(t, conn, `ALTER SYSTEM RESET synchronous_standby_names`)
	run(t, conn, `SELECT pg_reload_conf()`)
	until(t, "the store works again", func() bool { return s.Append(t.Context(), ended("s2")) == nil })
}

func errorOf[T any](_ T, err error) error { return err }

// req 64
func putBack(t *testing.T, server *servers.PostgresServer) {
	s := open(t, postgres.Config{URL: server.URL(), Schema: "put_back"})
	if err := s.Append(t.Context(), ended("before")); err != nil {
		t.Fatal(err)
	}
	kept := start(t, s)
	server.Copy()
	until(t, "the store works after a restart", func() bool { return s.Append(t.Context(), ended("lost")) == nil })
	ahead := start(t, s)
	server.PutBack()

	tail := func(from revocation.Cursor) (entries []revocation.Entry, err error) {
		until(t, "the server answers", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			entries, _, err = s.Tail(ctx, from)
			return err == nil || errors.Is(err, revocation.ErrGap)
		})
		return entries, err
	}
	if _, err := tail(ahead); !errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("Tail from a place that was lost: %v", err)
	}
	if err := s.Append(t.Context(), ended("another")); err != nil {
		t.Fatal(err)
	}
	if _, err := tail(ahead); !errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("Tail from a place that has another transaction now: %v", err)
	}
	if entries, err := tail(kept); err != nil || len(entries) != 1 || entries[0].ID != "another" {
		t.Errorf("Tail from a place that is still there: %d entries, %v", len(entries), err)
	}
}
