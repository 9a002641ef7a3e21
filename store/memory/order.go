package memory

import (
	"cmp"
	"iter"
	"slices"
)

// chunk is how many IDs of an owner lie side by side at most: one more moves no more than these.
const chunk = 512

// order holds the IDs of an owner's rows in order, in chunks that are never empty.
type order [][]string

// find returns where id is, or would be put. There is at least one chunk.
func (o order) find(id string) (c, at int, found bool) {
	c, first := slices.BinarySearchFunc(o, id, func(ids []string, id string) int { return cmp.Compare(ids[0], id) })
	if !first && c > 0 {
		c-- // the last that begins before it
	}
	at, found = slices.BinarySearch(o[c], id)
	return c, at, found
}

func (o order) add(id string) order {
	if len(o) == 0 {
		return order{{id}}
	}
	c, at, found := o.find(id)
	if found {
		return o
	}
	o[c] = slices.Insert(o[c], at, id)
	if half := len(o[c]) / 2; len(o[c]) > chunk {
		o = slices.Insert(o, c+1, slices.Clone(o[c][half:]))
		o[c] = slices.Delete(o[c], half, len(o[c]))
	}
	return o
}

func (o order) remove(id string) order {
	if len(o) == 0 {
		return o
	}
	c, at, found := o.find(id)
	if found {
		o[c] = slices.Delete(o[c], at, at+1)
	}
	if len(o[c]) == 0 {
		o = slices.Delete(o, c, c+1)
	}
	return o
}

// after yields the IDs that come after one.
func (o order) after(id string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(o) == 0 {
			return
		}
		c, at, found := o.find(id)
		if found {
			at++
		}
		for ; c < len(o); c, at = c+1, 0 {
			for _, next := range o[c][at:] {
				if !yield(next) {
					return
				}
			}
		}
	}
}
