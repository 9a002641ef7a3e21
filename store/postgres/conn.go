package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

var errStandby = errors.New("the server is a standby, which may be behind: name the primary")

// with runs f on a connection, for no longer than limit. After an error of the network, or if it takes
// too long, no other call gets a connection that was open at that time: most likely none of them works.
func (s *Store) with(ctx context.Context, limit time.Duration, f func(context.Context, *pgx.Conn) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := s.acquire(limited)
	if err == nil {
		err = f(limited, conn.Conn())
		s.release(conn, ctx.Err() == nil)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fmt.Errorf("no answer within %v: %w", limit, err)
	case s.closing.Err() != nil:
		return errClosed
	case hasClass(err, wrongState), errors.Is(err, errStandby):
		// What was the primary is none any more, and keeps its connections: dial again, which finds the new one.
		s.pool.Reset()
	}
	return err
}

// tries is how often a transaction is begun that comes to nothing because of another one, or of a
// connection that broke before it was sent.
const tries = 4

// write is with for a transaction. It begins again where that is surely undone, for a reason that has
// passed.
func (s *Store) write(ctx context.Context, transaction func(context.Context, *pgx.Conn) error) (err error) {
	deadline := time.Now().Add(s.timeout)
	for range tries {
		err = s.with(ctx, time.Until(deadline), transaction)
		if !pgconn.SafeToRetry(err) && !hasClass(err, rolledBack) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// usable is every method's first question.
func (s *Store) usable(ctx context.Context) error {
	if s.closing.Err() != nil {
		return errClosed
	}
	return ctx.Err()
}

const idleFor = "writ: idle for"

// noteIdle keeps pgxpool from pinging by itself: while a ping of its own waits for a dead peer, and for
// 15 seconds after, the connection keeps its place in the pool.
func noteIdle(_ context.Context, p pgxpool.ShouldPingParams) bool {
	p.Conn.PgConn().CustomData()[idleFor] = p.IdleDuration
	return false
}

// acquire takes a connection from the pool, and asks one that was idle whether it is alive.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	for {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		if idle, _ := conn.Conn().PgConn().CustomData()[idleFor].(time.Duration); idle <= s.trustIdle {
			return conn, nil
		}
		ping, cancel := context.WithTimeout(ctx, s.timeout/5)
		err = conn.Ping(ping)
		cancel()
		if err == nil {
			return conn, nil
		}
		s.release(conn, true)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// release gives a connection back. One that broke leaves the pool at once: pgx takes up to 15 seconds to
// end it, which may not cost its place all the time. If the network may be why, the idle ones leave too.
func (s *Store) release(conn *pgxpool.Conn, suspicious bool) {
	if !conn.Conn().IsClosed() {
		conn.Release()
		return
	}
	s.awaitCleanup(conn.Hijack())
	if suspicious {
		s.pool.Reset()
	}
}

// awaitCleanup has Close wait until pgx has cleaned up after a connection.
func (s *Store) awaitCleanup(conn *pgx.Conn) {
	s.cleanups.Go(func() { <-conn.PgConn().CleanupDone() })
}

// dialer dials sockets that do not outlive the store, not even those by which pgx cancels a query of a
// connection that broke.
type dialer struct {
	next pgconn.DialFunc
	life context.Context
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	conn, err := d.next(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &socket{conn, context.AfterFunc(d.life, func() { conn.Close() })}, nil
}

type socket struct {
	net.Conn
	forget func() bool
}

func (s *socket) Close() error {
	s.forget()
	return s.Conn.Close()
}

// Classes of SQLSTATEs, which are their first two characters.
const (
	wrongState = "25" // such as a transaction that may only read
	rolledBack = "40" // a deadlock, or what cannot be serialized
	noResource = "53"
	intervened = "57" // by the server's operator
)

// hasClass reports whether the server has refused something with an SQLSTATE of one of these classes.
func hasClass(err error, classes ...string) bool {
	e := (*pgconn.PgError)(nil)
	return errors.As(err, &e) && len(e.Code) == 5 && slices.Contains(classes, e.Code[:2])
}

// undone reports whether a transaction that ended with err is surely not committed: the server has
// refused it and goes on, or never got it. A fatal error may also come after the commit.
func undone(err error) bool {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return e.SeverityUnlocalized == "ERROR"
	}
	return pgconn.SafeToRetry(err)
}
