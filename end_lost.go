package writ

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// endVisitor ends the one session of an anonymous subject.
func (m *Manager) endVisitor(ctx context.Context, subject string) error {
	id, ok := parseSessionID(strings.TrimPrefix(subject, token.Anonymous("")))
	if !ok {
		return nil // nobody's
	}
	err := m.endIf(ctx, id, func(s *stored) bool { return s.Claims.Subject == subject })
	if errors.Is(err, ErrNotFound) {
		return m.tell(ctx, m.withoutRow(subject))
	}
	return err
}

// withoutRow ends the access tokens of an anonymous subject whose row the store does not have. It names the
// subject and not the session: one of that ID that is not the visitor's goes on.
func (m *Manager) withoutRow(subject string) revocation.Entry {
	return revocation.Entry{
		Kind:    revocation.Subject,
		ID:      subject,
		Before:  revocation.Ended,
		Expires: m.config.Now().Add(m.config.retention()),
	}
}

// readable is ofSubject, but goes on past a row that cannot be read, which must not keep the others alive.
// With an error it returns those that it could read.
func (m *Manager) readable(ctx context.Context, subject string) (all []*stored, failed error) {
	if subject == "" {
		return nil, errNoSubject
	}
	for after := ""; ; {
		rows, err := m.config.Store.List(ctx, subject, after, listPage)
		if err != nil {
			return all, unavailable(err)
		}
		for _, row := range rows {
			if s, err := m.decode(row); err != nil {
				failed = err
			} else {
				all = append(all, s)
			}
		}
		if len(rows) < listPage {
			return all, failed
		}
		after = rows[len(rows)-1].ID
	}
}

// lives is live for a session whose tokens may be in somebody's hands: that it has not come to its
// beginning may be a write that the store lost.
func (m *Manager) lives(s *stored, now time.Time) bool {
	begun := *s
	begun.Pending = false
	return m.live(&begun, now)
}
