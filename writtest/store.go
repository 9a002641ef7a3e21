package writtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
)

// Store is a store in memory that can be down, for writ.Config.Store: what was not done is answered with an
// error, as by a database that cannot be reached.
type Store struct {
	store writ.Store
	down  atomic.Bool
}

// NewStore is a Store that is up, closed when the test ends.
func NewStore(t testing.TB) *Store {
	s := &Store{store: memory.Open()}
	t.Cleanup(func() { s.store.Close() })
	return s
}

// Fail has every call fail until Recover. One that waits for news fails when it would have had some.
func (s *Store) Fail() { s.down.Store(true) }

// Recover ends Fail.
func (s *Store) Recover() { s.down.Store(false) }

var errDown = errors.New("writtest: the store is down, because the test said so")

func (s *Store) err() error {
	if s.down.Load() {
		return errDown
	}
	return nil
}

// Load is writ.Store's.
func (s *Store) Load(ctx context.Context, id string) (writ.Row, error) {
	if err := s.err(); err != nil {
		return writ.Row{}, err
	}
	return s.store.Load(ctx, id)
}

// Save is writ.Store's.
func (s *Store) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if err := s.err(); err != nil {
		return writ.Row{}, err
	}
	return s.store.Save(ctx, row, entries...)
}

// List is writ.Store's.
func (s *Store) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.store.List(ctx, owner, after, limit)
}

// Append is writ.Store's.
func (s *Store) Append(ctx context.Context, entries ...revocation.Entry) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.store.Append(ctx, entries...)
}

// Purge is writ.Store's.
func (s *Store) Purge(ctx context.Context, now time.Time) (more bool, err error) {
	if err := s.err(); err != nil {
		return false, err
	}
	return s.store.Purge(ctx, now)
}

// Snapshot is revocation.Source's.
func (s *Store) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	if err := s.err(); err != nil {
		return "", err
	}
	return s.store.Snapshot(ctx, add)
}

// Tail is revocation.Source's.
func (s *Store) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	if err := s.err(); err != nil {
		return nil, "", err
	}
	entries, next, err := s.store.Tail(ctx, after)
	if down := s.err(); down != nil {
		return nil, "", down
	}
	return entries, next, err
}

// Close does nothing: the store is closed when the test ends.
func (s *Store) Close() error { return nil }
