package writ

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/writ-go/writ/middleware"
)

// ErrTooManySessions is why a sign-in is refused with Config.RefuseBeyondMax. Start returns it with
// middleware.ErrForbidden.
var ErrTooManySessions = errors.New("writ: the subject has as many sessions as it may: end one first")

// refuseBeyondMax refuses a sign-in beyond MaxSessions, if that is what is to happen: before it is made, and
// again when s has begun. Of several at a time the one that looks last sees all others that have begun, so
// that none is too many; perhaps more are refused than need be.
func (m *Manager) refuseBeyondMax(ctx context.Context, s *stored, l Login, now time.Time) error {
	if !m.config.RefuseBeyondMax || l.Anonymous {
		return nil
	}
	others, err := m.others(ctx, l, now, func(o *stored) bool { return s == nil || o.id != s.id && !o.Pending })
	if err == nil && len(others) >= m.config.MaxSessions {
		err = fmt.Errorf("%w: %w", middleware.ErrForbidden, ErrTooManySessions)
	}
	return err
}

// endOldest ends what the subject of s has beyond MaxSessions, but never s, and nothing that was begun
// after s: of several sign-ins at a time each ends what is older, and not each other.
func (m *Manager) endOldest(ctx context.Context, s *stored, l Login, now time.Time) error {
	if m.config.MaxSessions == 0 || m.config.RefuseBeyondMax || l.Anonymous {
		return nil
	}
	older, err := m.others(ctx, l, now, func(o *stored) bool { return byAge(o, s) < 0 })
	if err != nil {
		return err
	}
	slices.SortFunc(older, byAge)
	for _, o := range older[:max(0, len(older)+1-m.config.MaxSessions)] {
		err := m.endIf(ctx, o.id, func(*stored) bool { return true })
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// others are the live sessions of a subject that count and go on when l has signed in.
func (m *Manager) others(ctx context.Context, l Login, now time.Time, counts func(*stored) bool) ([]*stored, error) {
	all, err := m.ofSubject(ctx, l.Subject)
	return slices.DeleteFunc(all, func(o *stored) bool {
		return !m.live(o, now) || !counts(o) || slices.Contains(l.replaces, o.id)
	}), err
}

func byAge(a, b *stored) int {
	return cmp.Or(a.Created.Compare(b.Created), bytes.Compare(a.id[:], b.id[:]))
}
