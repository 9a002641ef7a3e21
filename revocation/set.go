package revocation

import (
	"errors"
	"hash/maphash"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxEntries keeps a flood of revocations from taking all memory: 3 GB.
const maxEntries = 64 << 20

// ErrFull says that an entry was refused because the list has as many as it may: 64 Mi. None is
// dropped to make room, so the list is not complete until entries have expired.
var ErrFull = errors.New("revocation: the list is full: limit how often one user can revoke, or let entries expire sooner")

// set holds entries, merged. Any number of goroutines may read and write; readers take no lock.
type set struct {
	seed  maphash.Seed
	limit int64

	kinds      [Everything]tables // by Kind; 0 is not used
	everything atomic.Int64       // the Before of Everything
	count      atomic.Int64

	mu                sync.Mutex // of writers
	everythingExpires second
}

// tables are of one Kind.
type tables struct {
	raws  table[raw]
	texts table[text]
}

// before is 0 for what the set does not have.
func (s *set) before(kind Kind, id string) int64 {
	if kind == Everything {
		return s.everything.Load()
	}
	t := &s.kinds[kind]
	if r, ok := parseRaw(id); ok {
		return t.raws.before(r.hash(s.seed), r)
	}
	return t.texts.before(text(id).hash(s.seed), text(id))
}

// mayHave is false if before is 0. It is the answer for nearly every token, and looks at one word.
func (s *set) mayHave(kind Kind, n name) bool {
	t := &s.kinds[kind]
	if n.raw() {
		return t.raws.find(n.hash()) != nil
	}
	return t.texts.find(n.hash()) != nil
}

// add merges e into the set. ErrFull: there is no room for it.
func (s *set) add(e Entry) error {
	expires := secondOf(e.Expires)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Kind == Everything {
		s.addEverything(e.Before, expires)
		return nil
	}
	t := &s.kinds[e.Kind]
	if r, ok := parseRaw(e.ID); ok {
		return addTo(s, &t.raws, r, e.Before, expires)
	}
	// The ID may be part of an answer of the store, which must not be kept with it.
	return addTo(s, &t.texts, text(strings.Clone(e.ID)), e.Before, expires)
}

func addTo[K key](s *set, t *table[K], k K, before int64, expires second) error {
	h := k.hash(s.seed)
	if t.raise(h, k, before, expires) {
		return nil
	}
	if s.count.Load() >= s.limit {
		return ErrFull
	}
	t.insert(s.seed, h, k, before, expires)
	s.count.Add(1)
	return nil
}

func (s *set) addEverything(before int64, expires second) {
	old := s.everything.Load()
	if old == 0 {
		s.count.Add(1)
	}
	s.everything.Store(max(old, before))
	s.everythingExpires = max(s.everythingExpires, expires)
}

// sweep drops from one of the parts what has expired. Nothing else ever leaves the set.
func (s *set) sweep(part int, at time.Time) {
	now := second(min(max(at.Unix(), 0), int64(never)-1))
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := 0
	for i := range s.kinds {
		dropped += s.kinds[i].raws.sweep(s.seed, part, now) + s.kinds[i].texts.sweep(s.seed, part, now)
	}
	if s.everything.Load() != 0 && s.everythingExpires <= now {
		s.everything.Store(0)
		dropped++
	}
	s.count.Add(-int64(dropped))
}

// all visits every entry that is there from before the visit to its end, and perhaps others, each
// once.
func (s *set) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		var page []Entry
		for part := range parts {
			page = s.page(page[:0], part)
			for _, e := range page {
				if !yield(e) {
					return
				}
			}
		}
	}
}

func (s *set) page(to []Entry, part int) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind := range s.kinds {
		to = s.kinds[kind].raws.appendPart(to, Kind(kind), part)
		to = s.kinds[kind].texts.appendPart(to, Kind(kind), part)
	}
	if before := s.everything.Load(); part == 0 && before != 0 {
		to = append(to, Entry{Everything, "", before, s.everythingExpires.time()})
	}
	return to
}
