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
	pass  func(Entry) (record, bool) // not ok: it cannot be passed on, or need not be
	now   func() time.Time
	limit int
	came  func() // is called after each

	mu   sync.Mutex
	ring []change      // at its position modulo limit
	next atomic.Uint64 // position; written under mu
	// reach: what came after that time is in the ring. In microseconds since 1970, as all times here.
	reach, last int64
	began       int64 // nothing before that is in the ring
}

type change struct {
	record
	at int64 // no later than that of the changes after it
}

func newChanges(now func() time.Time, limit int, came func(), pass func(Entry) (record, bool)) *changes {
	c := &changes{pass: pass, now: now, limit: limit, came: came}
	c.begin()
	return c
}

// begin forgets from when the changes are complete: they are from now on.
func (c *changes) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = c.now().UnixMicro()
	c.reach = max(c.reach, c.began)
	c.last = max(c.last, c.reach)
}

func (c *changes) add(e Entry) {
	r, ok := c.pass(e)
	if !ok {
		return
	}
	c.append(change{r, c.now().UnixMicro()})
	c.came()
}

func (c *changes) append(ch change) {
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
}

func (c *changes) position() uint64 { return c.next.Load() }

// has reports whether all changes from a position on are there.
func (c *changes) has(position uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.next.Load()
	return position <= next && next-position <= uint64(len(c.ring))
}

// beganAfter reports whether nothing was in the ring at a time.
func (c *changes) beganAfter(at int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at <= c.began
}

// since is the position from which on everything is that came at a time or later; not ok: the ring
// does not reach back that far.
func (c *changes) since(at int64) (position uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at <= c.reach {
		return 0, false
	}
	next, n := c.next.Load(), len(c.ring)
	first := next - uint64(n)
	i := sort.Search(n, func(i int) bool { return c.ring[(first+uint64(i))%uint64(c.limit)].at >= at })
	return first + uint64(i), true
}

// between is what came from one position on and before another; not ok: it is not there any more.
func (c *changes) between(from, to uint64) (records []record, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.next.Load()
	if from > to || to > next || next-from > uint64(len(c.ring)) {
		return nil, false
	}
	records = make([]record, 0, to-from)
	for ; from < to; from++ {
		records = append(records, c.ring[from%uint64(c.limit)].record)
	}
	return records, true
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
