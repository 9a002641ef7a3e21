package postgres

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/writ-go/writ/revocation"
)

const (
	// maxTogether is how many operations one transaction of the log does at most.
	maxTogether = 64
	// settling is how long a call whose context has ended waits for a transaction that is under way:
	// a known outcome, a moment late, is worth more than an unknown one.
	settling = 500 * time.Millisecond
)

// appender combines operations that write to the log. Such transactions must follow each other, for
// the head of the log is locked in each: what waits meanwhile goes into the next one.
type appender struct {
	mu      sync.Mutex
	waiting []*operation
	running bool // a goroutine takes what waits; it ends when nothing does
	closed  bool
	done    sync.WaitGroup
}

// close refuses what waits and what comes, and waits for the transaction that is under way.
func (a *appender) close() {
	a.mu.Lock()
	a.closed = true
	for _, o := range a.waiting {
		o.end(errClosed)
	}
	a.waiting = nil
	a.mu.Unlock()
	a.done.Wait()
}

func (o *operation) end(err error) {
	o.err = err
	close(o.done)
}

// Append implements writ.Store.
func (s *Store) Append(ctx context.Context, entries ...revocation.Entry) error {
	o, err := s.newOperation(nil, entries)
	if err == nil {
		if len(entries) == 0 {
			err = s.usable(ctx)
		} else {
			err = s.appendWith(ctx, o)
		}
	}
	if err != nil {
		return failed("append", err)
	}
	return nil
}

// appendWith does an operation together with others.
func (s *Store) appendWith(ctx context.Context, o *operation) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	a := &s.appender
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return errClosed
	}
	a.waiting = append(a.waiting, o)
	if !a.running {
		a.running = true
		a.done.Go(s.combine)
	}
	a.mu.Unlock()

	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	a.mu.Lock()
	if i := slices.Index(a.waiting, o); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
		a.mu.Unlock()
		return ctx.Err()
	}
	a.mu.Unlock()
	late := time.NewTimer(settling)
	defer late.Stop()
	select {
	case <-o.done:
		return o.err
	case <-late.C:
		return fmt.Errorf("it may have been written or not: %w", ctx.Err())
	}
}

// combine does what waits until nothing does.
func (s *Store) combine() {
	a := &s.appender
	for {
		a.mu.Lock()
		together := slices.Clone(a.waiting[:min(len(a.waiting), maxTogether)])
		a.waiting = slices.Delete(a.waiting, 0, len(together))
		if len(together) == 0 {
			a.running = false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		s.writeTogether(together)
	}
}

// writeTogether does operations in one transaction, and ends every one of them.
func (s *Store) writeTogether(together []*operation) {
	refused, err := s.writeLog(together)
	if err == nil {
		for i, o := range together {
			o.end(refused[i])
		}
		return
	}
	if len(together) == 1 || !undone(err) || hasClass(err, wrongState, rolledBack, noResource, intervened) {
		for _, o := range together {
			o.end(err)
		}
		return
	}
	// The server has refused something that one of them brings: find out which.
	for i, o := range together {
		refused, err := s.writeLog(together[i : i+1])
		if err != nil && !undone(err) { // and now something else is wrong
			for _, o := range together[i:] {
				o.end(err)
			}
			return
		}
		if err == nil {
			err = refused[0]
		}
		o.end(err)
	}
}

// writeLog does operations in one transaction, in one round trip. refused says which of them were not
// done while the others were; with an error, none was, or nobody knows.
func (s *Store) writeLog(together []*operation) (refused []error, err error) {
	var locks []advisory
	for _, o := range together {
		locks = append(locks, o.locks...)
	}
	var seq int64 // 0: the log has not moved
	write := func(ctx context.Context, conn *pgx.Conn) error {
		refused = make([]error, len(together))
		// In this order, everywhere: first the advisory locks, then the head, then rows. Who waits for
		// a row waits for a Save or a Purge, and these wait for nobody once they have one.
		return transact(ctx, conn, func(batch *pgx.Batch) {
			queueLocks(batch, locks)
			batch.Queue(s.sql.lockHead)
			for _, o := range together {
				s.queue(batch, o)
			}
			batch.Queue(s.sql.moveHead, randomInt64())
		}, func(results pgx.BatchResults) (err error) {
			if err := skipLocks(results, locks); err != nil {
				return err
			}
			if _, err := results.Exec(); err != nil {
				return err
			}
			for i, o := range together {
				if refused[i], err = o.answer(results); err != nil {
					return err
				}
			}
			return results.QueryRow().Scan(&seq)
		})
	}
	if err := s.write(context.Background(), write); err != nil {
		return nil, err
	}
	if seq != 0 {
		s.wake()
		s.announce(seq)
	}
	return refused, nil
}
