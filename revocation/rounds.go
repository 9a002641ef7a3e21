package revocation

import (
	"sync"
	"time"
)

const (
	// together is how far apart rounds are at least, so that a flood of changes does not make everybody's
	// answer another one.
	together = 25 * time.Millisecond
	// eachTakes is how much longer a round is for each who waits for it: those who wait get 100,000 answers a
	// second at most from a node, up to 25,000 of them.
	eachTakes = 10 * time.Microsecond
	// longest is how long a round is at most: what is held back keeps the list of those who follow from being
	// complete.
	longest = 250 * time.Millisecond
	// gather is for what comes at one moment after a while without anything: it makes one round.
	gather = time.Millisecond
)

// rounds show what came to those who follow. All see the same positions, however often they ask, so that one
// answer is for everybody who was there in the round before.
type rounds struct {
	edition *edition

	mu      sync.Mutex
	shown   round
	began   time.Time // by the monotonic clock: the list's may be set
	length  time.Duration
	next    chan struct{} // closed when the next round begins; nil: nobody waits for it
	planned bool
	over    bool // another edition is served
}

// round is up to where changes are shown. What was acknowledged by asOf is before position.
type round struct {
	position uint64
	asOf     time.Time
}

// latest is what to answer with now, and what is closed when there is more. asOf is as of when the list is
// complete, and was read with the edition.
func (r *rounds) latest(asOf time.Time) (round, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.show(asOf)
	if r.next == nil {
		r.next = make(chan struct{})
	}
	next := r.next
	if r.over {
		r.wake()
	}
	r.plan()
	return r.shown, next
}

// show begins a round if there is something to show and it is time.
func (r *rounds) show(asOf time.Time) {
	// After asOf: entries are told before the list is complete with them.
	position := r.edition.changes.position()
	if position == r.shown.position {
		r.shown.asOf = asOf
		return
	}
	now := time.Now()
	if now.Sub(r.began) < r.length {
		return // and the time stays what it was: what is not shown may have been acknowledged since
	}
	r.shown = round{position, asOf}
	r.began, r.length = now, min(longest, max(together, time.Duration(r.edition.handler.waiting.Load())*eachTakes))
	r.wake()
}

// wake is for those who wait.
func (r *rounds) wake() {
	if r.next != nil {
		close(r.next)
		r.next = nil
	}
}

// end is called when another edition is served: what comes is not told here any more, and whoever waits asks
// anew.
func (r *rounds) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.wake()
}

// came is called when something has.
func (r *rounds) came() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plan()
}

// plan has the next round begin for those who wait for it.
func (r *rounds) plan() {
	if r.planned || r.next == nil || r.edition.changes.position() == r.shown.position {
		return
	}
	r.planned = true
	time.AfterFunc(max(gather, time.Until(r.began.Add(r.length))), r.begin)
}

func (r *rounds) begin() {
	e, asOf := r.edition.handler.current()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.planned = false
	if e != r.edition { // another key
		return
	}
	r.show(asOf)
	r.plan()
}
