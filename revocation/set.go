package revocation

import (
	"errors"
	"hash/maphash"
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

// named is before for what may be no name at all.
func (s *set) named(kind Kind, id string) int64 {
	if !kind.named(id) {
		return 0
	}
	return s.before(kind, id)
}

// beforeRaw is before for an ID that is a raw.
func (s *set) beforeRaw(kind Kind, r raw) int64 { return s.kinds[kind].raws.before(r.hash(s.seed), r) }

// mayHave is false if before is 0. It is the answer for nearly every token, and looks at one word.
func (s *set) mayHave(kind Kind, n name) bool {
	t := &s.kinds[kind]
	if n.raw() {
		return t.raws.find(n.hash()) != nil
	}
	return t.texts.find(n.hash()) != nil
}

// add merges e into the set, and tells it if that says more than before; nil: nobody is told. ErrFull: there
// is no room for it.
func (s *set) add(e Entry, tell func(Entry)) error {
	i := itemOf(e)
	h := i.hash(s.seed)
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, err := s.addItem(h, &i)
	if changed && tell != nil {
		tell(e) // under the lock: whoever finds e unchanged can rely on it that it was told
	}
	return err
}

// addItem is for who holds the lock.
func (s *set) addItem(h uint64, i *item) (changed bool, err error) {
	t := &s.kinds[i.kind%Everything]
	switch {
	case i.kind == Everything:
		return s.addEverything(i.before, i.expires), nil
	case i.text == "":
		return addTo(s, &t.raws, h, i.raw, i.before, i.expires)
	}
	return addTo(s, &t.texts, h, i.text, i.before, i.expires)
}

func addTo[K key](s *set, t *table[K], h uint64, k K, before int64, expires second) (changed bool, err error) {
	if found, changed := t.raise(h, k, before, expires); found {
		return changed, nil
	}
	if s.count.Load() >= s.limit {
		return false, ErrFull
	}
	t.insert(s.seed, h, k, before, expires)
	s.count.Add(1)
	return true, nil
}

func (s *set) addEverything(before int64, expires second) (changed bool) {
	old := s.everything.Load()
	if old == 0 {
		s.count.Add(1)
	}
	changed = before > old || expires > s.everythingExpires
	s.everything.Store(max(old, before))
	s.everythingExpires = max(s.everythingExpires, expires)
	return changed
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
