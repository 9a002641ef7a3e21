package faults_test

import (
	"math"
	"time"
)

// Nothing in this file calls package rotation: it is the rules of refreshing as its documentation and
// the design have them, written a second time, plainly.

// ticket is what a refresh token says beside its session.
type ticket struct {
	gen  uint64
	fork uint32
}

// line is the rotation part of a session's record.
type line struct {
	newest                    ticket
	prev, prevMax             uint32 // the sibling that was chosen, and the highest there was
	prevAny                   bool   // the store lost which was chosen
	began, handed, seen       time.Time
	idle, abs                 time.Time
	idleTTL, window, recovery time.Duration
}

// verdict is what becomes of a refresh.
type verdict string

const (
	verdictRepeat      verdict = "repeat"
	verdictAdopt       verdict = "adopt"
	verdictRotate      verdict = "rotate"
	verdictRecover     verdict = "recover"
	verdictLater       verdict = "retry later"
	verdictTheft       verdict = "theft"
	verdictExpired     verdict = "expired"
	verdictRevoked     verdict = "revoked"
	verdictInvalid     verdict = "invalid"
	verdictRefused     verdict = "refused"     // by OnIssue
	verdictUnavailable verdict = "unavailable" // keys, OnIssue
)

// present is what happens when t is presented to a session that has not ended, and the record after it.
func (l line) present(t ticket, now time.Time) (verdict, line) {
	ahead := t.gen > l.newest.gen || t.gen == l.newest.gen && t.fork > l.newest.fork
	parent := t.gen+1 == l.newest.gen && (l.prevAny || t.fork == l.prev || t.fork > l.prevMax)
	next := l
	switch {
	case !now.Before(l.abs):
		return verdictExpired, l
	case ahead && t.gen > l.newest.gen: // rule 1a
		next.newest, next.prev, next.prevMax, next.prevAny = t, 0, 0, true
		next.began, next.handed, next.seen = now, now, time.Time{}
		if t.fork > 64 { // so many seconds must have passed for that number
			next.began = now.Add(-time.Duration(t.fork-64) * time.Second)
		}
		return verdictAdopt, next.used(now)
	case ahead: // rule 1b
		next.newest.fork, next.handed = t.fork, now
		return verdictAdopt, next.used(now)
	case !now.Before(l.idle):
		return verdictExpired, l
	case t.gen == l.newest.gen && now.Sub(l.handed) < l.window: // rule 2
		if given := l.began.Add(time.Duration(t.fork) * time.Second); l.seen.IsZero() && now.Sub(given) >= l.window {
			next.seen = now
		}
		return verdictRepeat, next
	case t.gen == l.newest.gen:
		next.newest, next.prev, next.prevMax, next.prevAny = ticket{gen: t.gen + 1}, t.fork, l.newest.fork, false
		next.began, next.handed, next.seen = now, now, time.Time{}
		return verdictRotate, next.used(now)
	case !parent: // rule 4
		return verdictTheft, l
	case !l.seen.IsZero() && now.Sub(l.seen) >= l.window: // rule 3
		return verdictTheft, l
	case now.Sub(l.began) >= l.recovery:
		return verdictExpired, l
	}
	age := max(0, now.Sub(l.began).Seconds())
	if float64(l.newest.fork) >= 64+math.Floor(age) {
		return verdictLater, l
	}
	next.newest.fork = max(l.newest.fork+1, uint32(math.Ceil(age)))
	next.handed = now
	return verdictRecover, next.used(now)
}

// used moves the idle expiry.
func (l line) used(now time.Time) line {
	if l.idle = now.Add(l.idleTTL); l.idle.After(l.abs) {
		l.idle = l.abs
	}
	return l
}
