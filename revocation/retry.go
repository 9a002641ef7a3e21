package revocation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// firstRetry and mostRetry bound the pause before a source that has failed is asked again: it is drawn
	// anew each time, so that thousands whose connections broke at one moment do not stay in step, from a
	// range that doubles. The most is far below any MaxStale, so that nobody grows stale by waiting.
	firstRetry = 500 * time.Millisecond
	mostRetry  = 4 * time.Second
	// storeRetry is the most for a store: the nodes of an issuer are few, and all who follow wait for them.
	storeRetry = 2 * time.Second
	// mostAfter is how much of a Retry-After is honoured, and retrySpread over what is drawn how much longer
	// that takes: it is in whole seconds. One that follows on an error is passed over: two would be too long.
	mostAfter   = 3 * time.Second
	retrySpread = 2 * time.Second
	// unfollowedPause is for nodes that have all begun a moment ago: in a while they make a snapshot that
	// each of them can go on from.
	unfollowedPause = 2 * time.Second
)

var errUnfollowed = errors.New("its snapshot is too old to be followed: see to caches, and it is asked again")

// retryPause is how long to wait after an error that came after so many others.
func (l *List) retryPause(failed int, err error) time.Duration {
	var told *unavailable
	switch {
	case errors.As(err, &told) && told.after > 0 && failed == 0:
		return min(told.after, mostAfter) + rand.N(retrySpread)
	case errors.Is(err, errElsewhere):
		return rand.N(firstRetry)
	case errors.Is(err, errUnfollowed):
		return unfollowedPause + rand.N(retrySpread)
	}
	most := mostRetry
	if l.replica == nil {
		most = storeRetry
	}
	return rand.N(min(firstRetry<<min(failed, 8), most))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unavailable is an answer with an error status.
type unavailable struct {
	status int
	after  time.Duration // until it may be asked again; 0: it does not say
}

func (u *unavailable) Error() string {
	return fmt.Sprintf("it answers with status %d: %s", u.status, advice(u.status))
}
