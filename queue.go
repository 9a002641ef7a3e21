package writ

import (
	"context"
	"fmt"
	"sync"

	"github.com/writ-go/writ/token"
)

// longestQueue is how many refreshes of one session may wait in this process. An honest client has
// a few; more would only hold memory.
const longestQueue = 256

// queues keep the refreshes of one session in this process from racing each other to the store. They
// only save work: the store's compare-and-swap decides.
type queues struct {
	mu      sync.Mutex
	waiting map[[16]byte]*queue
}

type queue struct {
	turn   chan struct{} // holds a value while somebody has the turn
	length int           // how many have it or wait for it
}

// enter waits for the session's turn. Call leave when done.
func (q *queues) enter(ctx context.Context, id [16]byte) (leave func(), err error) {
	q.mu.Lock()
	if q.waiting == nil {
		q.waiting = make(map[[16]byte]*queue)
	}
	one := q.waiting[id]
	if one == nil {
		one = &queue{turn: make(chan struct{}, 1)}
		q.waiting[id] = one
	}
	if one.length >= longestQueue {
		q.mu.Unlock()
		return nil, fmt.Errorf("%w: too many refreshes of one session at a time", token.ErrUnavailable)
	}
	one.length++
	q.mu.Unlock()

	gone := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if one.length--; one.length == 0 {
			delete(q.waiting, id)
		}
	}
	select {
	case one.turn <- struct{}{}:
		return func() { <-one.turn; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, unavailable(ctx.Err())
	}
}
