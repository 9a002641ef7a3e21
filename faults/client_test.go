package faults_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// tester is a *testing.T, or what stands in for one that is to fail.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// world is some nodes on one store, the clients that use them, and what those saw.
type world struct {
	t       tester
	clock   *clock
	nodes   []node
	history *history
	late    bool        // an access token was not refused in time
	broken  atomic.Bool // while it is, nobody repeats what has failed

	mu      sync.Mutex
	longest time.Duration // that a call took
	counts  map[result]int
}

func newWorld(t tester, c *clock, nodes ...node) *world {
	return &world{t: t, clock: c, nodes: nodes, history: newHistory(), counts: map[result]int{}}
}

// held is a session as its client knows it.
type held struct {
	mu      sync.Mutex
	subject string
	sid     string
	jar     string   // the refresh token that it will send next
	tokens  []string // every refresh token that it was given
	access  []string
	ending  bool // somebody has asked for its end
	ended   bool // and was told that it has
	out     bool // a refresh was refused for good
}

func (h *held) token() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.jar
}

// timed does a call and records it. do says whose session it was, if that was not known before.
func (w *world) timed(n node, subject, sid string, c call, do func() (*token.Pair, error)) (*token.Pair, error) {
	c.at = n.now()
	began, start := w.history.clock(), time.Now()
	pair, err := do()
	took := time.Since(start)
	a := answerOf(pair, err)
	if c.verb == refreshCall && pair != nil && pair.Refresh == "" {
		a = answer{result: done}
	}
	if pair != nil && sid == "" {
		sid = pair.SessionID
	}
	if sid != "" || c.verb == endAllCall {
		if c.verb != refreshCall && a.result == renewed {
			a = answer{result: done}
		}
		w.history.add(subject, sid, began, c, a)
	}
	w.mu.Lock()
	w.longest = max(w.longest, took)
	w.counts[a.result]++
	w.mu.Unlock()
	// It has half of Latency; as much again is for a machine that is busy.
	if n.inTime() && took > policy.Latency {
		w.t.Errorf("%s took %s, and is to answer within %s", c, took, policy.Latency/2)
	}
	if wrong := wayward(err); wrong != nil && !errors.Is(err, writ.ErrNotFound) {
		w.t.Errorf("%s: %v", c, wrong)
	}
	return pair, err
}

func answerOf(pair *token.Pair, err error) answer {
	switch {
	case errors.Is(err, token.ErrInvalid), errors.Is(err, writ.ErrNotFound):
		return answer{result: signsOut}
	case err != nil:
		return answer{result: unknown}
	case pair == nil:
		return answer{result: done}
	}
	return answer{result: renewed, token: parts(pair.Refresh)}
}

func (w *world) start(n node, subject string) *held {
	pair, err := w.timed(n, subject, "", call{verb: startCall}, func() (*token.Pair, error) { return n.start(subject) })
	if err != nil {
		return nil
	}
	return &held{subject: subject, sid: pair.SessionID, jar: pair.Refresh, tokens: []string{pair.Refresh}, access: []string{pair.Access}}
}

// refresh sends a refresh token, and keeps the answer unless it is lost on the way.
func (w *world) refresh(n node, h *held, raw string, lost bool) (*token.Pair, error) {
	pair, err := w.timed(n, h.subject, h.sid, call{verb: refreshCall, token: parts(raw)}, func() (*token.Pair, error) { return n.refresh(raw) })
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.out = h.out || errors.Is(err, token.ErrInvalid)
		return nil, err
	}
	h.access = append(h.access, pair.Access)
	if pair.Refresh == "" {
		return pair, nil
	}
	h.tokens = append(h.tokens, pair.Refresh)
	if !lost {
		h.jar = pair.Refresh
	}
	return pair, nil
}

// logout ends a session in one of three ways.
func (w *world) logout(n node, h *held, way int) error {
	h.mu.Lock()
	h.ending = true
	raw := h.jar
	h.mu.Unlock()
	verb, do := endCall, func() error { return n.end(h.subject, h.sid) }
	switch way {
	case 1:
		do = func() error { return n.revoke(raw) }
	case 2:
		verb, do = endAllCall, func() error { return n.endAll(h.subject) }
	}
	_, err := w.timed(n, h.subject, h.sid, call{verb: verb}, func() (*token.Pair, error) { return nil, do() })
	h.mu.Lock()
	h.ended = h.ended || err == nil
	h.mu.Unlock()
	return err
}

// user is one who signs in, uses several tabs with one jar, signs out, and signs in again.
type user struct {
	w       *world
	subject string
	seed    uint64
	past    []*held
	now     *held
}

const (
	tabs        = 3
	refreshes   = 3 // of each tab, at the least, in one turn
	mostOfATurn = 8
)

// turn is what a user does while the clock stands still.
func (u *user) turn(number int) {
	r := rand.New(rand.NewPCG(u.seed, uint64(number)))
	if s := u.now; s != nil && (s.ended || s.out) {
		u.past, u.now = append(u.past, s), nil
	}
	for range refreshes {
		if u.now != nil {
			break
		}
		if u.now = u.w.start(u.w.pick(r), u.subject); u.now == nil {
			u.w.hold(r)
		}
	}
	s := u.now
	if s == nil {
		return
	}
	var all sync.WaitGroup
	for tab := range tabs {
		r := rand.New(rand.NewPCG(r.Uint64(), uint64(tab)))
		all.Go(func() {
			for tries, got := 0, 0; tries < mostOfATurn && (got < refreshes || u.w.broken.Load()); tries++ {
				if _, err := u.w.refresh(u.w.pick(r), s, s.token(), r.IntN(10) == 0); err != nil {
					if r.IntN(3) > 0 { // or at once, as some do
						u.w.hold(r)
					}
					continue
				}
				got++
				time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
			}
		})
	}
	if way := r.IntN(12); way < 3 {
		all.Go(func() {
			time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
			for range refreshes {
				if u.w.logout(u.w.pick(r), s, way) == nil {
					break
				}
				u.w.hold(r)
			}
		})
	}
	all.Wait()
}

func (w *world) pick(r *rand.Rand) node { return w.nodes[r.IntN(len(w.nodes))] }

// hold waits before what failed is tried again, as a client does that was told Retry-After: until every
// node reads from its store. So few operations have an unknown outcome, and the checker is done soon.
func (w *world) hold(r *rand.Rand) {
	for range 500 {
		time.Sleep(time.Duration(10+r.IntN(20)) * time.Millisecond)
		if !w.broken.Load() && !slices.ContainsFunc(w.nodes, func(n node) bool { return !n.reads() }) {
			return
		}
	}
	w.t.Errorf("a node does not recover from a fault that is over")
}

// again calls until it is no longer unavailable: what is healed is to recover by itself, soon.
func again(t tester, what string, do func() error) error {
	t.Helper()
	var err error
	for range 30 {
		if err = do(); !errors.Is(err, token.ErrUnavailable) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s is unavailable long after the fault is over: %v", what, err)
	return err
}
