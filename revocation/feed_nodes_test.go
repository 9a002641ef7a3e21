package revocation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// node is one of an issuer's. It reads the log in its own time, and by its own clock.
type node struct {
	handler *revocation.Handler
	list    *revocation.List
	stop    func()
}

// lagging is a log that a node sees late. What it sees is complete as of when it asked.
type lagging struct {
	*source
	by func() time.Duration
}

func (l lagging) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	entries, cursor, err := l.source.Tail(ctx, after)
	time.Sleep(l.by())
	return entries, cursor, err
}

// fleet is an issuer's nodes behind a load balancer that sends each request to any.
type fleet struct {
	t      *testing.T
	r      *rand.Rand
	s      *signer
	src    *source
	skew   time.Duration
	change int // changes that a handler keeps

	mu    sync.Mutex
	nodes []*node
}

func (f *fleet) random(n int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.r.Int64N(n)
}

func (f *fleet) between(from, to time.Duration) time.Duration {
	return from + time.Duration(f.random(int64(to-from)+1))
}

// start begins a node, whose clock differs from the true one by up to half of Skew.
func (f *fleet) start() *node {
	off := f.between(-f.skew/2, f.skew/2)
	now := func() time.Time { return time.Now().Add(off) }
	l := revocation.NewList(revocation.Config{Source: lagging{f.src, func() time.Duration { return f.between(0, 3*time.Second) }}, Now: now})
	h, err := revocation.NewSmallHandler(revocation.HandlerConfig{
		List: l, Key: feedKey, Keys: f.s, Issuer: f.s.name, Public: true, Skew: f.skew,
	}, f.change, 20)
	if err != nil {
		f.t.Fatal(err)
	}
	return &node{h, l, run(f.t, l)}
}

func (f *fleet) stop() {
	for _, n := range f.nodes {
		n.stop()
	}
}

// restart puts a new node in the place of another.
func (f *fleet) restart(i int) {
	fresh := f.start()
	f.mu.Lock()
	old := f.nodes[i]
	f.nodes[i] = fresh
	f.mu.Unlock()
	old.stop()
}

func (f *fleet) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	select {
	case <-time.After(f.between(time.Microsecond, 300*time.Millisecond)):
	case <-req.Context().Done(): // nobody waits for the answer
		return
	}
	i := f.random(int64(len(f.nodes)))
	f.mu.Lock()
	h := f.nodes[i].handler
	f.mu.Unlock()
	h.ServeHTTP(w, req)
}

// Whatever a follower says that it is complete as of, it has all that was acknowledged by then: across
// nodes whose clocks differ by Skew, which read the log more or less late, and which begin anew.
func TestNothingIsMissedAcrossNodes(t *testing.T) { // req 61, 62
	for _, n := range []int{1, 2, 5} {
		for _, changes := range []int{20, 5000} { // the few are soon not enough, so that snapshots are taken
			t.Run(fmt.Sprintf("%d nodes that keep %d changes", n, changes), func(t *testing.T) {
				r := seeded(t)
				synctest.Test(t, func(t *testing.T) { acrossNodes(t, r, n, changes) })
			})
		}
	}
}

func acrossNodes(t *testing.T, r *rand.Rand, n, changes int) {
	f := &fleet{t: t, r: r, s: newSigner(t, issuerName), src: newSource(), skew: 4 * time.Second, change: changes}
	for range n {
		f.nodes = append(f.nodes, f.start())
	}
	defer f.stop()
	time.Sleep(20 * time.Second)
	type follower struct {
		list *revocation.List
		feed *revocation.Feed
		has  int // so many entries are in the list, and none leaves it
	}
	var followers []*follower
	for range 3 {
		feed := newFeed(t, overNetwork(f.s, &inProcess{serve: f}))
		l := revocation.NewList(revocation.Config{Source: feed})
		followers = append(followers, &follower{l, feed, 0})
		defer run(t, l)()
	}
	written := []time.Time{} // entry i was acknowledged then
	fresh := make([]time.Time, len(followers))
	deadline := time.Now().Add(5 * time.Minute)
	for time.Now().Before(deadline) {
		switch k := f.random(100); {
		case k < 60:
			for range f.random(8) {
				e := revocation.Entry{Kind: revocation.Session, ID: fmt.Sprint("s", len(written)), Before: revocation.Ended, Expires: time.Now().Add(time.Hour)}
				f.src.append(e)
				if f.random(2) == 0 { // the node that wrote it has it at once
					i := f.random(int64(n))
					f.nodes[i].list.Apply(e)
				}
				written = append(written, time.Now())
			}
		case k < 62:
			f.restart(int(f.random(int64(n))))
		}
		time.Sleep(f.between(0, 2*time.Second))
		for i, fo := range followers {
			asOf := fo.list.AsOf() // before the look-ups, as in Revoked
			if asOf.IsZero() {
				continue
			}
			if asOf.Before(fresh[i]) {
				t.Fatalf("a follower's time went back by %s", fresh[i].Sub(asOf))
			}
			fresh[i] = asOf
			// The clock that signed may be ahead of the true one by half of Skew.
			for ; fo.has < len(written) && written[fo.has].Before(asOf.Add(-f.skew/2)); fo.has++ {
				if fo.list.Before(revocation.Session, fmt.Sprint("s", fo.has)) == 0 {
					t.Fatalf("a follower that is complete as of %s ago lacks entry %d, of %s ago", time.Since(asOf), fo.has, time.Since(written[fo.has]))
				}
			}
		}
	}
	for i, fo := range followers {
		// So few changes do not reach back as far as the clocks differ: then only a node that one knows helps.
		if age := time.Since(fo.list.AsOf()); age > 40*time.Second && (n == 1 || changes > 1000) {
			t.Errorf("a follower is %s old: %v", age, fo.list.Stats().Err)
		}
		if i == 0 {
			t.Logf("%d entries, %d snapshots", len(written), fo.feed.Status().Snapshots)
		}
	}
}

