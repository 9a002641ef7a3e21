package revocation

import (
	"hash/maphash"
	"sync/atomic"
)

// A table is cut into parts by the first bits of the hash, and one part at a time is made anew, so
// that no step takes long: with 64 Mi entries a part has 16 Ki, which takes 0.4 ms.
const (
	partBits = 12
	parts    = 1 << partBits
)

// table is a set of keys with, for each, a Before and when it expires. One goroutine may write while
// any number read.
type table[K key] struct {
	dir atomic.Pointer[directory[K]] // nil until there is an entry
}

type directory[K key] [parts]atomic.Pointer[part[K]]

func partOf(h uint64) int { return int(h >> (64 - partBits)) }

// find returns the part that may have a key with this hash; nil if none has.
func (t *table[K]) find(h uint64) *part[K] {
	d := t.dir.Load()
	if d == nil {
		return nil
	}
	p := d[partOf(h)].Load()
	if p == nil || !p.filter.has(h) {
		return nil
	}
	return p
}

// before is 0 for a key that is not there.
func (t *table[K]) before(h uint64, k K) int64 {
	if p := t.find(h); p != nil {
		_, before := p.at(h, k)
		return before
	}
	return 0
}

// raise merges an entry into one that is there, and reports whether there is one, and whether it says
// more than before.
func (t *table[K]) raise(h uint64, k K, before int64, expires second) (found, changed bool) {
	if p := t.find(h); p != nil {
		return p.raise(h, k, before, expires)
	}
	return false, false
}

// insert adds an entry that is not there.
func (t *table[K]) insert(seed maphash.Seed, h uint64, k K, before int64, expires second) {
	t.reserve(seed, partOf(h), 1).insert(h, k, before, expires)
}

// reserve returns a part with room for so many more entries.
func (t *table[K]) reserve(seed maphash.Seed, number, room int) *part[K] {
	d := t.dir.Load()
	if d == nil {
		d = new(directory[K])
		t.dir.Store(d)
	}
	p := d[number].Load()
	if p == nil || p.used+room > p.limit {
		p = p.renewed(seed, number, 0, room)
		d[number].Store(p)
	}
	return p
}

// sweep drops what has expired from one part, and returns how many entries that were.
func (t *table[K]) sweep(seed maphash.Seed, part int, now second) int {
	d := t.dir.Load()
	if d == nil {
		return 0
	}
	p := d[part].Load()
	if p == nil || p.soonest > now {
		return 0
	}
	next := p.renewed(seed, part, now, 1)
	dropped := p.used - next.used
	if next.used == 0 {
		next = nil
	}
	d[part].Store(next)
	return dropped
}

// visit calls add with what is in one part.
func (t *table[K]) visit(part int, add func(k K, before int64, expires second)) {
	d := t.dir.Load()
	if d == nil {
		return
	}
	p := d[part].Load()
	if p == nil {
		return
	}
	for i, expires := range p.expires {
		if expires != 0 {
			add(p.slots[i].key, p.slots[i].before, expires)
		}
	}
}
