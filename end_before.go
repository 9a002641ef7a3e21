package writ

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// EndAllBefore ends every session of subject that began before a time that is past, such as that of a theft,
// and every token issued to it before then, on every node. Clocks differ: what began less than twice
// Rotation.Skew later may end, too. Again is no error. token.ErrUnavailable: some may still be alive; try
// again.
func (m *Manager) EndAllBefore(ctx context.Context, subject string, at time.Time) error {
	ctx = context.WithoutCancel(ctx)
	now := m.config.Now()
	last := at.Add(m.config.Rotation.Skew)
	switch {
	case subject == "":
		return errNoSubject
	case last.UnixMicro() <= 0 || at.After(now.Add(m.config.Rotation.Skew)):
		return fmt.Errorf("writ: EndAllBefore is for a time that is past, and not for %s", at)
	}
	all, err := m.endIssued(ctx, subject, last)
	if err != nil {
		return err
	}
	var failed error
	for _, s := range all {
		if !m.live(s, now) || s.Created.After(last) {
			continue
		}
		if err := m.endOld(ctx, s.id); err != nil {
			failed = err // the others need not wait for it
		}
	}
	if failed == nil {
		m.config.Observe(ctx, Event{Kind: Ended, Time: m.config.Now(), Subject: subject})
	}
	return failed
}

// endIssued ends all that was issued to a subject until then by its stamp, and returns the subject's sessions
// as they were: what one of them was given later its row ends.
func (m *Manager) endIssued(ctx context.Context, subject string, last time.Time) ([]*stored, error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	all, listErr := m.ofSubject(ctx, subject)
	if !token.IsAnonymous(subject) { // it has one session, and a cutoff would be kept for a year
		if err := m.tell(ctx, m.cutoffEntry(subject, last.UnixMicro())); err != nil {
			return nil, err
		}
	}
	return all, listErr // what cannot be read must not keep the others alive
}

func (m *Manager) endOld(ctx context.Context, id [16]byte) error {
	ctx, cancel := m.deadline(ctx) // for each session: a subject may have many
	defer cancel()
	_, err := m.endQuietly(ctx, id, func(*stored) bool { return true })
	if errors.Is(err, ErrNotFound) {
		return m.endWithoutRow(ctx, id)
	}
	return err
}

// EndEverything ends every session of everybody, and every token issued before now, on every node: after an
// older copy of the store was put back, or when nobody knows what a thief has. People sign in again; a
// sign-in after it is not touched. Again ends what began in between. token.ErrUnavailable: everything may
// still be alive; try again.
func (m *Manager) EndEverything(ctx context.Context) error {
	ctx, cancel := m.toTheEnd(ctx)
	defer cancel()
	row, err := m.config.Store.Load(ctx, issuerRow) // with the cutoff of the last time
	if err != nil && !errors.Is(err, ErrNotFound) {
		return unavailable(err)
	}
	now := m.config.Now()
	// By rule a session may have been given a stamp that much ahead of any clock, or of that cutoff.
	highest := max(now.Add(m.config.ahead()).UnixMicro(), row.Cutoff, m.list.Before(revocation.Everything, ""))
	err = m.tell(ctx, revocation.Entry{
		Kind:    revocation.Everything,
		Before:  highest + m.config.ahead().Microseconds(),
		Expires: now.Add(longestCookie + m.config.retention()),
	})
	if err != nil {
		return err
	}
	m.config.Observe(ctx, Event{Kind: Ended, Time: now})
	return nil
}
