package sqlite

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/writ-go/writ"
)

// Bringing a transaction to the disk takes as long for fifty writes as for one. So who gets the turn
// to write does the writes of all who wait with its own, in one transaction.

// maxGroup is how many writes share a transaction at most: nobody's takes longer than some ms.
const maxGroup = 64

// operation is one write that was asked for. Whoever has the turn runs it.
type operation struct {
	ctx  context.Context // of who asked
	d    durability
	f    func(*writer) error
	err  error
	done chan struct{} // closed when it is written, or is not and never will be; err is set then
}

// line is those who wait. They leave it when someone runs them, or when they give up.
type line struct {
	mu      sync.Mutex
	waiting []*operation
}

func (l *line) join(op *operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, op)
}

// leave reports whether op was still waiting: then nobody runs it.
func (l *line) leave(op *operation) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.waiting, op)
	if at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	return at >= 0
}

// take returns op and those who have waited longest.
func (l *line) take(op *operation) []*operation {
	l.mu.Lock()
	defer l.mu.Unlock()
	group := make([]*operation, 1, min(len(l.waiting), maxGroup))
	group[0] = op
	stay := l.waiting[:0]
	for _, other := range l.waiting {
		switch {
		case other == op:
		case len(group) < maxGroup:
			group = append(group, other)
		default:
			stay = append(stay, other)
		}
	}
	clear(l.waiting[len(stay):])
	l.waiting = stay
	return group
}

// write runs f in a transaction that nobody else writes in, but perhaps others of this Store. f either
// decides that nothing is to be written, before it has written anything, or it writes; see decided. If
// ctx ends, write returns its error at once, and f is done as a whole or not at all: perhaps later, so
// it must use nothing that the caller may change or reads after an error.
func (s *Store) write(ctx context.Context, d durability, f func(*writer) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	op := &operation{ctx: ctx, d: d, f: f, done: make(chan struct{})}
	s.line.join(op)
	select {
	case <-op.done:
		return op.err
	case <-ctx.Done():
		s.line.leave(op)
		return ctx.Err()
	case <-s.closed:
		if s.line.leave(op) {
			return errClosed
		}
		<-op.done // it is in the transaction for which Close waits
		return op.err
	case <-s.turn:
	}
	defer func() { s.turn <- struct{}{} }()
	select {
	case <-op.done: // while this waited
		return op.err
	default:
	}
	if err := s.usable(ctx); err != nil {
		s.line.leave(op)
		return err
	}
	s.lead(op)
	return op.err
}

// lead writes op and those who wait.
func (s *Store) lead(op *operation) {
	// Whom the last group has answered are about to ask again: with them the next one is larger by half.
	runtime.Gosched()
	for group := s.line.take(op); len(group) > 0; {
		at, err := s.transact(group)
		switch first := group[0]; {
		case at >= 0:
			// It was the end of the whole transaction, but the others may succeed without it.
			group[at].finish(err)
			group = slices.Delete(group, at, at+1)
			continue
		case err != nil && errors.Is(err, first.ctx.Err()):
			// It gave up before the transaction began, which is no reason for the others to.
			first.finish(err)
			s.putBack(group[1:])
		default:
			for _, one := range group {
				one.finish(err)
			}
		}
		return
	}
}

// putBack lets operations that were not run wait on, in front of the line; but who has asked for them
// may have given up, and nobody runs them once the store is closed.
func (s *Store) putBack(group []*operation) {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	group = slices.DeleteFunc(group, func(op *operation) bool {
		err := s.usable(op.ctx)
		if err != nil {
			op.finish(err)
		}
		return err != nil
	})
	s.line.waiting = append(group, s.line.waiting...)
}

// finish tells who asked. err is of the whole transaction; without one, op may have been decided.
func (op *operation) finish(err error) {
	if err != nil {
		op.err = err
	}
	close(op.done)
}

// decided reports whether err is what an operation says that has looked and writes nothing.
func decided(err error) bool { return errors.Is(err, writ.ErrConflict) || errors.Is(err, errOwner) }
