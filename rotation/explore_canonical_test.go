package rotation_test

import "slices"

// numbers renames the generations and forks of a state without changing what any rule can see, so
// that the states of a model without end are finitely many.
type numbers struct {
	records []*record
	tokens  []*tok
}

// group finds the numbers of one generation, the record that stands in it, if any, and whether
// there is a record before it, from which the generation can be made anew.
func (n numbers) group(gen uint8, forks []*int8) (_ []*int8, here *record, before bool) {
	for _, r := range n.records {
		switch {
		case r.gen < gen:
			before = true
		case r.gen == gen:
			here = r
			forks = append(forks, &r.fork)
		case r.gen == gen+1 && !r.any:
			forks = append(forks, &r.prev, &r.prevMax)
		}
	}
	for _, t := range n.tokens {
		if t.gen == gen {
			forks = append(forks, &t.fork)
		}
	}
	return forks, here, before
}

func (n numbers) span() (low, high uint8) {
	low = 255
	for _, r := range n.records {
		low, high = min(low, r.gen), max(high, r.gen)
	}
	for _, t := range n.tokens {
		low, high = min(low, t.gen), max(high, t.gen)
	}
	return low, high
}

// tick lets time pass for the records. The age of a generation stops at a window; instead its
// numbers sink, as only their distance to that age matters.
func (n numbers) tick(c timing) {
	low, high := n.span()
	var buf [24]*int8
	for gen := low; gen <= high; gen++ {
		forks, here, before := n.group(gen, buf[:0])
		if here != nil && !before && here.rotatedAge >= c.window {
			for _, f := range forks {
				*f--
			}
		}
	}
	for _, r := range n.records {
		r.tick(c)
	}
}

// canonical renames. The lowest generation becomes 1, so that each has a parent. Numbers become
// consecutive where only their order matters: in a generation that no record will number again,
// and below 0, among siblings handed out more than a window ago.
func (n numbers) canonical() {
	low, _ := n.span()
	for _, r := range n.records {
		r.gen -= low - 1
	}
	for _, t := range n.tokens {
		t.gen -= low - 1
	}
	_, high := n.span()
	var buf [24]*int8
	for gen := range high + 1 {
		forks, here, before := n.group(gen, buf[:0])
		if before || len(forks) == 0 {
			continue
		}
		slices.SortFunc(forks, func(a, b *int8) int { return int(*a) - int(*b) })
		var last, rank int8
		rank = -1
		for i, f := range forks {
			if here != nil && *f < 0 && (i == 0 || *f != last) {
				rank-- // as many steps down as there are numbers below 0
			}
			last = *f
		}
		for i, f := range forks {
			value := *f
			switch {
			case here != nil && value >= 0:
				rank = value
			case i == 0 || value != last:
				rank++
			}
			last, *f = value, rank
		}
	}
}
