package faults_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// fault breaks something, and returns what mends it.
type fault struct {
	inject func(r *rand.Rand) (heal func())
}

const users = 4

// turns is how often the clock moves on.
func turns() int { return rounds(6, 60) }

// survive has users work while one fault after another comes and goes, and then looks at what is left.
// A fault without inject is none.
func (w *world) survive(r *rand.Rand, faults ...fault) {
	var all []*user
	for i := range users {
		all = append(all, &user{w: w, subject: subject(i), seed: r.Uint64()})
	}
	for turn := range turns() {
		var working sync.WaitGroup
		f := faults[turn%len(faults)]
		w.broken.Store(true)
		for _, u := range all {
			working.Go(func() { u.turn(turn) })
		}
		time.Sleep(time.Duration(r.IntN(100)) * time.Millisecond)
		if f.inject != nil {
			f.inject(r)()
		}
		w.broken.Store(false)
		working.Wait()
		w.clock.advance(afterWindow)
	}
	if w.counts[unknown] == 0 && w.longest < 100*time.Millisecond && faults[0].inject != nil {
		w.t.Errorf("no call noticed a fault: nothing was tested")
	}
	w.settle(all)
	checking := time.Now()
	w.history.check(w.t)
	w.t.Logf("checked in %s", time.Since(checking).Round(time.Millisecond))
	w.t.Logf("%d calls: %d acknowledged, %d refused, %d of unknown outcome; the longest took %s",
		w.counts[unknown]+w.counts[done]+w.counts[renewed]+w.counts[signsOut],
		w.counts[done]+w.counts[renewed], w.counts[signsOut], w.counts[unknown], w.longest.Round(time.Millisecond))
}

// settle looks at every session after all faults are over.
func (w *world) settle(all []*user) {
	t := w.t
	for _, n := range w.nodes {
		again(t, "a sign-in", func() error {
			if w.start(n, "afterwards") == nil {
				return token.ErrUnavailable
			}
			return nil
		})
	}
	lived, ended, chose := 0, 0, 0
	for _, u := range all {
		for _, s := range append(u.past, u.now) {
			switch {
			case s == nil:
			case s.ended:
				w.refused(s, s.token(), "a session that an acknowledged logout ended")
				w.accessRefused(s)
				ended++
			case s.ending: // nobody knows; the history does
				for _, n := range w.nodes {
					again(t, "a refresh", func() error { _, err := w.refresh(n, s, s.token(), false); return err })
				}
			case s.out:
				t.Errorf("a user was signed out whom nobody had signed out")
			default:
				if w.oneChain(s) {
					chose++
				}
				lived++
			}
		}
	}
	t.Logf("%d sessions lived to the end, %d of them with siblings, and %d were signed out", lived, chose, ended)
}

// refused wants every node to refuse a refresh token.
func (w *world) refused(s *held, raw, what string) {
	w.t.Helper()
	for i, n := range w.nodes {
		err := again(w.t, "a refresh", func() error { _, err := w.refresh(n, s, raw, true); return err })
		if !errors.Is(err, token.ErrInvalid) {
			w.t.Errorf("node %d, of %s: %v, want ErrInvalid", i, what, err)
		}
	}
}

// staleness is how soon every node refuses the access tokens of a session that has ended. A store is
// asked every 200 ms.
const staleness = 5 * time.Second

func (w *world) accessRefused(s *held) {
	w.t.Helper()
	for i, n := range w.nodes {
		for _, raw := range s.access {
			var err error
			for deadline := time.Now().Add(staleness); ; time.Sleep(20 * time.Millisecond) {
				if err = n.verify(raw); errors.Is(err, token.ErrInvalid) {
					break
				}
				if time.Now().After(deadline) {
					w.t.Errorf("node %d, an access token of a session that has ended: %v, want ErrInvalid", i, err)
					w.late = true // one is enough to wait for
				}
				if w.late {
					return
				}
			}
		}
	}
}

