package writ

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// unavailable wraps what a store says when it could not answer.
func unavailable(err error) error {
	return fmt.Errorf("%w: the session store did not answer: %w", token.ErrUnavailable, err)
}

// deadline ends an operation well before Rotation.Latency, on which the rotation's promises rest.
func (m *Manager) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, m.config.Rotation.Latency/2)
}

// stripes keep the goroutines of this process from racing each other to the store for one session.
type stripes [256]chan struct{}

func newStripes() *stripes {
	var s stripes
	for i := range s {
		s[i] = make(chan struct{}, 1)
	}
	return &s
}

func (s *stripes) lock(ctx context.Context, id [16]byte) (unlock func(), err error) {
	c := s[id[0]] // IDs are random
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
}

const changeTries = 8

// change reads a session, lets f change it, and writes it with the entries that f returns, in one
// transaction; against a concurrent change it starts again. If f returns an error, or changes
// nothing and revokes nothing, nothing is written. ErrNotFound: there is no such row.
func (m *Manager) change(ctx context.Context, id [16]byte, f func(*stored) ([]revocation.Entry, error)) (*stored, error) {
	unlock, err := m.stripes.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for try := range changeTries {
		if err := pause(ctx, try); err != nil {
			return nil, unavailable(err)
		}
		row, err := m.config.Store.Load(ctx, sessionID(id))
		if errors.Is(err, ErrNotFound) {
			return nil, ErrNotFound
		}
		if err != nil {
			return nil, unavailable(err)
		}
		s, err := m.decode(row)
		if err != nil {
			return nil, err
		}
		entries, err := f(s)
		if err != nil {
			return nil, err
		}
		next, err := s.encode()
		if err != nil {
			return nil, err
		}
		if len(entries) == 0 && bytes.Equal(next.Data, row.Data) {
			return s, nil
		}
		s.row, err = m.config.Store.Save(ctx, next, entries...)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return nil, unavailable(err)
		}
		m.list.Apply(entries...)
		return s, nil
	}
	return nil, fmt.Errorf("%w: the session is being changed by others all the time", token.ErrUnavailable)
}

// pause waits a random time that grows with the number of tries, at most 100 ms.
func pause(ctx context.Context, try int) error {
	if try == 0 {
		return ctx.Err()
	}
	longest := min(5*time.Millisecond<<try, 100*time.Millisecond)
	select {
	case <-time.After(rand.N(longest)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
