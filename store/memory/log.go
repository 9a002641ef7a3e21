package memory

import (
	"time"

	"github.com/writ-go/writ/revocation"
)

// trail is how many appended entries a cursor may lie behind before Tail asks for a snapshot.
const trail = 1 << 16

type name struct {
	kind revocation.Kind
	id   string
}

// log holds the entries, merged, and the order in which they came. The Store's lock guards it.
type log struct {
	instance uint64 // tells this log's cursors from those of one before a restart
	entries  map[name]revocation.Entry
	due      queue[name]
	order    []name // the last of what was appended; a name stands in it once per change
	trimmed  uint64 // how many came before order[0]
	changed  chan struct{}
}

func newLog() *log {
	return &log{
		instance: randomUint64(),
		entries:  make(map[name]revocation.Entry),
		changed:  make(chan struct{}),
	}
}

// append merges entries into the log. What it knows already changes nothing and wakes nobody.
func (l *log) append(entries []revocation.Entry) {
	before := l.head()
	for _, e := range entries {
		e.Expires = micros(e.Expires)
		n := name{e.Kind, e.ID}
		old, exists := l.entries[n]
		if exists {
			e = old.Merge(e)
			if e == old {
				continue
			}
		} else {
			l.due.add(e.Expires, n)
		}
		l.entries[n] = e
		l.order = append(l.order, n)
	}
	if l.head() == before {
		return
	}
	if old := len(l.order) - trail; old >= trail {
		l.order = append([]name(nil), l.order[old:]...)
		l.trimmed += uint64(old)
	}
	l.wake()
}

func (l *log) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// head is the position after everything that was appended.
func (l *log) head() uint64 { return l.trimmed + uint64(len(l.order)) }

// since returns the entries that changed after a position; not ok if it cannot know.
func (l *log) since(position uint64) (changed []revocation.Entry, ok bool) {
	if position < l.trimmed || position > l.head() {
		return nil, false
	}
	seen := make(map[name]struct{})
	for _, n := range l.order[position-l.trimmed:] {
		if _, again := seen[n]; again {
			continue
		}
		seen[n] = struct{}{}
		if e, exists := l.entries[n]; exists {
			changed = append(changed, e)
		}
	}
	return changed, true
}

// cutoff is the greatest Before of what revokes everything an owner has.
func (l *log) cutoff(owner string) int64 {
	return max(
		l.entries[name{revocation.Subject, owner}].Before,
		l.entries[name{revocation.Everything, ""}].Before,
	)
}

func (l *log) purge(now time.Time) {
	l.due.take(now, purgeBatch, func(n name) time.Time {
		e, ok := l.entries[n]
		if ok && !e.Expires.IsZero() && e.Expires.Before(now) {
			delete(l.entries, n)
			return time.Time{}
		}
		return e.Expires
	})
}
