package sqlite

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"math/rand/v2"
	"time"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// patience is how long a write waits for other processes.
const patience = 5 * time.Second

// durability says when a transaction is acknowledged; it is the number of SQLite's PRAGMA synchronous.
type durability int

const (
	relaxed durability = 1 // NORMAL: when a crash of the process cannot undo it any more
	durable durability = 2 // FULL: when a power cut cannot either
)

// background is the ctx of statements inside a write. Such a transaction is short, and interrupting
// it would only cost a goroutine for each statement; Store.write looks at the caller's ctx.
var background = context.Background()

// writer is the one connection that writes, with its prepared statements.
type writer struct {
	conn        *sql.Conn
	synchronous durability
	prepared    map[string]*sql.Stmt
	appended    bool // the transaction has changed the log
}

// stmt prepares a statement once.
func (w *writer) stmt(query string) (*sql.Stmt, error) {
	if s := w.prepared[query]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(background, query)
	if err == nil {
		w.prepared[query] = s
	}
	return s, err
}

// exec runs a prepared statement and returns how many rows it changed.
func (w *writer) exec(query string, args ...any) (int64, error) {
	s, err := w.stmt(query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(background, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row runs a prepared query of one row.
func (w *writer) row(query string, args, into []any) error {
	s, err := w.stmt(query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(background, args...).Scan(into...)
}

// begin starts a transaction. Both statements may find another process in the way.
func (w *writer) begin(d durability) error {
	if w.synchronous != d {
		query := `PRAGMA synchronous = NORMAL`
		if d == durable {
			query = `PRAGMA synchronous = FULL`
		}
		if _, err := w.exec(query); err != nil {
			return err
		}
		w.synchronous = d
	}
	_, err := w.exec(`BEGIN IMMEDIATE`)
	return err
}

// close ends the connection itself, whatever state it is in: no reader may get it from the pool.
func (w *writer) close() {
	for _, s := range w.prepared {
		s.Close()
	}
	w.conn.Raw(func(any) error { return sqldriver.ErrBadConn })
}

// transact runs a group of operations in one transaction; the first one's ctx says how long it waits
// for other processes. Without an error everything is written but for those operations that were
// decided or whose ctx has ended: they have an error of their own. With one nothing is, and at says
// which operation failed, -1 if it was none.
func (s *Store) transact(group []*operation) (at int, err error) {
	ctx := group[0].ctx
	if s.writer == nil {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return -1, err
		}
		// SQLite's own waiting does not end with a ctx: untilFree waits instead.
		if _, err := conn.ExecContext(background, `PRAGMA busy_timeout = 0`); err != nil {
			conn.Close()
			return -1, err
		}
		s.writer = &writer{conn: conn, prepared: make(map[string]*sql.Stmt)}
	}
	w := s.writer
	d := relaxed
	for _, op := range group {
		d = max(d, op.d)
	}
	if err := s.untilFree(ctx, func() error { return w.begin(d) }); err != nil {
		return -1, err
	}
	w.appended = false
	if at, err = w.run(group); err == nil {
		if _, err = w.exec(`COMMIT`); err == nil {
			if w.appended {
				s.wake()
			}
			return -1, nil
		}
	}
	if _, undo := w.exec(`ROLLBACK`); undo != nil {
		// SQLite rolls back by itself after some errors. Whatever it was: start afresh.
		w.close()
		s.writer = nil
	}
	return at, err
}

// run runs a group of operations until one fails, and returns which.
func (w *writer) run(group []*operation) (at int, err error) {
	for at, op := range group {
		if op.err = op.ctx.Err(); op.err == nil {
			if op.err = op.f(w); op.err != nil && !decided(op.err) {
				return at, op.err
			}
		}
	}
	return -1, nil
}

// untilFree tries f until no other process is in the way.
func (s *Store) untilFree(ctx context.Context, f func() error) error {
	for deadline := time.Now().Add(patience); ; {
		err := f()
		if e := (*driver.Error)(nil); !errors.As(err, &e) || e.Code()&0xff != codes.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
		// At random, so that no two processes keep meeting.
		wait := time.NewTimer(time.Millisecond + rand.N(4*time.Millisecond))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-s.closed:
			wait.Stop()
			return errClosed
		}
	}
}