// A node that begins cannot tell what came before. Who was at another a moment ago asks others first, so that
// a restart of one of many makes hardly anybody take a snapshot.
func TestARestartOfOneOfManyCostsNoSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, r: seeded(t), s: newSigner(t, issuerName), src: newSource(), skew: 5 * time.Second, change: 5000}
		for range 4 {
			f.nodes = append(f.nodes, f.start())
		}
		defer f.stop()
		time.Sleep(30 * time.Second)
		feed := newFeed(t, overNetwork(f.s, &inProcess{serve: f}))
		l := revocation.NewList(revocation.Config{Source: feed})
		stop := run(t, l)
		for i := range 40 {
			time.Sleep(15 * time.Second)
			f.src.append(revocation.Entry{Kind: revocation.Session, ID: fmt.Sprint(i), Before: revocation.Ended, Expires: time.Now().Add(time.Hour)})
			if i%4 == 3 {
				f.restart(i / 4 % 4)
			}
			if age := time.Since(l.AsOf()); age > 40*time.Second {
				t.Errorf("the follower is %s old", age)
			}
		}
		if n := feed.Status().Snapshots; n > 4 { // one would be enough, had it not met a node that just began four times in a row
			t.Errorf("%d snapshots", n)
		}
		stop()
	})
}

// The pages of a snapshot may come from several nodes.
func TestASnapshotFromManyNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(sessions(0, 500, time.Now().Add(time.Hour))...)
		f := &fleet{t: t, r: seeded(t), s: newSigner(t, issuerName), src: src, skew: 5 * time.Second, change: 5000}
		for range 3 {
			f.nodes = append(f.nodes, f.start())
		}
		defer f.stop()
		time.Sleep(30 * time.Second)
		for i := range 20 {
			src.append(sessions(500+i, 501+i, time.Now().Add(time.Hour))...)
			l := followed(t, overNetwork(f.s, &inProcess{serve: f}))
			for j := range 500 + i {
				if l.Before(revocation.Session, fmt.Sprint(j)) == 0 && j < 499+i {
					t.Fatalf("a follower that begins lacks entry %d of %d", j, 501+i)
				}
			}
			time.Sleep(20 * time.Second)
		}
	})
}

// A follower at several nodes in turn hears from each only what is new there, so that it waits when
// nothing is.
func TestWhoIsSentFromNodeToNodeWaitsAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, r: seeded(t), s: newSigner(t, issuerName), src: newSource(), skew: 5 * time.Second, change: 5000}
		for range 3 {
			f.nodes = append(f.nodes, f.start())
		}
		defer f.stop()
		time.Sleep(30 * time.Second)
		asked := 0
		counting := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			f.mu.Lock()
			asked++
			f.mu.Unlock()
			f.ServeHTTP(w, req)
		})
		l := followed(t, overNetwork(f.s, &inProcess{serve: counting}))
		stop := run(t, l)
		time.Sleep(time.Minute)
		f.src.append(sessions(0, 1, time.Now().Add(time.Hour))...)
		f.mu.Lock()
		asked = 0
		f.mu.Unlock()
		time.Sleep(time.Minute)
		stop()
		f.mu.Lock()
		n := asked
		f.mu.Unlock()
		if n > 32 { // it waits for 2 s each time
			t.Errorf("%d requests in a minute in which one thing came", n)
		}
	})
}

// All nodes begin anew behind a balancer that sends each request to any: none can go on from the first
// snapshot of another, and soon each can from a later one.
func TestAllNodesBeginAnewBehindABalancer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, r: seeded(t), s: newSigner(t, issuerName), src: newSource(sessions(0, 200, time.Now().Add(24*time.Hour))...), skew: 5 * time.Second, change: 5000}
		for range 4 {
			f.nodes = append(f.nodes, f.start())
		}
		defer f.stop()
		time.Sleep(30 * time.Second)
		n := &inProcess{serve: f}
		feed := newFeed(t, overNetwork(f.s, n))
		l := load(t, feed)
		defer run(t, l)()
		for range 20 {
			time.Sleep(30 * time.Second)
			n.becomes(nil)
			for i := range f.nodes {
				f.restart(i)
			}
			time.Sleep(30 * time.Second)
			for i := range f.nodes {
				f.restart(i)
			}
			before := feed.Status().Snapshots
			n.becomes(f)
			time.Sleep(32 * time.Second)
			if age, n := time.Since(l.AsOf()), feed.Status().Snapshots-before; age > 20*time.Second || n > 5 {
				t.Errorf("32 s later it is %s old, and has taken %d snapshots: %v", age, n, l.Stats().Err)
			}
		}
	})
}
