package jwks

import (
	"maps"
	"strings"
	"time"
)

// maxAsked bounds the memory that kids which nobody knows can take: 1,000 of up to 128 bytes.
const maxAsked = 1000

// inquiry is about the kids that were asked for in vain. Refetches are numbered, so that it does not
// depend on clocks which of two things came first. Its user holds a lock.
type inquiry struct {
	every time.Duration // at most one refetch in it
	lasts time.Duration // for how long an answer holds

	asked  map[string]question
	wanted bool // a kid waits for a refetch

	begun, answered uint64    // the latest refetch to begin, and the latest to end well
	beganAt         time.Time // the former began
	answeredAt      time.Time // the latter began
}

type question struct {
	after uint64 // refetches that had begun when it was put; a later one answers it
	last  time.Time
}

// unknown reports whether the issuer, asked after the kid was, does not have it. If not, a refetch is
// wanted. A kid for which there is no room is never unknown.
func (q *inquiry) unknown(kid string, now time.Time) bool {
	is, ok := q.asked[kid]
	if ok && is.after < q.answered && elapsed(q.answeredAt, now) < q.lasts {
		is.last = now
		q.asked[kid] = is
		return true
	}
	q.wanted = true
	if !ok && len(q.asked) >= maxAsked {
		return false
	}
	if !ok || is.after < q.answered { // a new question, or one whose answer is too old
		is.after = q.begun
	}
	if !ok {
		kid = strings.Clone(kid) // it is a piece of a token, which would be kept with it
	}
	is.last = now
	q.asked[kid] = is
	return false
}

// begin is the number of a refetch that begins now.
func (q *inquiry) begin(now time.Time) uint64 {
	q.begun++
	q.beganAt, q.wanted = now, false
	return q.begun
}

// answer takes the outcome of the refetch n, which began then and found a set that has some kids.
func (q *inquiry) answer(n uint64, began time.Time, has func(kid string) bool) {
	q.answered, q.answeredAt = n, began
	maps.DeleteFunc(q.asked, func(kid string, is question) bool {
		return has(kid) || elapsed(is.last, began) >= q.lasts
	})
}

// elapsed is the larger of wall and monotonic time: the wall clock may have been set back, and a
// monotonic clock stands still while the machine is suspended.
func elapsed(from, to time.Time) time.Duration {
	return max(0, to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// until is the smaller of the same.
func until(at, now time.Time) time.Duration {
	return min(at.Sub(now), at.Round(0).Sub(now.Round(0)))
}
