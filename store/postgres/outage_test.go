package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// Nothing comes through, and nobody says so. req 60
func TestANetworkThatSwallowsEverything(t *testing.T) {
	config := place(t)
	config.Timeout = time.Second
	p := through(t, &config.URL)
	s := open(t, config)
	row, err := s.Save(t.Context(), writ.Row{ID: "s1", Owner: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	from := start(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // or a call that never ends
	defer cancel()
	calls := map[string]func() error{
		"Load":            func() error { return errorOf(s.Load(ctx, "s1")) },
		"Load of no row":  func() error { return errorOf(s.Load(ctx, "none")) },
		"List":            func() error { return errorOf(s.List(ctx, "alice", "", 10)) },
		"Save":            func() error { return errorOf(s.Save(ctx, row)) },
		"Save with entry": func() error { return errorOf(s.Save(ctx, row, ended("s1"))) },
		"Append":          func() error { return s.Append(ctx, ended("s2")) },
		"Purge":           func() error { return errorOf(s.Purge(ctx, time.Now())) },
		"Tail":            func() error { _, _, err := s.Tail(ctx, from); return err },
	}
	var wait sync.WaitGroup
	for range 4 { // so that every connection is in use
		for range 4 {
			wait.Go(func() { s.Load(ctx, "s1") })
		}
	}
	wait.Wait()
	p.hole.Store(true)
	for range 3 {
		for name, call := range calls {
			wait.Go(func() {
				err := call()
				if err == nil || ctx.Err() != nil || errors.Is(err, writ.ErrNotFound) || errors.Is(err, writ.ErrConflict) || errors.Is(err, revocation.ErrGap) {
					t.Errorf("%s: %v, want an error of the network", name, err)
				}
			})
		}
	}
	wait.Wait()
	p.hole.Store(false)
	// What still dials into the hole gives up after Timeout. Dead connections must not take the place
	// of living ones any longer than that.
	for range 4 {
		if err = s.Append(ctx, ended("s3")); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("the store does not recover: %v", err)
	}
	for range 3 * 8 {
		wait.Go(func() {
			if _, err := s.Load(ctx, "s1"); err != nil {
				t.Errorf("Load: %v", err)
			}
		})
	}
	wait.Wait()
}

// Idle connections have died, and nobody has noticed.
func TestIdleConnectionsThatDied(t *testing.T) {
	config := place(t)
	config.Timeout = 2 * time.Second
	p := through(t, &config.URL)
	s := open(t, config)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() { s.Load(t.Context(), "none") })
	}
	wait.Wait()
	p.cut()
	s.Idle() // as if they had not been used for a long time
	if _, err := s.Load(t.Context(), "none"); !errors.Is(err, writ.ErrNotFound) {
		t.Errorf("Load: %v, want an answer by a new connection", err)
	}
}

// req 60
func TestACallThatGaveUpLeavesTheOthersAlone(t *testing.T) {
	config := place(t)
	s := open(t, named(config, config.Schema+"s"))
	conn, other := dial(t, config.URL), dial(t, config.URL)
	run(t, other, `BEGIN`)
	run(t, other, `SELECT FROM `+config.Schema+`.writ_head FOR UPDATE`)
	first := make(chan error, 1)
	go func() { first <- s.Append(context.Background(), ended("first")) }()
	until(t, "the first is under way", func() bool { return waiting(t, conn, config, config.Schema+"s", "transactionid") })

	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	const others = 10
	errs := make([]error, others)
	for i := range others {
		use := t.Context()
		if i%2 == 1 {
			use = ctx
		}
		wait.Go(func() { errs[i] = s.Append(use, ended(fmt.Sprint(i))) })
	}
	until(t, "they wait for the first", func() bool { return s.Waiting() == others })
	cancel()
	until(t, "half of them gave up", func() bool { return s.Waiting() == others/2 })
	run(t, other, `ROLLBACK`)
	wait.Wait()
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
	got := map[string]bool{}
	if _, err := s.Snapshot(t.Context(), func(e revocation.Entry) { got[e.ID] = true }); err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		gaveUp := i%2 == 1
		if gaveUp != errors.Is(err, context.Canceled) || gaveUp == got[fmt.Sprint(i)] || !gaveUp && err != nil {
			t.Errorf("call %d: gave up %v, error %v, written %v", i, gaveUp, err, got[fmt.Sprint(i)])
		}
	}
	if seq := query[int64](t, conn, `SELECT seq FROM `+config.Schema+`.writ_head`); seq != 2 {
		t.Errorf("%d transactions, want the first and one for all others", seq)
	}
}

// One of those that are written together brings what the server refuses, and one a conflict.
func TestEveryCallHasItsOwnResult(t *testing.T) {
	config := place(t)
	s := open(t, named(config, config.Schema+"s"))
	conn, other := dial(t, config.URL), dial(t, config.URL)
	run(t, conn, `ALTER TABLE `+config.Schema+`.writ_entries ADD CHECK (id <> 'refused')`)
	run(t, other, `BEGIN`)
	run(t, other, `SELECT FROM `+config.Schema+`.writ_head FOR UPDATE`)
	ctx := t.Context()
	var wait sync.WaitGroup
	var good, refused, conflict, saved error
	wait.Go(func() { s.Append(ctx, ended("first")) })
	until(t, "the first is under way", func() bool { return waiting(t, conn, config, config.Schema+"s", "transactionid") })
	wait.Go(func() { good = s.Append(ctx, ended("good")) })
	wait.Go(func() { refused = s.Append(ctx, ended("refused")) })
	wait.Go(func() { _, conflict = s.Save(ctx, writ.Row{ID: "none", Version: 7}, ended("conflict")) })
	wait.Go(func() { _, saved = s.Save(ctx, writ.Row{ID: "new"}, ended("saved")) })
	until(t, "they wait for the first", func() bool { return s.Waiting() == 4 })
	run(t, other, `ROLLBACK`)
	wait.Wait()
	if good != nil || saved != nil || !errors.Is(conflict, writ.ErrConflict) || refused == nil || errors.Is(refused, writ.ErrConflict) {
		t.Errorf("good: %v, saved: %v, conflict: %v, refused: %v", good, saved, conflict, refused)
	}
	got := map[string]bool{}
	if _, err := s.Snapshot(ctx, func(e revocation.Entry) { got[e.ID] = true }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || !got["first"] || !got["good"] || !got["saved"] {
		t.Errorf("the log has %v", got)
	}
}

// req 60
func TestNothingIsLeftAfterClose(t *testing.T) {
	config := place(t)
	s := open(t, named(config, config.Schema+"s"))
	conn := dial(t, config.URL)
	from := start(t, s)
	const sessions = `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`
	tail := make(chan error)
	for range 3 {
		go func() {
			var err error
			for from := from; err == nil; _, from, err = s.Tail(context.Background(), from) {
			}
			tail <- err
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := 0; s.Append(ctx, ended(fmt.Sprint(i, n))) == nil; n++ {
			}
		})
	}
	until(t, "it has sessions", func() bool { return query[int](t, conn, sessions, config.Schema+"s") > 1 })
	s.Close()
	wait.Wait()
	cancel()
	for range 3 {
		<-tail
	}
	until(t, "it has none", func() bool { return query[int](t, conn, sessions, config.Schema+"s") == 0 })
}
