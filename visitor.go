package writ

import (
	"context"
	"errors"
	"slices"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// signInVisitor begins the session heir with what a visitor's holds, and ends the visitor's. It ends as it
// was when issue saw it: if it was written to meanwhile, issue is asked again with what is there then.
func (m *Manager) signInVisitor(ctx context.Context, t *token.Verified, heir [16]byte, issue func(visitor *stored) error) error {
	id, ok := parseSessionID(t.SessionID())
	if !ok {
		return token.ErrMalformed
	}
	reason := "signed in: " + sessionID(heir)
	end := func() error {
		_, err := m.change(ctx, id, func(v *stored) ([]revocation.Entry, error) {
			now := m.config.Now()
			if v.Rotation.Reason == reason {
				m.hear(v) // it was done, and the answer was lost
				return nil, nil
			}
			if !m.lives(v, now) || v.Claims.Subject != t.Subject() || t.Stamp() <= max(v.cutoff, v.MinStamp) || m.revoked(t) {
				return nil, issue(nil)
			}
			if err := issue(v); err != nil {
				return nil, err
			}
			return m.end(v, now, reason), nil
		})
		if errors.Is(err, ErrNotFound) {
			return issue(nil)
		}
		return err
	}
	err := end()
	if errors.Is(err, token.ErrUnavailable) {
		err = end()
	}
	return err
}

// inherit gives s what a visitor's session holds, unless the login has its own. Without a visitor it takes
// back what it gave before: that has another heir.
func (s *stored) inherit(visitor *stored, l Login) {
	s.Private, s.Claims.Data = slices.Clone(l.Private), slices.Clone(l.Claims.Data)
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
