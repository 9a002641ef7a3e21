package revocation

import (
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// maxChanges is how many changes are kept for those who follow: at 10,000 revocations a second for 26 s,
// which is more than Skew and the age of a list.
const maxChanges = 1 << 18

// changes are the latest that a list took in. They have positions, of which each is greater by one than
// the one before, and the times at which this node took them in.
type changes struct {
	name  func(Entry) (raw, bool) // of an entry; not ok: it cannot be passed on
	now   func() time.Time
	limit int

	mu   sync.Mutex
	ring []change      // at its position modulo limit
	next atomic.Uint64 // position; written under mu
	// reach: what came after that time is in the ring. In microseconds since 1970, as all times here.
	reach, last int64
	began       time.Time // nothing before that is in the ring
	came        chan struct{}
}

type change struct {
	record
	at int64 // no later than that of the changes after it
}

func newChanges(now func() time.Time, limit int, name func(Entry) (raw, bool)) *changes {
	c := &changes{name: name, now: now, limit: limit}
	c.begin()
	return c
}

// begin forgets from when the changes are complete: they are from now on.
func (c *changes) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = c.now()
	c.reach = max(c.reach, c.began.UnixMicro())
	c.last = max(c.last, c.reach)
}

func (c *changes) add(e Entry) {
	digest, ok := c.name(e)
	if !ok {
		return
	}
	ch := change{record{e.Kind, digest, e.Before, secondOf(e.Expires)}, c.now().UnixMicro()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last, ch.at) // the clock may have been set back
	ch.at = c.last
	next := c.next.Load()
	if at := int(next % uint64(c.limit)); at < len(c.ring) {
		c.reach = max(c.reach, c.ring[at].at)
		c.ring[at] = ch
	} else {
		c.ring = append(c.ring, ch)
	}
	c.next.Store(next + 1)
	if c.came != nil {
		close(c.came)
		c.came = nil
	}
}

// more is closed when the next change comes.
func (c *changes) more() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.came == nil {
		c.came = make(chan struct{})
	}
	return c.came
}

func (c *changes) position() uint64 { return c.next.Load() }

// has reports whether all changes from a position on are there.
func (c *changes) has(position uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.next.Load()
	return position <= next && next-position <= uint64(len(c.ring))
}

// since is the position from which on everything is that came at a time or later; not ok: the ring
// does not reach back that far. young: it never did.
func (c *changes) since(at int64) (position uint64, ok, young bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at <= c.reach {
		return 0, false, at <= c.began.UnixMicro()
	}
	next, n := c.next.Load(), len(c.ring)
	first := next - uint64(n)
	i := sort.Search(n, func(i int) bool { return c.ring[(first+uint64(i))%uint64(c.limit)].at >= at })
	return first + uint64(i), true, false
}

// from is what came from a position on, and the position after that; not ok: it is not there any more.
func (c *changes) from(position uint64) (records []record, next uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next = c.next.Load()
	if position > next || next-position > uint64(len(c.ring)) {
		return nil, 0, false
	}
	records = make([]record, 0, next-position)
	for ; position < next; position++ {
		records = append(records, c.ring[position%uint64(c.limit)].record)
	}
	return records, next, true
}

// watchers are the changes that a list tells. Most lists have none.
type watchers struct {
	mu  sync.Mutex // of who changes them
	all atomic.Pointer[[]*changes]
}

func (w *watchers) list() []*changes {
	if all := w.all.Load(); all != nil {
		return *all
	}
	return nil
}

// watch has a list tell c from now on, and former no more. An entry is in the set before it is told: who
// watches first and then reads the set misses none.
func (w *watchers) watch(c, former *changes) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := append(slices.DeleteFunc(slices.Clone(w.list()), func(o *changes) bool { return o == former }), c)
	w.all.Store(&all)
}

func (w *watchers) tell(e Entry) {
	for _, c := range w.list() {
		c.add(e)
	}
}

func (w *watchers) begin() {
	for _, c := range w.list() {
		c.begin()
	}
}
