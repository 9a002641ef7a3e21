package revocation

import (
	"sync"
	"time"
)

// absent is after how long without a request for a page nobody is thought to be taking a snapshot: who began
// has failed, or gets the pages from a cache or from another node.
const absent = 2 * time.Second

// admission bounds how many take a snapshot at a time. Each gets his share of the way then, and is done before
// his time is over, however many wait. It counts pages, because whose they are it cannot see: behind a balancer
// by request a node sends as many pages of others' snapshots as others send of its own.
type admission struct {
	mu      sync.Mutex
	due     int // pages that have not been asked for, of snapshots that were begun
	sending int
	last    time.Time // when a snapshot was begun, or a page was sent
}

// admit reports whether a snapshot of so many pages may begin.
func (a *admission) admit(pages, most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if a.sending == 0 && now.Sub(a.last) > absent {
		a.due = 0
	}
	if a.due+a.sending > (most-1)*pages {
		return false
	}
	a.due += pages
	a.last = now
	return true
}

// send is called when a page has been asked for, and what it returns when it has been sent.
func (a *admission) send() (sent func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = max(0, a.due-1)
	a.sending++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.sending--
		a.last = time.Now()
	}
}
