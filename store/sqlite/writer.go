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

// write runs f in one transaction that nobody else writes in. If f or ctx fails, nothing was written.
func (s *Store) write(ctx context.Context, d durability, f func(*writer) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	select {
	case <-s.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	case <-s.turn:
	}
	defer func() { s.turn <- struct{}{} }()
	if err := s.usable(ctx); err != nil {
		return err // it was closed while this waited
	}
	return s.transact(ctx, d, f)
}

func (s *Store) transact(ctx context.Context, d durability, f func(*writer) error) (err error) {
	if s.writer == nil {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		// SQLite's own waiting does not end with a ctx: untilFree waits instead.
		if _, err := conn.ExecContext(background, `PRAGMA busy_timeout = 0`); err != nil {
			conn.Close()
			return err
		}
		s.writer = &writer{conn: conn, prepared: make(map[string]*sql.Stmt)}
	}
	w := s.writer
	if err := s.untilFree(ctx, func() error { return w.begin(d) }); err != nil {
		return err
	}
	if err = f(w); err == nil {
		err = ctx.Err()
	}
	if err == nil {
		if _, err = w.exec(`COMMIT`); err == nil {
			return nil
		}
	}
	if _, undo := w.exec(`ROLLBACK`); undo != nil {
		// SQLite rolls back by itself after some errors. Whatever it was: start afresh.
		w.close()
		s.writer = nil
	}
	return err
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
