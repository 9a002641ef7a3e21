package revocation

import (
	"context"
	"sync"
	"time"
)

// losses is what the log has acknowledged and does not have any more, as far as this list can know.
type losses struct {
	mu        sync.Mutex
	poll      uint64 // how many polls have begun
	applied   map[entryName]application
	entries   []Entry // what is to be written again
	regressed bool    // the log was put back, whatever it lacks
	found     chan struct{}
}

type entryName struct {
	kind Kind
	id   string
}

// application is an entry that this node wrote and has not seen in the log yet.
type application struct {
	entry Entry
	poll  uint64 // the last that had begun by then
}

// wrote notes an entry that this node has written, unless the log has told it already. That is asked under
// the lock: between the two a poll could tell it and be compared.
func (l *losses) wrote(e Entry, told func(Entry) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if told(e) {
		return
	}
	n := entryName{e.Kind, e.ID}
	if old, ok := l.applied[n]; ok {
		e = e.Merge(old.entry)
	}
	l.applied[n] = application{e, l.poll}
}

// forget takes back what wrote has noted: the list has no room for it, and nobody is to be told.
func (l *losses) forget(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.applied, entryName{e.Kind, e.ID})
}

// isNew reports whether this node has written e since the poll began.
func (l *losses) isNew(e Entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.applied[entryName{e.Kind, e.ID}]
	return ok && a.poll == l.poll
}

// begin counts a poll.
func (l *losses) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.poll++
}

// compare looks for what this node had written before the poll began, and what the log should therefore
// have told: now, or in a poll that was under way when it was written.
func (l *losses) compare(told []Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.applied) == 0 {
		return
	}
	for _, e := range told {
		n := entryName{e.Kind, e.ID}
		if a, ok := l.applied[n]; ok && a.entry.Before <= e.Before {
			delete(l.applied, n)
		}
	}
	for n, a := range l.applied {
		if a.poll < l.poll {
			l.entries = append(l.entries, a.entry)
			delete(l.applied, n)
		}
	}
	l.tell()
}

// lacks notes what a log that was read as a whole does not have.
func (l *losses) lacks(entries []Entry, regressed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, a := range l.applied {
		if a.poll < l.poll { // it is among the entries, or in the log
			delete(l.applied, n)
		}
	}
	l.entries = append(l.entries, entries...)
	l.regressed = l.regressed || regressed
	l.tell()
}

func (l *losses) tell() {
	if len(l.entries) == 0 && !l.regressed {
		return
	}
	select {
	case l.found <- struct{}{}:
	default:
	}
}

func (l *losses) take() ([]Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries, regressed := l.entries, l.regressed
	l.entries, l.regressed = nil, false
	return entries, regressed || len(entries) > 0
}

// restorePause is how long after a failure it is written once more.
const restorePause = time.Second

// restore has what was lost written again, until ctx ends. It runs beside the polls, because it may take
// long and the list must not grow old meanwhile.
func (l *List) restore(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.losses.found:
		}
		for entries, any := l.losses.take(); any; entries, any = l.losses.take() {
			for l.lost(ctx, entries) != nil {
				select {
				case <-ctx.Done():
					return
				case <-time.After(restorePause):
				}
			}
		}
	}
}
