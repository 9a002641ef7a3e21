package memory

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// purgeBatch is how many rows, and how many entries, one Purge looks at.
const purgeBatch = 1000

var (
	errClosed = errors.New("memory: the store is closed")
	errOwner  = errors.New("memory: the owner of a row never changes")
)

// Store is a writ.Store in memory. Use Open; it is safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	closed  bool
	rows    map[string]writ.Row
	owners  map[string]order
	rowsDue queue[string]
	log     *log
}

// Open returns an empty store. It starts no goroutine, and Close frees nothing that the garbage
// collector would not.
func Open() *Store {
	return &Store{
		rows:   make(map[string]writ.Row),
		owners: make(map[string]order),
		log:    newLog(),
	}
}

// usable is called under the lock.
func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return errClosed
	}
	return ctx.Err()
}

// Load implements writ.Store.
func (s *Store) Load(ctx context.Context, id string) (writ.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return writ.Row{}, err
	}
	row, ok := s.rows[id]
	if !ok {
		return writ.Row{}, writ.ErrNotFound
	}
	return s.copyOf(row), nil
}

// Save implements writ.Store.
func (s *Store) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if err := errors.Join(row.Check(), revocation.Check(entries)); err != nil {
		return writ.Row{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return writ.Row{}, err
	}
	old, exists := s.rows[row.ID] // a row that does not exist has version 0
	if old.Version != row.Version {
		return writ.Row{}, writ.ErrConflict
	}
	if exists && old.Owner != row.Owner {
		return writ.Row{}, errOwner
	}
	if exists && row.Owner != "" && s.copyOf(old).Cutoff != row.Cutoff {
		return writ.Row{}, writ.ErrConflict
	}

	row.Version = old.NextVersion()
	row.Expires = micros(row.Expires)
	row.Data = bytes.Clone(row.Data)
	row.Cutoff = 0
	s.rows[row.ID] = row
	if !exists && row.Owner != "" {
		s.owners[row.Owner] = s.owners[row.Owner].add(row.ID)
	}
	if !exists || sooner(row.Expires, old.Expires) {
		s.rowsDue.add(row.Expires, row.ID)
		s.rowsDue.tidy(len(s.rows), s.expiries)
	}
	s.log.append(entries)
	return s.copyOf(row), nil
}

// List implements writ.Store.
func (s *Store) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	now := time.Now()
	var list []writ.Row
	for id := range s.owners[owner].after(after) {
		if len(list) >= limit {
			break
		}
		if row := s.rows[id]; row.Expires.IsZero() || row.Expires.After(now) {
			list = append(list, s.copyOf(row))
		}
	}
	return list, nil
}

// Append implements writ.Store.
func (s *Store) Append(ctx context.Context, entries ...revocation.Entry) error {
	if err := revocation.Check(entries); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	s.log.append(entries)
	return nil
}

// Purge implements writ.Store. It looks at no more than 1,000 rows and 1,000 entries.
func (s *Store) Purge(ctx context.Context, now time.Time) (more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return false, err
	}
	now = micros(now)
	s.rowsDue.take(now, purgeBatch, func(id string) time.Time {
		row, ok := s.rows[id]
		if !ok || !row.Expires.Before(now) || row.Expires.IsZero() {
			return row.Expires
		}
		delete(s.rows, id)
		s.disown(row.Owner, id)
		return time.Time{}
	})
	s.log.purge(now)
	return s.rowsDue.due(now) || s.log.due.due(now), nil
}

// Close implements writ.Store: it wakes every Tail, and from then on every method returns an error.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.log.wake()
	}
	return nil
}

func (s *Store) disown(owner, id string) {
	ids := s.owners[owner].remove(id)
	if len(ids) == 0 {
		delete(s.owners, owner)
		return
	}
	s.owners[owner] = ids
}

// expiries yields when each row expires.
func (s *Store) expiries(yield func(string, time.Time) bool) {
	for id, row := range s.rows {
		if !yield(id, row.Expires) {
			return
		}
	}
}

// copyOf makes what a caller gets: the store's bytes stay its own.
func (s *Store) copyOf(row writ.Row) writ.Row {
	row.Data = bytes.Clone(row.Data)
	row.Cutoff = s.log.cutoff(row.Owner)
	return row
}

func randomUint64() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}

// micros is t as a database keeps it: in microseconds, without a place or a monotonic reading.
func micros(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
