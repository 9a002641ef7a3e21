package keys_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// world is a fleet in time that passes only from event to event: issuing nodes that share a vault,
// verifiers that keep copies of the key set, and caches in between. It has one thread, so that a seed
// tells everything but the keys.
type world struct {
	t      testing.TB
	random *rand.Rand
	plan   plan
	config keys.Config

	start, now time.Time
	limit      time.Time // what passes while a node waits for its vault ends here
	events     queue
	order      int

	vault     *fleetVault
	nodes     []*node
	caches    []*edge
	verifiers []*verifier

	compromised map[string]time.Time // by kid, when it was replaced
	emergency   map[string]time.Time // by kid, since when it signs without having been published before
	takesOver   map[string]time.Time // by kid
	removed     map[string]time.Time // by kid, when the vault first said so
	signed      map[string][]byte    // by kid of what has signed, a signature
	counts      map[string]int
	faults      []string
}

// plan is what a world is to show.
type plan struct {
	rotations   int
	propagation time.Duration // J as the ring is told; 0: what it really takes
	lifetime    time.Duration // of tokens; 0: the key's max_ttl
	calm        bool          // no regressions, emergencies and operators
	ahead       time.Duration // the clock of one node
	forgetful   bool          // every process restarts whenever the vault goes back
	rogue       func(w *world, ring object) bool
}

const (
	fleetSkew    = 5 * time.Second
	fleetStale   = 4 * time.Minute
	fleetTTL     = 5 * time.Minute
	fleetLeeway  = time.Minute
	setMaxAge    = 5 * time.Minute // of the key set
	refreshing   = 5 * time.Minute // how often a verifier looks whether its copy is fresh
	cacheSlack   = time.Minute     // how long a cache serves what is stale
	propagates   = setMaxAge + refreshing + cacheSlack
	fleetLead    = propagates + fleetStale + 2*fleetSkew
	fleetPeriod  = 2 * fleetLead
	fleetMACLife = 2 * time.Hour
)

func newWorld(t testing.TB, p plan, seed uint64) *world {
	if p.propagation == 0 {
		p.propagation = propagates
	}
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	w := &world{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), plan: p, start: start, now: start, limit: start.Add(1 << 60),
		takesOver: map[string]time.Time{}, compromised: map[string]time.Time{}, emergency: map[string]time.Time{}, removed: map[string]time.Time{},
		signed: map[string][]byte{}, counts: map[string]int{},
	}
	w.vault = &fleetVault{w: w}
	w.config = keys.Config{
		Issuer: issuer, Algorithm: keys.EdDSA, MaxTTL: fleetTTL, MaxStale: fleetStale, Skew: fleetSkew,
		Propagation: p.propagation, Leeway: fleetLeeway, Period: fleetPeriod, MACPeriod: time.Hour, MACLife: fleetMACLife,
	}
	if p.rogue != nil {
		w.config.InClear = true
		w.every(fleetStale/3, w.misbehave)
	} else {
		w.config.Wrapper = wrapper(t)
	}
	for id := range 5 {
		n := &node{w: w, id: id}
		w.nodes = append(w.nodes, n)
		n.drift()
		w.after(0, n.open)
		w.every(fleetStale/3, n.step)
		w.every(90*time.Second, n.sign)
		w.every(time.Hour, n.drift)
		w.every(2*fleetPeriod, n.crash)
		w.every(fleetPeriod, n.cutOff)
	}
	for range 4 {
		w.caches = append(w.caches, &edge{w: w})
	}
	for i := range 20 {
		v := &verifier{w: w, edge: w.caches[i%4]}
		w.verifiers = append(w.verifiers, v)
		v.drift()
		w.after(0, v.fetch)
		w.after(w.upTo(refreshing), v.keepLooking)
		w.every(time.Hour, v.drift)
	}
	if !p.calm {
		w.every(3*fleetPeriod, w.regress)
		w.every(15*fleetPeriod, w.replace)
		w.every(4*fleetPeriod, w.operate)
	}
	return w
}

// run lets time pass until the ring has rotated so many times, or a fault is found.
func (w *world) run() {
	end := w.start.Add(time.Duration(w.plan.rotations) * 3 * fleetPeriod)
	for len(w.signed) <= w.plan.rotations && len(w.faults) == 0 {
		if w.now.After(end) {
			w.fault("after %v the ring has rotated only %d times", w.now.Sub(w.start), len(w.signed))
		}
		w.next(end.Add(1))
	}
}

// next lets the next event happen, unless that is after until.
func (w *world) next(until time.Time) bool {
	if len(w.events) == 0 || w.events[0].at.After(until) {
		return false
	}
	e := heap.Pop(&w.events).(event)
	if e.at.After(w.now) {
		w.now = e.at
	}
	e.do()
	return true
}

// pass lets everything else go on for d, as while a node waits for its vault.
func (w *world) pass(d time.Duration) {
	outer := w.limit
	until := w.now.Add(d)
	if until.After(outer) {
		until = outer
	}
	w.limit = until
	for w.next(until) {
	}
	w.limit = outer
	if w.now.Before(until) {
		w.now = until
	}
}

func (w *world) after(d time.Duration, do func()) {
	w.order++
	heap.Push(&w.events, event{w.now.Add(d), w.order, do})
}

// every has do happen every d, for the first time at a random moment, and never quite on time.
func (w *world) every(d time.Duration, do func()) {
	var again func()
	again = func() {
		do()
		w.after(d-w.upTo(d/10), again)
	}
	w.after(w.upTo(d), again)
}

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.random.Int64N(int64(d))) }

func (w *world) oneIn(n int) bool { return w.random.IntN(n) == 0 }

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf("at %v: ", w.now.Sub(w.start))+fmt.Sprintf(format, args...))
}

// offset of a clock, within what Skew allows of any two.
func (w *world) offset() time.Duration {
	switch w.random.IntN(4) {
	case 0:
		return -fleetSkew / 2
	case 1:
		return fleetSkew / 2
	}
	return w.upTo(fleetSkew) - fleetSkew/2
}

type event struct {
	at    time.Time
	order int
	do    func()
}

type queue []event

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q queue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].order < q[j].order
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = slices.Delete(*q, last, last+1)
	return e
}
