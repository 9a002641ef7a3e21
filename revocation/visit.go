package revocation

import "iter"

// all visits every entry that is there from before the visit to its end, and perhaps others, each
// once.
func (s *set) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := range s.items(0, parts) {
			if !yield(i.entry()) {
				return
			}
		}
	}
}

// items is all of some of the parts, without making texts of IDs.
func (s *set) items(from, to int) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		var page []item
		for part := from; part < to; part++ {
			page = s.page(page[:0], part)
			for i := range page {
				if !yield(&page[i]) {
					return
				}
			}
		}
	}
}

func (s *set) page(to []item, part int) []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind := range s.kinds {
		s.kinds[kind].raws.visit(part, func(r raw, before int64, expires second) {
			to = append(to, item{kind: Kind(kind), raw: r, before: before, expires: expires})
		})
		s.kinds[kind].texts.visit(part, func(t text, before int64, expires second) {
			to = append(to, item{kind: Kind(kind), text: t, before: before, expires: expires})
		})
	}
	if before := s.everything.Load(); part == 0 && before != 0 {
		to = append(to, item{kind: Everything, before: before, expires: s.everythingExpires})
	}
	return to
}
