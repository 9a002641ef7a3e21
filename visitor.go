package writ

import (
	"context"
	"errors"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// signInVisitor begins a user's session with what a visitor's holds, and ends the visitor's. It ends as it
// was when issue saw it: if it was written to meanwhile, issue is asked again with what is there then.
func (m *Manager) signInVisitor(ctx context.Context, t *token.Verified, issue func(visitor *stored) error) error {
	id, ok := parseSessionID(t.SessionID())
	if !ok {
		return token.ErrMalformed
	}
	_, err := m.change(ctx, id, func(v *stored) ([]revocation.Entry, error) {
		now := m.config.Now()
		if !m.live(v, now) {
			return nil, issue(nil)
		}
		if err := issue(v); err != nil {
			return nil, err
		}
		return m.end(v, now, "signed in"), nil
	})
	if errors.Is(err, ErrNotFound) {
		return issue(nil)
	}
	return err
}

// inherit takes over what a visitor's session holds, unless the login has its own.
func (s *stored) inherit(visitor *stored, l Login) {
	if visitor == nil {
		return
	}
	if l.Private == nil {
		s.Private = visitor.Private
	}
	if l.Claims.Data == nil {
		s.Claims.Data = visitor.Claims.Data
	}
}