// oneChain wants a session that nobody ended to live, on every node, and all but its newest token to be
// of no use to anybody. It reports whether there were such others.
func (w *world) oneChain(s *held) bool {
	t := w.t
	t.Helper()
	used := s.token()
	for i, n := range w.nodes {
		var pair *token.Pair
		err := again(t, "a refresh", func() (err error) { pair, err = w.refresh(n, s, s.token(), false); return err })
		if err != nil {
			t.Errorf("node %d: a user was signed out whom nobody had signed out: %v", i, err)
			return false
		}
		if err := n.verify(pair.Access); err != nil {
			t.Errorf("node %d refuses the access token that it has just made: %v", i, err)
		}
	}
	displaced := ""
	for _, raw := range s.tokens {
		if p, u := parts(raw), parts(used); p.Gen == u.Gen && p.Fork != u.Fork {
			displaced = raw
		}
	}
	if displaced == "" {
		return false
	}
	// The first use of the jar's token chose it, after the window. Its siblings are spent.
	err := again(t, "a refresh", func() error { _, err := w.refresh(w.nodes[0], s, displaced, true); return err })
	if !errors.Is(err, token.ErrReused) {
		t.Errorf("a displaced sibling: %v, want ErrReused: there are two chains", err)
		return true
	}
	w.refused(s, s.token(), "a session one of whose spent tokens came back")
	return true
}

// aheadOfAll is how far the second node's clock is ahead.
var aheadOfAll = policy.Skew * 3 / 4

// nodes are two Managers on one store; wrap may put something before a node's store.
func nodes(t *testing.T, p place, c *clock, through func(i int) func(string) string, wrap func(i int, s writ.Store) writ.Store) []node {
	var all []node
	for i, ahead := range []time.Duration{0, aheadOfAll} {
		var by func(string) string
		if through != nil {
			by = through(i)
		}
		store := p.open(t, by)
		if wrap != nil {
			store = wrap(i, store)
		}
		now := aheadBy(c, ahead)
		all = append(all, local{run(t, config(store, now, nil)), now})
	}
	return all
}

func TestNothingIsLostWhileAStoreFails(t *testing.T) { // req 60
	eachBackend(t, func(t *testing.T, b backend) {
		t.Parallel()
		c := newClock()
		var stores []*broken
		all := nodes(t, b.shared(t), c, nil, func(_ int, s writ.Store) writ.Store {
			one := &broken{Store: s}
			t.Cleanup(one.late.Wait)
			stores = append(stores, one)
			return one
		})
		newWorld(t, c, all...).survive(random(t), brokenFaults(stores...)...)
	})
}

func TestNothingIsLostWhileProcessesOnAFileAreKilled(t *testing.T) {
	t.Parallel()
	p, c := sqlitePlace(t), newClock()
	all := nodes(t, p, c, nil, nil)[:1]
	other := newChild(t, p.file, c.Now)
	newWorld(t, c, append(all, other)...).survive(random(t), other.killed())
}

func TestNothingIsLostWhileProcessesOnAFileArePaused(t *testing.T) {
	t.Parallel()
	p, c := sqlitePlace(t), newClock()
	all := nodes(t, p, c, nil, nil)[:1]
	other := newChild(t, p.file, c.Now)
	faults := other.paused()
	if faults == nil {
		t.Skip("this system cannot pause a process")
	}
	newWorld(t, c, append(all, other)...).survive(random(t), faults...)
}

// eachServer runs a test on every store that has a server.
func eachServer(t *testing.T, test func(t *testing.T, p place)) {
	eachBackend(t, func(t *testing.T, b backend) {
		if b.name == "memory" || b.name == "sqlite" {
			t.Skip("the store has no server")
		}
		t.Parallel()
		test(t, b.own(t))
	})
}

func TestNothingIsLostWhileAServerIsKilled(t *testing.T) { // req 47
	eachServer(t, func(t *testing.T, p place) {
		c := newClock()
		newWorld(t, c, nodes(t, p, c, nil, nil)...).survive(random(t), fault{inject: func(r *rand.Rand) func() {
			p.server.Kill()
			time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
			return p.server.Start
		}})
	})
}

func TestNothingIsLostWhileAServerIsPaused(t *testing.T) {
	eachServer(t, func(t *testing.T, p place) {
		c := newClock()
		newWorld(t, c, nodes(t, p, c, nil, nil)...).survive(random(t), fault{inject: func(r *rand.Rand) func() {
			resume := p.pause()
			time.Sleep(time.Duration(200+r.IntN(1500)) * time.Millisecond)
			return resume
		}})
	})
}

func TestNothingIsLostOnABadNetwork(t *testing.T) {
	eachServer(t, func(t *testing.T, p place) {
		c := newClock()
		var wires []*wire
		all := nodes(t, p, c, func(int) func(string) string {
			w := &wire{t: t}
			wires = append(wires, w)
			return w.to
		}, nil)
		newWorld(t, c, all...).survive(random(t), wireFaults(wires...)...)
	})
}
