package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	driver "modernc.org/sqlite"
)

// grouped is a store in which nobody can write until the test says so, and which counts transactions.
type grouped struct {
	*Store
	t       *testing.T
	ctx     context.Context
	commits int
	wait    sync.WaitGroup
}

func newGrouped(t *testing.T) *grouped {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	s, err := Open(ctx, filepath.Join(t.TempDir(), "sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	g := &grouped{Store: s, t: t, ctx: ctx}
	s.writer.conn.Raw(func(c any) error {
		c.(driver.HookRegisterer).RegisterCommitHook(func() int32 { g.commits++; return 0 })
		return nil
	})
	<-s.turn
	return g
}

// asks starts a write and returns when it waits in the line. want says whether its error is as it should be.
func (g *grouped) asks(want func(error) bool, call func() error) {
	g.t.Helper()
	before := g.length()
	g.wait.Go(func() {
		if err := call(); !want(err) {
			g.t.Errorf("error %v", err)
		}
	})
	for g.length() == before && g.ctx.Err() == nil {
		runtime.Gosched()
	}
}

func (g *grouped) length() int {
	g.line.mu.Lock()
	defer g.line.mu.Unlock()
	return len(g.line.waiting)
}

func (g *grouped) row(id string) writ.Row {
	return writ.Row{ID: id, Owner: "alice", Expires: time.Now().Add(time.Hour)}
}

// saves asks for a row with an entry.
func (g *grouped) saves(ctx context.Context, row writ.Row, want func(error) bool) {
	g.t.Helper()
	e := revocation.Entry{Kind: revocation.Session, ID: row.ID, Before: revocation.Ended}
	g.asks(want, func() error { _, err := g.Save(ctx, row, e); return err })
}

// opens lets them write and waits until all have their results.
func (g *grouped) opens() {
	g.turn <- struct{}{}
	g.wait.Wait()
}

// wantRows fails unless exactly these rows are there, each with its entry.
func (g *grouped) wantRows(want ...string) {
	g.t.Helper()
	rows, err := g.List(g.ctx, "alice", "", 1000)
	if err != nil || len(rows) != len(want) {
		g.t.Errorf("%d rows, error %v; want %d", len(rows), err, len(want))
	}
	logged := make(map[string]bool)
	if _, err := g.Snapshot(g.ctx, func(e revocation.Entry) { logged[e.ID] = true }); err != nil || len(logged) != len(want) {
		g.t.Errorf("%d entries, error %v; want %d", len(logged), err, len(want))
	}
	for _, id := range want {
		if _, err := g.Load(g.ctx, id); err != nil || !logged[id] {
			g.t.Errorf("row %s: %v; its entry: %v", id, err, logged[id])
		}
	}
}

func succeeds(err error) bool { return err == nil }

func failsWith(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

func TestWritesThatWaitShareATransaction(t *testing.T) {
	for n, transactions := range map[int]int{1: 1, 2: 1, maxGroup: 1, maxGroup + 1: 2, 3*maxGroup + 1: 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			g := newGrouped(t)
			var want []string
			for i := range n {
				want = append(want, fmt.Sprint("s", i))
				g.saves(g.ctx, g.row(want[i]), succeeds)
			}
			g.opens()
			if g.commits != transactions {
				t.Errorf("%d transactions, want %d", g.commits, transactions)
			}
			g.wantRows(want...)
		})
	}
}

func TestEachWriteOfAGroupHasItsOwnResult(t *testing.T) { // req 45, 49
	errBroken := errors.New("broken")
	for name, breaks := range map[string]func(*writer) error{
		"a conflict":               nil,
		"an error":                 func(*writer) error { return errBroken },
		"an error after it wrote":  func(w *writer) error { w.exec(`DELETE FROM writ_rows`); return errBroken },
		"an error that rolls back": func(w *writer) error { w.exec(`ROLLBACK`); return errBroken },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrouped(t)
			g.saves(g.ctx, g.row("s1"), succeeds)
			for range 2 { // in the midst
				if breaks != nil {
					g.asks(failsWith(errBroken), func() error { return g.write(g.ctx, relaxed, breaks) })
				}
				stale := g.row("s1") // it is there by then
				g.saves(g.ctx, stale, failsWith(writ.ErrConflict))
			}
			g.saves(g.ctx, g.row("s2"), succeeds)
			g.opens()
			g.wantRows("s1", "s2")
		})
	}
}

