package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// Copied is a store whose data can be put back to an older copy of itself, as a failover to a server
// that lags behind does it, or an operator with a backup.
type Copied struct {
	// Open returns a handle on the data, as for Run.
	Open func() writ.Store
	// Keep keeps a copy of the data as it is now.
	Keep func()
	// PutBack puts that copy in the data's place, under the handles that are open, and returns when
	// it is there.
	PutBack func()
}

// RunRegressed runs the tests of a store that loses what it had acknowledged because its data is put
// back to an older copy. Whoever follows the log must hear of it: what they know and the store does not
// is then appended again. Run it beside Run, with the store's real server.
//
// A handle may fail for a while after the copy was put back, but it must recover by itself.
func RunRegressed(t *testing.T, open func(t *testing.T) Copied) {
	for _, c := range regressedTests {
		t.Run(c.name, func(t *testing.T) {
			var copied Copied
			b := newBench(t, func(t *testing.T) func() writ.Store {
				copied = open(t)
				return copied.Open
			})
			c.test(t, b, copied)
		})
	}
}

// answer calls f until the store answers: with no error, or with one that decides.
func (b *bench) answer(f func(ctx context.Context) error) error {
	b.t.Helper()
	for {
		err := f(b.ctx)
		switch {
		case err == nil, errors.Is(err, writ.ErrNotFound), errors.Is(err, writ.ErrConflict), errors.Is(err, revocation.ErrGap):
			return err
		case b.ctx.Err() != nil:
			b.t.Fatalf("the store has not recovered: %v", err)
		}
	}
}

// tail is Tail of a store that may have to recover first. One that has nothing to say waits until ctx
// ends: that is not an answer here.
func (b *bench) tail(after revocation.Cursor) error {
	b.t.Helper()
	return b.answer(func(ctx context.Context) error { _, _, err := b.store.Tail(ctx, after); return err })
}

// ready waits until the store answers again.
func (b *bench) ready() {
	b.t.Helper()
	b.answer(func(ctx context.Context) error { _, err := b.store.Load(ctx, "none"); return err })
	b.answer(func(ctx context.Context) error {
		_, err := b.store.Snapshot(ctx, func(revocation.Entry) {})
		return err
	})
}

var regressedTests = []struct {
	name string
	test func(*testing.T, *bench, Copied)
}{
	{"a tail from a place that is lost says so", func(t *testing.T, b *bench, c Copied) { // req 61
		b.append(ended("before"))
		c.Keep()
		b.append(ended("lost"))
		_, lost := b.snapshot(b.store)
		c.PutBack()
		b.wantErr("Tail", b.tail(lost), revocation.ErrRegressed)
	}},
	{"a tail that waits while its place is lost says so", func(t *testing.T, b *bench, c Copied) { // req 61
		b.append(ended("before"))
		c.Keep()
		b.append(ended("lost"))
		_, lost := b.snapshot(b.store)
		waiting := make(chan error)
		go func() { waiting <- b.tail(lost) }()
		c.PutBack()
		b.wantErr("Tail", <-waiting, revocation.ErrRegressed)
	}},
	{"a place that is lost stays so when the log has grown beyond it", func(t *testing.T, b *bench, c Copied) { // req 61
		b.append(ended("before"))
		c.Keep()
		b.append(ended("lost"))
		_, lost := b.snapshot(b.store)
		c.PutBack()
		b.ready()
		for _, id := range []string{"first", "second", "third"} {
			b.append(ended(id))
			b.wantErr("Tail after "+id, b.tail(lost), revocation.ErrRegressed)
		}
	}},
	{"from a place before the copy the log goes on", func(t *testing.T, b *bench, c Copied) { // req 61
		b.append(ended("before"))
		f := b.follow(b.store)
		b.append(ended("kept"))
		c.Keep()
		b.append(ended("lost"))
		c.PutBack()
		b.ready()
		b.append(ended("after"))
		f.catchUp(ended("kept"), ended("after"))
	}},
	{"a log that was empty when it was copied loses places too", func(t *testing.T, b *bench, c Copied) { // req 61
		c.Keep()
		b.append(ended("lost"))
		_, lost := b.snapshot(b.store)
		c.PutBack()
		b.wantErr("Tail", b.tail(lost), revocation.ErrRegressed)
		b.wantEntries()
	}},
	{"rows are those of the copy, and newer versions of them are conflicts", func(t *testing.T, b *bench, c Copied) { // req 49, 61
		old := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead, Data: []byte("old")})
		c.Keep()
		newer := old
		newer.Data = []byte("newer")
		newer = b.save(newer)
		made := b.save(writ.Row{ID: "s2", Owner: "alice", Expires: farAhead})
		c.PutBack()
		b.ready()
		wantSame(t, b.load("s1"), old)
		if rows := b.list("alice"); len(rows) != 1 {
			t.Errorf("%d rows, want the one of the copy", len(rows))
		}
		for _, row := range []writ.Row{newer, made} {
			_, err := b.store.Save(b.ctx, row, ended(row.ID))
			b.wantErr("Save of "+row.ID, err, writ.ErrConflict)
		}
		b.wantEntries()
		wantSame(t, b.load("s1"), old)
		b.save(old, ended("s1"))
		b.wantEntries(ended("s1"))
	}},
	{"what a follower appends again is in the log and in the cutoffs, and reaches the others", func(t *testing.T, b *bench, c Copied) { // req 61
		row := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead}, ended("before"))
		behind := b.follow(b.store)
		c.Keep()
		b.append(ended("lost"), cutoff("alice", 9))
		f := b.follow(b.store)
		c.PutBack()
		b.ready()
		if got := b.load("s1").Cutoff; got != 0 {
			t.Errorf("cutoff %d, want none: the copy is from before it", got)
		}
		for range 2 { // two followers may do so
			for _, e := range f.held {
				b.append(e)
			}
		}
		b.wantEntries(ended("before"), ended("lost"), cutoff("alice", 9))
		_, err := b.store.Save(b.ctx, row)
		b.wantErr("Save of a row that was read before the cutoff", err, writ.ErrConflict)
		if got := b.load("s1").Cutoff; got != 9 {
			t.Errorf("cutoff %d, want 9", got)
		}
		behind.catchUp(ended("lost"), cutoff("alice", 9))
		b.append(ended("after"))
		f.catchUp(ended("after"))
	}},
}
