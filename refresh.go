package writ

import (
	"context"
	"errors"
	"fmt"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// Refresh exchanges a refresh token, by the rules of package rotation. The Pair has no refresh token
// when the client is to keep the one it has.
//
// Every error wraps exactly one of token.ErrInvalid (ended, expired, reused, or another client's:
// the client is signed out) and token.ErrUnavailable (the client keeps its tokens and tries again).
func (m *Manager) Refresh(ctx context.Context, raw string, from token.Client) (*token.Pair, error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	pair, err := m.refresh(ctx, raw, from)
	if err != nil && !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrUnavailable) {
		m.failed(ctx, err) // a mistake in the program must not sign anybody out
		return nil, fmt.Errorf("%w: %w", token.ErrUnavailable, err)
	}
	return pair, err
}

func (m *Manager) refresh(ctx context.Context, raw string, from token.Client) (*token.Pair, error) {
	t, err := m.parse(ctx, raw)
	if err != nil {
		return nil, err
	}
	leave, err := m.queues.enter(ctx, t.Session)
	if err != nil {
		return nil, err
	}
	defer leave()
	var outcome rotation.Outcome
	var pair *token.Pair
	s, err := m.change(ctx, t.Session, func(s *stored) (entries []revocation.Entry, err error) {
		now := s.at
		if m.clientID(from) != s.Claims.ClientID { // RFC 6749 section 6
			return nil, fmt.Errorf("%w: the refresh token was given to another client", token.ErrInvalid)
		}
		if s.Audience != m.config.Audience {
			return nil, fmt.Errorf("%w: the refresh token is for another audience", token.ErrInvalid)
		}
		outcome, s.Rotation = rotation.Decide(m.policy(s), s.Rotation, t, s.cutoff, m.listed(s.id), now)
		switch outcome {
		case rotation.Repeat, rotation.Adopt, rotation.Rotate, rotation.Recover:
			s.LastSeen = from
			s.Pending = false // whoever has a refresh token was given it when the session began
			handsOut := outcome == rotation.Rotate || outcome == rotation.Recover
			if handsOut {
				s.Renewed = now
			}
			pair, entries, err = m.issue(ctx, s, now, now.Add(m.config.AccessTTL), handsOut)
			if errors.Is(err, ErrRefused) {
				err = fmt.Errorf("%w: %w", token.ErrInvalid, err)
			}
			return entries, err
		case rotation.Theft:
			return []revocation.Entry{m.ended(s, now)}, token.ErrReused
		case rotation.Expired:
			return nil, token.ErrExpired
		case rotation.RetryLater:
			return nil, fmt.Errorf("%w: too many refreshes of one token at a time", token.ErrUnavailable)
		default:
			return nil, token.ErrRevoked
		}
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, fmt.Errorf("%w: the refresh token is of no session", token.ErrInvalid)
	case errors.Is(err, token.ErrReused):
		m.observe(ctx, Reused, s, from, err)
	case errors.Is(err, token.ErrExpired):
		m.observe(ctx, Expired, s, from, nil)
	case errors.Is(err, ErrRefused):
		m.observe(ctx, Ended, s, from, err)
	case err != nil:
	case outcome == rotation.Adopt:
		m.observe(ctx, Regressed, s, from, errors.New("a refresh token is newer than the store: it lost an acknowledged write"))
	case outcome == rotation.Rotate:
		m.observe(ctx, Renewed, s, from, nil)
	case outcome == rotation.Recover:
		m.observe(ctx, Recovered, s, from, nil)
	}
	if err != nil {
		return nil, err
	}
	return pair, nil
}

// parse authenticates a refresh token. A MAC key that this node does not know may be one that another
// node has just made: only a ring that was read again can say that it is none.
func (m *Manager) parse(ctx context.Context, raw string) (rotation.Token, error) {
	t, ok, unknown := m.parseNow(raw)
	if !ok && unknown {
		if err := m.ring.Refresh(ctx); err != nil {
			return t, fmt.Errorf("%w: keys cannot be had now: %w", token.ErrUnavailable, err)
		}
		t, ok, _ = m.parseNow(raw)
	}
	if !ok {
		return t, fmt.Errorf("%w: no refresh token of this issuer", token.ErrInvalid)
	}
	return t, nil
}

func (m *Manager) parseNow(raw string) (t rotation.Token, ok, unknown bool) {
	t, ok = rotation.Parse(raw, func(kid [4]byte) []byte {
		key, known := m.ring.MAC(kid)
		unknown = !known
		return key
	})
	return t, ok, unknown
}
