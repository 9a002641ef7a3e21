package revocation

import (
	"sync"
	"time"
)

// absent is after how long without a request for a page nobody is thought to be taking a snapshot: who began
// has failed, or gets the pages from a cache or from another node.
const absent = 2 * time.Second

// inSight is how long a window of admission is.
const inSight = 5 * time.Second

// admission bounds how many take a snapshot at a time. Each gets his share of the way then, and is done before
// his time is over, however many wait. It counts pages, because whose they are it cannot see: behind a balancer
// by request a node sends as many pages of others' snapshots as others send of its own.
//
// Who takes a snapshot goes on asking, four pages at a time and each within a Timeout, so each is seen in a
// window or two. What is due counts for no more snapshots than were seen there, and a page that is on its way
// counts for no longer: so nobody holds places by reading slowly.
type admission struct {
	mu             sync.Mutex
	due            int       // pages that have not been asked for, of snapshots that were begun
	last           time.Time // when a snapshot was begun, or a page was sent
	began          time.Time // the latest window
	latest, former *window
}

// window is what happened in a while.
type window struct {
	seen    int // snapshots that were begun, and pages that were asked for
	sending int // of those pages
}

// turn is now, in the latest window.
func (a *admission) turn() time.Time {
	now := time.Now()
	switch age := now.Sub(a.began); {
	case a.latest == nil || age >= 2*inSight:
		a.latest, a.former, a.began = new(window), new(window), now
	case age >= inSight:
		a.latest, a.former, a.began = new(window), a.latest, now
	}
	return now
}

// admit reports whether a snapshot of so many pages may begin.
func (a *admission) admit(pages, most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.turn()
	sending := a.latest.sending + a.former.sending
	if sending == 0 && now.Sub(a.last) > absent {
		a.due = 0
	}
	a.due = min(a.due, (a.latest.seen+a.former.seen)*pages)
	if a.due+sending > (most-1)*pages {
		return false
	}
	a.due += pages
	a.latest.seen++
	a.last = now
	return true
}

// send is called when a page has been asked for, and what it returns when it has been sent.
func (a *admission) send() (sent func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn()
	a.due = max(0, a.due-1)
	w := a.latest
	w.seen++
	w.sending++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		w.sending--
		a.last = time.Now()
	}
}
