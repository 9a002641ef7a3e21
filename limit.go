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

// refuseBeyondMax refuses a sign-in beyond MaxSessions, if that is what is to happen: before it is stored,
// when s is nil, and again when others can see it. Of several at a time the first ones get in.
func (m *Manager) refuseBeyondMax(ctx context.Context, s *stored, l Login, now time.Time) error {
	if !m.config.RefuseBeyondMax || l.Anonymous {
		return nil
	}
	others, err := m.others(ctx, s, l, now)
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
	older, err := m.others(ctx, s, l, now)
	if err != nil {
		return err
	}
	for _, o := range older[:max(0, len(older)+1-m.config.MaxSessions)] {
		err := m.endIf(ctx, o.id, func(*stored) bool { return true })
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// others are the live sessions of a subject that go on when l has signed in, oldest first: those that were
// begun before s, if there is an s.
func (m *Manager) others(ctx context.Context, s *stored, l Login, now time.Time) ([]*stored, error) {
	all, err := m.ofSubject(ctx, l.Subject)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(o *stored) bool {
		return s != nil && byAge(o, s) >= 0 || !m.live(o, now) || slices.Contains(l.replaces, o.id)
	})
	slices.SortFunc(all, byAge)
	return all, nil
}

func byAge(a, b *stored) int {
	return cmp.Or(a.Created.Compare(b.Created), bytes.Compare(a.id[:], b.id[:]))
}
