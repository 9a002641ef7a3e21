package revocation

// maxBatch is how many entries are put in order before they are added: enough that some of them go into
// each part.
const maxBatch = 1 << 17

// batch adds many entries at once. It takes them part by part, so that the memory of one is at hand for
// all that go there: with a million entries that is several times as fast as one by one.
type batch struct {
	set     *set
	fresh   bool        // most entries are new: parts get room for all of them
	changed func(Entry) // is told what says more than before; nil: nobody is
	items   []item
	hashes  []uint64
	order   []int32
	err     error // that an entry was refused for
}

func (b *batch) add(e Entry) {
	if !e.valid() {
		return
	}
	b.items = append(b.items, itemOf(e))
	if len(b.items) == maxBatch {
		b.flush()
	}
}

func (b *batch) flush() {
	var starts [parts + 1]int32 // where each part's items begin in order
	b.hashes = b.hashes[:0]
	for i := range b.items {
		h := b.items[i].hash(b.set.seed)
		b.hashes = append(b.hashes, h)
		starts[partOf(h)+1]++
	}
	for part := range parts {
		starts[part+1] += starts[part]
	}
	if cap(b.order) < len(b.items) {
		b.order = make([]int32, len(b.items))
	}
	b.order = b.order[:len(b.items)]
	next := starts
	for i, h := range b.hashes {
		at := &next[partOf(h)]
		b.order[*at] = int32(i)
		*at++
	}
	for part := range parts {
		if here := b.order[starts[part]:starts[part+1]]; len(here) > 0 {
			b.addPart(part, here)
		}
	}
	b.items = b.items[:0]
}

func (b *batch) addPart(part int, here []int32) {
	s := b.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.fresh {
		var room [Everything + 1]int
		for _, i := range here {
			if it := &b.items[i]; it.text == "" {
				room[it.kind]++
			}
		}
		left := s.limit - s.count.Load()
		for kind, n := range room[:Everything] {
			if n > 0 && int64(n) <= left {
				s.kinds[kind].raws.reserve(s.seed, part, n)
			}
		}
	}
	for _, i := range here {
		changed, err := s.addItem(b.hashes[i], &b.items[i])
		if err != nil { // the others revoke something
			b.err = err
		}
		if changed && b.changed != nil {
			b.changed(b.items[i].entry())
		}
	}
}
