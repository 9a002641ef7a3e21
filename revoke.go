package writ

import (
	"context"
	"errors"
	"strings"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// Revoke ends the session that a raw token, access or refresh, belongs to (RFC 7009). An expired
// access token ends nothing (token.ErrInvalid); any authentic refresh token is enough. Ending again is no
// error. token.ErrInvalid: it is nobody's token, so nothing had to end. token.ErrUnavailable: the
// session may still be alive; try again.
func (m *Manager) Revoke(ctx context.Context, raw string) error {
	ctx, cancel := m.toTheEnd(ctx)
	defer cancel()
	id, err := m.sessionOf(ctx, raw)
	if err != nil {
		return err
	}
	err = m.endIf(ctx, id, func(*stored) bool { return true })
	if errors.Is(err, ErrNotFound) {
		return m.endWithoutRow(ctx, id)
	}
	return err
}

// endWithoutRow ends the access tokens of a session whose row the store does not have: it has lost it, and
// they are good elsewhere.
func (m *Manager) endWithoutRow(ctx context.Context, id [16]byte) error {
	return m.tell(ctx, m.ended(&stored{id: id}, m.config.Now()))
}

func (m *Manager) sessionOf(ctx context.Context, raw string) (id [16]byte, err error) {
	if strings.HasPrefix(raw, rotation.Prefix) {
		t, err := m.parse(ctx, raw)
		return t.Session, err
	}
	t, err := m.verifyBy(ctx, m.authentic, raw)
	if err != nil {
		return id, err
	}
	id, ok := parseSessionID(t.SessionID())
	if !ok {
		return id, token.ErrMalformed
	}
	return id, nil
}

// RevokeToken revokes one access token by its ID (token.Verified.ID), on every node. Its session goes on:
// the client refreshes. Again is no error, nor is an ID that no token has. ErrNotFound: no token of this
// issuer can have it. token.ErrUnavailable: the token may still be good; try again.
func (m *Manager) RevokeToken(ctx context.Context, jti string) error {
	ctx, cancel := m.toTheEnd(ctx)
	defer cancel()
	if _, ok := parseSessionID(jti); !ok { // a jti has the same form, and what else is kept as one has another: see spared
		return ErrNotFound
	}
	return m.tell(ctx, revocation.Entry{
		Kind:    revocation.Token,
		ID:      jti,
		Before:  revocation.Ended,
		Expires: m.config.Now().Add(m.config.retention()),
	})
}

// tell appends entries to the log, which change no row, and then has this node know them.
func (m *Manager) tell(ctx context.Context, entries ...revocation.Entry) error {
	if err := m.config.Store.Append(ctx, entries...); err != nil {
		return unavailable(err)
	}
	m.list.Apply(entries...)
	return nil
}
