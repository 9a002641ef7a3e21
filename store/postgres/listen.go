package postgres

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// pollEvery is how often a Tail looks for what other processes have appended.
	pollEvery = 200 * time.Millisecond
	// pollSlowly is how often it looks while hints make it look in time.
	pollSlowly = time.Second
	// checkEvery is how often the connection that listens is asked whether it still does.
	checkEvery = 5 * time.Second
	// linger is how long it stays after the last Tail: a follower calls Tail again in a moment, or in a
	// second after an error.
	linger = 2 * time.Second
	// firstRedial and lastRedial are about how long it waits before it dials again.
	firstRedial = 100 * time.Millisecond
	lastRedial  = 10 * time.Second
)

// listener has a connection that hears what notifiers of other processes say, while a Tail waits. That
// may be lost, late, doubled or made up: it makes Tail look at the log, and nothing else.
type listener struct {
	off                                       bool
	channel                                   string
	pollEvery, pollSlowly, checkEvery, linger time.Duration

	mu     sync.Mutex
	tails  int
	stop   context.CancelFunc // of the goroutine that listens; nil: there is none
	rest   *time.Timer        // ends it when no Tail has come back
	closed bool
	done   sync.WaitGroup

	hinted   atomic.Int64 // the seq of the last hint
	evidence atomic.Int32
}

// What the last entries that a Tail found say about the hints that this connection hears. That they
// come is not taken for granted: LISTEN says so behind a pooler as well, where none ever does.
const (
	none   int32 = iota
	works        // a hint came before them
	missed       // the poll found them, and no hint had come
)

// attend listens from now on until leave is called, and a moment longer.
func (s *Store) attend() (leave func()) {
	l := &s.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off || l.closed {
		return func() {}
	}
	l.tails++
	if l.rest != nil {
		l.rest.Stop()
	}
	if l.stop == nil {
		ctx, stop := context.WithCancel(s.closing)
		l.stop = stop
		l.done.Go(func() { s.listen(ctx) })
	}
	return l.leave
}

func (l *listener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tails--; l.tails == 0 && !l.closed {
		l.rest = time.AfterFunc(l.linger, l.end)
	}
}

// end ends the goroutine if no Tail is there.
func (l *listener) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tails == 0 && l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

// close waits for the goroutine. The context that it ends with has ended.
func (l *listener) close() {
	l.mu.Lock()
	l.closed = true
	if l.rest != nil {
		l.rest.Stop()
	}
	l.mu.Unlock()
	l.done.Wait()
}

// listen keeps a connection that listens until ctx ends.
func (s *Store) listen(ctx context.Context) {
	l := &s.listener
	for pause := firstRedial; ctx.Err() == nil; pause = min(2*pause, lastRedial) {
		if s.listenOnce(ctx) {
			pause = firstRedial
		}
		if l.evidence.Swap(none) == works {
			s.wake() // who waits for the slow poll no longer should
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)): // not all nodes at once
		case <-ctx.Done():
		}
	}
}

// listenOnce listens on one connection until it breaks, seems to hear nothing, or ctx ends. It reports
// whether that went well for a while.
func (s *Store) listenOnce(ctx context.Context) (lasted bool) {
	l := &s.listener
	conn, err := s.dial(ctx)
	if err != nil {
		return false
	}
	defer s.hangUpOn(conn)
	for ; ; lasted = true {
		// It does no harm twice, fails on a server that has become a standby, and shows that the
		// connection is not dead.
		checking, cancel := context.WithTimeout(ctx, s.timeout/5)
		_, err := conn.Exec(checking, `LISTEN "`+l.channel+`"`)
		cancel()
		hearing, cancel := context.WithTimeout(ctx, l.checkEvery)
		for err == nil {
			var n *pgconn.Notification
			if n, err = conn.WaitForNotification(hearing); err == nil {
				s.hear(n.Payload)
			}
		}
		cancel()
		if ctx.Err() != nil || conn.IsClosed() || hearing.Err() != context.DeadlineExceeded || l.evidence.Load() == missed {
			return lasted
		}
	}
}

// hear takes a hint, unless it is the store's own, whose Tails know already.
func (s *Store) hear(payload string) {
	seq, err := strconv.ParseInt(payload, 10, 64)
	if err != nil || seq == s.notifier.last.Load() {
		return
	}
	s.listener.hinted.Store(seq)
	s.wake()
}

// judge draws its conclusion from what a Tail has found after a place: whether a hint had announced it.
func (l *listener) judge(after, found int64, polled bool) {
	if hinted := l.hinted.Load(); after < hinted && hinted <= found {
		l.evidence.Store(works)
	} else if polled {
		l.evidence.Store(missed)
	}
}

// pause is how long a Tail waits for a hint.
func (l *listener) pause() time.Duration {
	if l.evidence.Load() == works {
		return l.pollSlowly
	}
	return l.pollEvery
}

// dial makes a connection as the pool does, but not for it.
func (s *Store) dial(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	pool := s.pool.Config()
	conn := pool.ConnConfig
	conn.OnNotification = nil // pgx then keeps them for WaitForNotification
	if pool.BeforeConnect != nil {
		if err := pool.BeforeConnect(ctx, conn); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, conn)
}

// hangUpOn closes a connection that dial has made.
func (s *Store) hangUpOn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout/5)
	defer cancel()
	conn.Close(ctx)
	s.awaitCleanup(conn)
}
