// Package storetest is the contract of writ.Store as tests.
//
// Run it on a store of your own:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) func() writ.Store {
//			path := filepath.Join(t.TempDir(), "sessions.db")
//			return func() writ.Store { return mystore.Open(path) }
//		})
//	}
//
// If its data can be put back to an older copy, by an operator or by a failover, run RunRegressed too.
//
// What the tests hold a store to, where the contract's words leave room:
//
//   - What has expired counts until Purge has removed it: Load returns the row, a Cutoff includes the
//     entry. Only List leaves expired rows out, by the store's clock.
//   - Times are kept in microseconds. A longer fraction is cut off, never rounded up.
//   - List goes by the bytes of an ID: a database may sort text by a language's rules unless it is told
//     not to. Fewer rows than the limit mean the end, so what has expired takes no place in a page.
//   - Of a Save and a cutoff at the same time, one has seen the other, also where the Save makes a row or
//     carries the cutoff of its own owner itself. Versions alone do not give that, nor does a
//     transaction that reads the cutoff without holding it.
//   - Data is bytes, an owner and an entry's ID are any UTF-8. What a store cannot keep apart from
//     another owner or ID it refuses.
//   - What an Append says that the log knows already changes nothing.
//   - Tail may return ErrGap at any time; a follower then takes a snapshot and merges it. It returns
//     ErrRegressed for a place that is beyond the log's end, or that is another's now: give each place
//     something random, so that a log which has gone another way cannot look like the one it was.
//   - Tail returns no error only if it has read the log since it was called.
//   - Purge says that more is left until a call has found nothing left. It may say so once too often.
//   - Close may be called twice. Afterwards every method returns an error that is none of the
//     sentinels.
//
// What no test here can show, because it needs the store's own machinery: what survives a crash, a power
// cut and a full disk, that a replica which lags behind is not taken for the primary, and that no
// goroutine is left after Close.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// Run runs every test against stores that open makes. Each test calls open once; two calls of the
// function that open returns are two handles on the same data, and may be the same store. The tests
// close every handle.
func Run(t *testing.T, open func(t *testing.T) func() writ.Store) {
	for _, group := range []struct {
		name  string
		tests contractTests
	}{
		{"rows", rowTests},
		{"pages", pageTests},
		{"log", logTests},
		{"following", followTests},
		{"concurrency", concurrencyTests},
		{"cutoffs", cutoffTests},
		{"expiry", expiryTests},
		{"failure", failureTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.tests {
				t.Run(c.name, func(t *testing.T) { c.test(t, newBench(t, open)) })
			}
		})
	}
}

type contractTests = []struct {
	name string
	test func(*testing.T, *bench)
}

// bench is what one test works with: a store with nothing in it, and the steps that many tests take.
type bench struct {
	t     *testing.T
	ctx   context.Context
	store writ.Store
	again func() writ.Store // another handle on the same data
}

func newBench(t *testing.T, open func(*testing.T) func() writ.Store) *bench {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	dial := open(t)
	b := &bench{t: t, ctx: ctx}
	b.again = func() writ.Store {
		s := dial()
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		return s
	}
	b.store = b.again()
	return b
}

func (b *bench) save(row writ.Row, entries ...revocation.Entry) writ.Row {
	b.t.Helper()
	saved, err := b.store.Save(b.ctx, row, entries...)
	if err != nil {
		b.t.Fatalf("Save: %v", err)
	}
	return saved
}

func (b *bench) load(id string) writ.Row {
	b.t.Helper()
	row, err := b.store.Load(b.ctx, id)
	if err != nil {
		b.t.Fatalf("Load: %v", err)
	}
	return row
}

func (b *bench) append(entries ...revocation.Entry) {
	b.t.Helper()
	if err := b.store.Append(b.ctx, entries...); err != nil {
		b.t.Fatalf("Append: %v", err)
	}
}

func (b *bench) list(owner string) []writ.Row {
	b.t.Helper()
	rows, err := b.store.List(b.ctx, owner, "", 100)
	if err != nil {
		b.t.Fatalf("List: %v", err)
	}
	return rows
}

// snapshot returns the log's entries, merged, and where Tail goes on.
func (b *bench) snapshot(s writ.Store) (entries, revocation.Cursor) {
	b.t.Helper()
	all := entries{}
	cursor, err := s.Snapshot(b.ctx, all.merge)
	if err != nil {
		b.t.Fatalf("Snapshot: %v", err)
	}
	return all, cursor
}

// wantEntries fails unless the log has exactly these entries.
func (b *bench) wantEntries(want ...revocation.Entry) {
	b.t.Helper()
	got, _ := b.snapshot(b.store)
	if len(got) != len(want) {
		b.t.Errorf("the log has %d entries, want %d", len(got), len(want))
	}
	for _, e := range want {
		got.want(b.t, e)
	}
}

func (b *bench) wantErr(what string, err, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// wantRefused fails unless err is an error that says neither "not found" nor "changed meanwhile".
func (b *bench) wantRefused(what string, err error) {
	b.t.Helper()
	switch {
	case err == nil:
		b.t.Errorf("%s: no error", what)
	case errors.Is(err, writ.ErrNotFound), errors.Is(err, writ.ErrConflict), errors.Is(err, revocation.ErrGap):
		b.t.Errorf("%s: error %v, which says that the store has answered", what, err)
	}
}

// wantSame fails unless got is want as a store gives it back. Version and Cutoff are the store's.
func wantSame(t *testing.T, got, want writ.Row) {
	t.Helper()
	if got.ID != want.ID || got.Owner != want.Owner || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("row %.80v\nwant %.80v", got, want)
	}
	if !got.Expires.Equal(want.Expires.Truncate(time.Microsecond)) {
		t.Errorf("row expires %v, want %v", got.Expires, want.Expires)
	}
}

// entries is what a follower holds.
type entries map[revocation.Entry]revocation.Entry // by Kind and ID alone

func (m entries) merge(e revocation.Entry) {
	key := revocation.Entry{Kind: e.Kind, ID: e.ID}
	if old, ok := m[key]; ok {
		e = old.Merge(e)
	}
	m[key] = e
}

func (m entries) want(t *testing.T, want revocation.Entry) {
	t.Helper()
	got, ok := m[revocation.Entry{Kind: want.Kind, ID: want.ID}]
	switch {
	case !ok:
		t.Errorf("the log lacks an entry of kind %s", want.Kind)
	case got.Before != want.Before:
		t.Errorf("entry of kind %s: before %d, want %d", want.Kind, got.Before, want.Before)
	case !got.Expires.Equal(want.Expires.Truncate(time.Microsecond)):
		t.Errorf("entry of kind %s: expires %v, want %v", want.Kind, got.Expires, want.Expires)
	}
}

// Times far from the store's clock, so that no test depends on when it runs.
var (
	longAgo  = time.Date(2001, 2, 3, 4, 5, 6, 123456789, time.UTC)
	farAhead = time.Date(2201, 2, 3, 4, 5, 6, 123456789, time.UTC)
)

func ended(sid string) revocation.Entry {
	return revocation.Entry{Kind: revocation.Session, ID: sid, Before: revocation.Ended, Expires: farAhead}
}

func cutoff(owner string, before int64) revocation.Entry {
	return revocation.Entry{Kind: revocation.Subject, ID: owner, Before: before, Expires: farAhead}
}
