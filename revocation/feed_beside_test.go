package revocation_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/revocation"
)

// Followers begin while the issuer's list grows, so that snapshots are made beside writers.
func TestNothingIsMissedByWhoBeginsBesideWriters(t *testing.T) { // req 61, 64
	const n = 30_000
	s := newSigner(t, issuerName)
	later := time.Now().Add(time.Hour)
	l := load(t, newSource(sessions(0, 5000, later)...))
	h := serves(t, l, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() {
		for i := 5000; i < n; i++ {
			l.Apply(sessions(i, i+1, later)...)
		}
	})
	var followers []*revocation.List
	for range 12 {
		follower := followed(t, overNetwork(s, &inProcess{serve: h}))
		followers = append(followers, follower)
		running.Go(func() {
			for follower.Stats().Entries < n && ctx.Err() == nil {
				one, stop := context.WithTimeout(ctx, 50*time.Millisecond)
				follower.Run(one)
				stop()
			}
		})
		get(t, h, fmt.Sprintf("page=%d.4", len(followers)%4))
	}
	give := time.AfterFunc(2*time.Minute, cancel)
	defer give.Stop()
	running.Wait()
	for _, f := range followers {
		if got := f.Stats().Entries; got != n {
			t.Errorf("a follower has %d entries of %d: %v", got, n, f.Stats().Err)
		}
	}
}
