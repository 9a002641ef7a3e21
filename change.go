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

// toTheEnd is deadline for what must not stop halfway because the client has gone: who signs out and
// closes the window is to be signed out.
func (m *Manager) toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	return m.deadline(context.WithoutCancel(ctx))
}

const changeTries = 8

// change reads a session, lets f change it, and writes it with the entries that f returns, in one
// transaction; against a concurrent change it starts again. If f changes nothing and revokes nothing,
// nothing is written. If f returns an error, nothing is written either, except with entries: then the
// error is a decision, which is written before it is returned. ErrNotFound: there is no such row, and
// no session is returned.
func (m *Manager) change(ctx context.Context, id [16]byte, f func(*stored) ([]revocation.Entry, error)) (*stored, error) {
	for try := range changeTries {
		if err := pause(ctx, try); err != nil {
			return nil, unavailable(err)
		}
		at := m.config.Now()
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
		s.at = at
		entries, decision := f(s)
		if decision != nil && len(entries) == 0 {
			return s, decision
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
		return s, decision
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