func TestWhoIsFirstAndFailsEndsNobodyElse(t *testing.T) {
	errBroken := errors.New("broken")
	g := newGrouped(t)
	g.asks(failsWith(errBroken), func() error { return g.write(g.ctx, durable, func(*writer) error { return errBroken }) })
	g.saves(g.ctx, g.row("s1"), succeeds)
	g.saves(g.ctx, g.row("s2"), succeeds)
	g.opens()
	g.wantRows("s1", "s2")
}

func TestWhoGivesUpInTheLineIsToldAtOnceAndNotWritten(t *testing.T) { // req 60
	g := newGrouped(t)
	ctx, cancel := context.WithCancel(g.ctx)
	g.saves(g.ctx, g.row("s1"), succeeds)
	var gone sync.WaitGroup
	gone.Add(1)
	g.saves(ctx, g.row("s2"), func(err error) bool { gone.Done(); return errors.Is(err, context.Canceled) })
	g.saves(g.ctx, g.row("s3"), succeeds)
	cancel()
	gone.Wait() // nobody has had the turn yet
	if n := g.length(); n != 2 {
		t.Errorf("%d wait in the line, want the other two", n)
	}
	g.opens()
	g.wantRows("s1", "s3")
}

// Another process is in the way of the first, and of those whose writes it has taken.
func TestWhoGivesUpWhileAnotherProcessWritesLeavesTheOthersWaiting(t *testing.T) { // req 60
	for name, first := range map[string]bool{"the first": true, "one behind it": false} {
		t.Run(name, func(t *testing.T) {
			g := newGrouped(t)
			conn, err := g.db.Conn(g.ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.ExecContext(g.ctx, `BEGIN IMMEDIATE`); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(g.ctx)
			defer cancel()
			gone := make(chan struct{})
			gives := func(err error) bool { close(gone); return errors.Is(err, context.Canceled) }
			if first {
				g.saves(ctx, g.row("s1"), gives)
			}
			g.saves(g.ctx, g.row("s2"), succeeds)
			if !first {
				g.saves(ctx, g.row("s1"), gives)
			}
			g.saves(g.ctx, g.row("s3"), succeeds)
			g.turn <- struct{}{}
			for g.length() > 0 && g.ctx.Err() == nil { // until the first has taken them
				runtime.Gosched()
			}
			cancel()
			<-gone
			if _, err := conn.ExecContext(g.ctx, `ROLLBACK`); err != nil {
				t.Fatal(err)
			}
			g.wait.Wait()
			g.wantRows("s2", "s3")
		})
	}
}

func TestCloseEndsAllWhoWaitToWrite(t *testing.T) { // req 60
	g := newGrouped(t)
	conn, err := g.db.Conn(g.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(g.ctx, `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	for i := range maxGroup + 10 { // more than the first takes
		g.saves(g.ctx, g.row(fmt.Sprint("s", i)), failsWith(errClosed))
	}
	g.turn <- struct{}{}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	g.wait.Wait()
}

func TestAGroupIsOnTheDiskIfOneOfItMustBe(t *testing.T) { // req 60
	for _, durableAt := range []int{0, 1, 2, -1} {
		g := newGrouped(t)
		want := relaxed
		for i := range 3 {
			if i == durableAt {
				want = durable
				g.saves(g.ctx, g.row(fmt.Sprint("s", i)), succeeds)
				continue
			}
			g.asks(succeeds, func() error { _, err := g.Save(g.ctx, g.row(fmt.Sprint("s", i))); return err })
		}
		g.opens()
		var got durability
		if err := g.writer.conn.QueryRowContext(g.ctx, `PRAGMA synchronous`).Scan(&got); err != nil || got != want || g.commits != 1 {
			t.Errorf("with an entry at %d: synchronous = %d, error %v, %d transactions; want %d and one", durableAt, got, err, g.commits, want)
		}
	}
}
