package sqlite

import (
	"context"
	"database/sql"
)

// How many readings of each kind go on at once; the others wait, each for its own kind. There is a
// connection for every one of them, so that no Load waits for a List, however long and many they are.
const (
	maxShort     = 4 // Load, Tail
	maxLists     = 4 // List: a page, which every sign-in may ask for
	maxSnapshots = 2 // Snapshot: as many entries as the log has

	connections = maxShort + maxLists + maxSnapshots + 1 // and the writer's
)

// slots holds a value for each reading of one kind that goes on.
type slots chan struct{}

// enter waits for a slot, which leave gives back.
func (s *Store) enter(ctx context.Context, kind slots) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	select {
	case kind <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return errClosed
	}
}

func (kind slots) leave() { <-kind }

// read runs f in one transaction that sees one state of the database. f must not wait for anybody:
// while it runs, the write-ahead log only grows.
func (s *Store) read(ctx context.Context, kind slots, f func(*sql.Tx) error) error {
	if err := s.enter(ctx, kind); err != nil {
		return err
	}
	defer kind.leave()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(tx)
}
