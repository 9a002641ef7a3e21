package revocation_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// TestNothingVanishesBesideWriters reads while parts grow and what has expired is dropped from them.
func TestNothingVanishesBesideWriters(t *testing.T) { // req 61
	const n = 60_000
	l := load(t, newSource())
	entries := make([]revocation.Entry, n)
	for i := range entries {
		entries[i] = revocation.Entry{Kind: revocation.Session, ID: benchID(i), Before: 2000, Expires: start.Add(time.Duration(i/1000) * time.Second)}
		if stays(i) {
			entries[i].Expires = start.Add(time.Hour)
		}
		if i%7 == 0 {
			entries[i].ID += "-" // not 16 bytes
		}
	}
	m := newMint(t)
	var tokens []*token.Verified
	for i := 1; len(tokens) < 50; i++ {
		if stays(i) {
			tokens = append(tokens, m.token(t, "alice", entries[i].ID, 1000))
		}
	}

	var written atomic.Int64 // so many entries are in the list
	var group sync.WaitGroup
	done := make(chan struct{})
	beside := func(step func(written int) bool) {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if w := int(written.Load()); w > 1000 && !step(w) {
					return
				}
			}
		})
	}
	for range 2 {
		beside(func(written int) bool {
			for range 1000 {
				if i := rand.IntN(written); stays(i) && l.Before(revocation.Session, entries[i].ID) < 2000 {
					t.Errorf("entry %d of %d is not there", i, written)
					return false
				}
			}
			for _, v := range tokens {
				if revoked, _ := l.Revoked(v); !revoked {
					t.Error("a revoked token was let through")
					return false
				}
			}
			return true
		})
	}
	beside(func(written int) bool { // a sweep, whose clock follows what is written
		sweep(l, start.Add(time.Duration(written/1000)*time.Second))
		return true
	})
	beside(func(written int) bool { // a visit
		found := make(map[string]bool, n)
		for e := range l.All() {
			found[e.ID] = true
		}
		for i := range written {
			if stays(i) && !found[entries[i].ID] {
				t.Errorf("a visit misses entry %d of %d", i, written)
				return false
			}
		}
		return true
	})

	want := model{}
	for i, e := range entries {
		l.Apply(e)
		want.apply(e)
		if again := entries[i/2]; stays(i/2) && i%2 == 0 {
			again.Expires = start.Add(time.Minute)
			again.Before = 1 // undoes nothing
			if i%4 == 0 {
				again.Before = revocation.Ended
			}
			l.Apply(again)
			want.apply(again)
		}
		written.Store(int64(i + 1))
	}
	close(done)
	group.Wait()
	sweep(l, start.Add(30*time.Minute))
	want.sweep(start.Add(30 * time.Minute))
	equal(t, l, want)
}

// stays says which entries outlive the test.
func stays(i int) bool { return i%3 != 0 }
