package rotation

import (
	"math"
	"time"
)

// The siblings that one generation may have: some at once, and one more a second. It bounds what
// the holder of a parent can make the store write; a bound that does not refill would lock out a
// client that loses every answer. A sibling's number tells when it was handed out, too: not later
// than so many refills after the rotation.
const (
	forkBurst  = 64
	forkRefill = time.Second
)

// Decide is the whole rule: what to do with the authentic token t, presented at now, of the session
// whose record holds s. cutoff is the greatest of the cutoffs for the subject and for everyone, in
// microseconds, 0 for none: a sign-in at or before it is revoked. listed says that the session
// stands in the local revocation list. The State returned is the one to store; it equals s if
// there is nothing to write, as always with Revoked, Expired and RetryLater.
//
// Decide is total and pure. It does not check that s belongs to t.Session.
func Decide(p Policy, s State, t Token, cutoff int64, listed bool, now time.Time) (Outcome, State) {
	p, now = p.WithDefaults(), plain(now)
	switch {
	case s.revoked() || listed || cutoff > 0 && s.Stamp <= cutoff:
		return Revoked, s
	case !now.Before(s.AbsExp):
		return Expired, s
	case t.Gen > s.Gen:
		return Adopt, adoptGeneration(p, s, t, now)
	case t.Gen == s.Gen && t.Fork > s.Fork:
		s.Fork, s.HandedAt = t.Fork, now
		return Adopt, s.active(p, now) // the lost write had moved the idle expiry too
	case !now.Before(s.IdleExp):
		return Expired, s
	case t.Gen == s.Gen && now.Before(s.HandedAt.Add(p.Window)):
		return Repeat, seen(p, s, t, now)
	case t.Gen == s.Gen:
		return Rotate, rotate(p, s, t, now)
	case s.confirms(t):
		return again(p, s, now)
	}
	return theft(s, now)
}

// adoptGeneration follows a token that is ahead of the record: a failover lost the write that made
// it, and with it which sibling was chosen.
func adoptGeneration(p Policy, s State, t Token, now time.Time) State {
	s.Gen, s.Fork = t.Gen, t.Fork
	s.Prev, s.PrevAny, s.PrevMax = 0, true, 0
	// The generation is at least as old as the sibling's number says, less the burst.
	began := now.Add(-forkRefill * time.Duration(max(t.Fork, forkBurst)-forkBurst))
	s.RotatedAt, s.HandedAt, s.SeenAt = began, now, time.Time{}
	return s.active(p, now)
}

// seen notes the first proof that the generation arrived to stay: a sibling used a Window or more
// after it was handed out. Sooner, a crash could still bring the parent back.
func seen(p Policy, s State, t Token, now time.Time) State {
	handed := s.RotatedAt.Add(time.Duration(t.Fork) * forkRefill) // at the latest
	if s.SeenAt.IsZero() && !now.Before(handed.Add(p.Window)) {
		s.SeenAt = now
	}
	return s
}

// rotate chooses the sibling t and begins the next generation.
func rotate(p Policy, s State, t Token, now time.Time) State {
	s.Prev, s.PrevAny, s.PrevMax = t.Fork, false, s.Fork
	s.Gen++
	s.Fork = 0
	s.RotatedAt, s.HandedAt, s.SeenAt = now, now, time.Time{}
	return s.active(p, now)
}

// again answers a parent: a retry while its child may be lost, theft once the child is known to
// have arrived.
func again(p Policy, s State, now time.Time) (Outcome, State) {
	switch {
	case !s.SeenAt.IsZero() && !now.Before(s.SeenAt.Add(p.Window)):
		return theft(s, now)
	case !now.Before(s.RotatedAt.Add(p.Recovery)):
		return Expired, s
	case s.Fork >= forkBudget(now.Sub(s.RotatedAt)):
		return RetryLater, s
	}
	// A sibling's number is at least its generation's age when it is handed out, so that its own age
	// is known when it comes back.
	s.Fork = max(s.Fork+1, seconds(now.Sub(s.RotatedAt)+forkRefill-1))
	s.HandedAt = now
	return Recover, s.active(p, now)
}

// forkBudget is how high the siblings of a generation of that age may be numbered. A clock that
// steps back does not lower it below the burst.
func forkBudget(age time.Duration) uint32 {
	return uint32(min(forkBurst+uint64(seconds(age)), math.MaxUint32))
}

// seconds counts the siblings that refilled in d, never below 0.
func seconds(d time.Duration) uint32 {
	return uint32(min(max(0, int64(d/forkRefill)), math.MaxUint32))
}

func theft(s State, now time.Time) (Outcome, State) {
	s.RevokedAt, s.Reason = now, ReasonTheft
	return Theft, s
}
