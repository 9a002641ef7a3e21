package revocation

import "sync/atomic"

// filter says of most names that they are not there, by looking at one word. What it lets through
// must still be looked up: alone it never says that a name is there.
//
// It is a Bloom filter of 64-bit words, of which each name uses one (Putze, Sanders, Singler: Cache-,
// Hash- and Space-Efficient Bloom Filters). Names do not leave it; it is made anew with its part.
type filter []uint64

// slotsPerWord makes 16 bits a slot: with full words one name in 500 that is not there passes.
const slotsPerWord = 4

func newFilter(slots int) filter { return make(filter, (slots+slotsPerWord-1)/slotsPerWord) }

func (f filter) word(h uint64) *uint64 { return &f[spread(h, len(f))] }

// bits are five of a word's, from the 30 bits of h that choose neither part nor word.
func bits(h uint64) uint64 {
	return 1<<(h>>1&63) | 1<<(h>>7&63) | 1<<(h>>13&63) | 1<<(h>>19&63) | 1<<(h>>25&63)
}

// has is for readers beside the writer.
func (f filter) has(h uint64) bool {
	b := bits(h)
	return atomic.LoadUint64(f.word(h))&b == b
}

// add is for the one writer, and leaves what readers see of other names alone.
func (f filter) add(h uint64) {
	w := f.word(h)
	atomic.StoreUint64(w, *w|bits(h))
}
