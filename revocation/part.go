package revocation

import (
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"
)

// part is an open-addressing hash table. Beside readers a key is only ever added to it, and never
// moved or removed: that takes a new part, which readers see when it is whole. So whoever holds a
// part finds in it all that was there when he got it.
type part[K key] struct {
	filter  filter
	slots   []slot[K]
	expires []second // of each slot, 0 for a free one; for the writer only
	used    int
	limit   int    // of used; some slot is always free, where a search ends
	soonest second // nothing in the part expires sooner
}

type slot[K key] struct {
	key K
	// before is 0 in a free slot. It is written last and atomically, so that whoever sees it sees the
	// key. Slots are multiples of 8 bytes, which 32-bit systems need for that.
	before int64
}

// at is where k stands and its Before; if it is not there, where it would, and 0.
func (p *part[K]) at(h uint64, k K) (i int, before int64) {
	for i = spread(h, len(p.slots)); ; {
		s := &p.slots[i]
		if before = atomic.LoadInt64(&s.before); before == 0 || s.key == k {
			return i, before
		}
		if i++; i == len(p.slots) {
			i = 0
		}
	}
}

// raise reports whether the key is there, and whether it says more than before.
func (p *part[K]) raise(h uint64, k K, before int64, expires second) (found, changed bool) {
	i, old := p.at(h, k)
	if old == 0 {
		return false, false
	}
	if before > old {
		atomic.StoreInt64(&p.slots[i].before, before)
		changed = true
	}
	if expires > p.expires[i] {
		p.expires[i] = expires
		changed = true
	}
	return true, changed
}

func (p *part[K]) insert(h uint64, k K, before int64, expires second) {
	i, _ := p.at(h, k)
	p.take(i, k, expires)
	atomic.StoreInt64(&p.slots[i].before, before)
	p.filter.add(h)
}

func (p *part[K]) take(i int, k K, expires second) {
	p.slots[i].key, p.expires[i] = k, expires
	p.used++
	p.soonest = min(p.soonest, expires)
}

// renewed returns a part with what p, which may be nil, has and is alive at now, and with room for
// some more. No reader can see it yet.
func (p *part[K]) renewed(seed maphash.Seed, number int, now second, room int) *part[K] {
	live := 0
	if p != nil {
		for _, expires := range p.expires {
			if expires > now {
				live++
			}
		}
	}
	n := slotsFor(live+room, number)
	next := &part[K]{
		filter:  newFilter(n),
		slots:   make([]slot[K], n),
		expires: make([]second, n),
		limit:   limitOf(n),
		soonest: never,
	}
	if p != nil {
		for i, expires := range p.expires {
			if expires > now {
				next.copy(&p.slots[i], seed, expires)
			}
		}
	}
	return next
}

// copy is insert into a part that no reader sees, which need not be atomic.
func (p *part[K]) copy(s *slot[K], seed maphash.Seed, expires second) {
	h := s.key.hash(seed)
	i, _ := p.at(h, s.key)
	p.take(i, s.key, expires)
	p.slots[i].before = s.before
	*p.filter.word(h) |= bits(h)
}

// maxLoad is how full a part may be. A search for what is not there then looks at twenty slots that
// stand one after the other, and only the writer makes it, or a reader whom the filter misleads.
const maxLoad = 0.85

func limitOf(slots int) int { return int(maxLoad * float64(slots)) }

// slotsFor is how many slots a part gets for n entries: the next power of the cube root of two,
// shifted by the part's number. So the parts do not all grow at the same time, and the table as a
// whole is as full at any size.
func slotsFor(n, number int) int {
	shift := float64(number) / parts
	power := math.Ceil(3*math.Log2(float64(n+1)/maxLoad) - shift)
	return int(math.Ceil(math.Exp2((power + shift) / 3)))
}

// spread maps the bits of h that follow the part's evenly to 0 <= i < n.
func spread(h uint64, n int) int {
	return int(h << partBits >> 32 * uint64(n) >> 32)
}

// second is a Unix time, rounded up so that no entry leaves early.
type second uint32

// never is also what a time after 2106 becomes.
const never second = math.MaxUint32

func secondOf(t time.Time) second {
	if t.IsZero() {
		return never
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return second(min(max(s, 1), int64(never)))
}

func (s second) time() time.Time {
	if s == never {
		return time.Time{}
	}
	return time.Unix(int64(s), 0)
}
