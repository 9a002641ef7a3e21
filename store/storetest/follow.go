package storetest

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

// follower does what a revocation list does: a snapshot, then the tail, and after a gap the same
// again, merged.
type follower struct {
	b      *bench
	store  writ.Store
	held   entries
	cursor revocation.Cursor
}

func (b *bench) follow(s writ.Store) *follower {
	b.t.Helper()
	held, cursor := b.snapshot(s)
	return &follower{b, s, held, cursor}
}

// step is one Tail. It reports whether following can go on.
func (f *follower) step(ctx context.Context) bool {
	f.b.t.Helper()
	changed, next, err := f.store.Tail(ctx, f.cursor)
	if errors.Is(err, revocation.ErrGap) {
		changed = nil
		next, err = f.store.Snapshot(f.b.ctx, f.held.merge)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return f.b.ctx.Err() == nil // ctx ended before the log was read
	}
	if err != nil {
		f.b.t.Errorf("following: %v", err)
		return false
	}
	for _, e := range changed {
		f.held.merge(e)
	}
	f.cursor = next
	return true
}

// catchUp follows until every one of want has come.
func (f *follower) catchUp(want ...revocation.Entry) {
	f.b.t.Helper()
	ctx, cancel := context.WithTimeout(f.b.ctx, 5*time.Second)
	defer cancel()
	for !f.has(want) && ctx.Err() == nil && f.step(ctx) {
	}
	for _, e := range want {
		f.held.want(f.b.t, e)
	}
}

func (f *follower) has(want []revocation.Entry) bool {
	for _, e := range want {
		got, ok := f.held[revocation.Entry{Kind: e.Kind, ID: e.ID}]
		if !ok || got.Before < e.Before {
			return false
		}
	}
	return true
}

var followTests = contractTests{
	{"one Tail has all that was acknowledged before it", func(t *testing.T, b *bench) { // req 62
		f := b.follow(b.store)
		var all []revocation.Entry
		for n := range 3 {
			batch := make([]revocation.Entry, 1_500)
			for i := range batch {
				batch[i] = ended(fmt.Sprint(n, "-", i))
			}
			b.append(batch...)
			all = append(all, batch...)
		}
		if !f.step(b.ctx) || !f.has(all) {
			t.Error("a part of it only: a list would take itself for complete")
		}
	}},
	{"a tail has what came after the snapshot", func(t *testing.T, b *bench) { // req 58
		b.append(ended("before"))
		f := b.follow(b.store)
		f.held.want(t, ended("before"))
		b.append(ended("s1"), ended("s2"))
		b.save(writ.Row{ID: "s3"}, ended("s3"))
		f.catchUp(ended("s1"), ended("s2"), ended("s3"))
	}},
	{"a cursor that is used again gives the same again", func(t *testing.T, b *bench) {
		f := b.follow(b.store)
		b.append(ended("s1"))
		first := *f
		first.held = entries{}
		first.catchUp(ended("s1"))
		b.append(ended("s2"))
		f.catchUp(ended("s1"), ended("s2"))
		first.catchUp(ended("s1"), ended("s2"))
	}},
	{"an entry that grows comes again", func(t *testing.T, b *bench) {
		f := b.follow(b.store)
		for before := range int64(5) {
			b.append(cutoff("alice", before+1))
			f.catchUp(cutoff("alice", before+1))
		}
		longer := cutoff("alice", 5)
		longer.Expires = farAhead.Add(time.Hour)
		b.append(longer)
		for f.held[revocation.Entry{Kind: longer.Kind, ID: longer.ID}].Expires.Before(farAhead.Add(time.Minute)) {
			if !f.step(b.ctx) || b.ctx.Err() != nil {
				t.Fatal("a later Expires never came")
			}
		}
	}},
	{"a tail waits until something comes or ctx ends, and its cursor stays good", func(t *testing.T, b *bench) {
		b.append(ended("before"))
		_, cursor := b.snapshot(b.store)
		ctx, cancel := context.WithTimeout(b.ctx, 300*time.Millisecond)
		defer cancel()
		none, next, err := b.store.Tail(ctx, cursor)
		if err != nil || len(none) != 0 || next != cursor {
			t.Fatalf("idle Tail returned %d entries, error %v, another cursor: %v", len(none), err, next != cursor)
		}
		f := &follower{b, b.store, entries{}, next}
		b.append(ended("s1"))
		f.catchUp(ended("s1"))
	}},
	{"an append wakes every tail", func(t *testing.T, b *bench) { // req 58
		var wait sync.WaitGroup
		for range 4 {
			f := b.follow(b.store)
			wait.Go(func() { f.catchUp(ended("s1")) })
		}
		b.append(ended("s1"))
		wait.Wait()
	}},
	{"a cursor that is not this log's is a gap", func(t *testing.T, b *bench) {
		b.append(ended("s1"))
		_, cursor := b.snapshot(b.store)
		changed := []byte(cursor)
		changed[0] ^= 1
		for _, bad := range []revocation.Cursor{
			"", "x", ".", "0", "-1", "0.0", "1.1", "0-0", "ffffffffffffffff.ffffffffffffffff", "'; --",
			revocation.Cursor(changed), cursor + "0", cursor + cursor,
		} {
			ctx, cancel := context.WithTimeout(b.ctx, time.Second) // or it waits
			_, _, err := b.store.Tail(ctx, bad)
			cancel()
			b.wantErr(fmt.Sprintf("Tail from %q", bad), err, revocation.ErrGap)
		}
	}},
	{"two handles see each other's rows, entries and tails", func(t *testing.T, b *bench) {
		other := b.again()
		mine, theirs := b.follow(b.store), b.follow(other)

		row := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead}, ended("s1"))
		got, err := other.Load(b.ctx, "s1")
		if err != nil || got.Version != row.Version {
			t.Fatalf("the other handle has version %d, error %v; want %d", got.Version, err, row.Version)
		}
		if _, err := other.Save(b.ctx, got, cutoff("alice", 9)); err != nil {
			t.Fatalf("Save: %v", err)
		}
		_, err = b.store.Save(b.ctx, row)
		b.wantErr("Save of the version before", err, writ.ErrConflict)
		if got := b.load("s1").Cutoff; got != 9 {
			t.Errorf("cutoff %d, want the other handle's 9", got)
		}
		mine.catchUp(ended("s1"), cutoff("alice", 9))
		theirs.catchUp(ended("s1"), cutoff("alice", 9))

		mine.store, theirs.store = other, b.store // cursors belong to the data
		b.append(ended("s2"))
		mine.catchUp(ended("s2"))
		theirs.catchUp(ended("s2"))
	}},
}
