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
// Rotation.Skew later may end, too. A sign-in that is under way may live; of a session that the store has
// lost, the tokens issued since live until they expire. Again is no error. token.ErrUnavailable: some may still
// be alive; try again. It does not end with ctx, but soon if the store is down.
func (m *Manager) EndAllBefore(ctx context.Context, subject string, at time.Time) error {
	ctx = context.WithoutCancel(ctx)
	last := at.Add(m.config.Rotation.Skew)
	switch {
	case subject == "":
		return errNoSubject
	case last.Before(time.UnixMicro(1)) || at.After(m.config.Now().Add(m.config.Rotation.Skew)): // microseconds wrap around, times do not
		return fmt.Errorf("writ: EndAllBefore is for a time that is past, and not for %s", at)
	}
	old, failed := m.endIssued(ctx, subject, last)
	failures := 0
	for _, s := range old {
		err := m.endOld(ctx, s.id)
		if err == nil {
			failures = 0
			continue
		}
		failed = err // the others need not wait for it
		if failures++; failures == mostFailures {
			break
		}
	}
	if failed == nil {
		m.config.Observe(ctx, Event{Kind: Ended, Time: m.config.Now(), Subject: subject})
	}
	return failed
}

// mostFailures is after how many failures in a row the store is taken to be down: each takes its time.
const mostFailures = 3

// endIssued ends, in one append, all that was issued to a subject until then by its stamp and all that its
// sessions of then were given later, and returns those, whose rows are to be ended. It does not ask whether
// one is live: with the cutoff alone in the log, left there by a call that got no further, none is, while
// what it was given later is good.
func (m *Manager) endIssued(ctx context.Context, subject string, last time.Time) (old []*stored, err error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	all, listErr := m.readable(ctx, subject)
	var entries []revocation.Entry
	for _, s := range all {
		switch {
		case !s.Rotation.RevokedAt.IsZero():
			m.hear(s)
		case !s.Created.After(last):
			old = append(old, s)
			entries = append(entries, m.ended(s, m.config.Now()))
		}
	}
	switch {
	case !token.IsAnonymous(subject): // it has one session, and a cutoff would be kept for a year
		entries = append(entries, m.cutoffEntry(subject, last.UnixMicro()))
	case len(all) == 0 && listErr == nil:
		entries = append(entries, m.withoutRow(subject))
	}
	if len(entries) > 0 {
		if err := m.tell(ctx, entries...); err != nil {
			return nil, err
		}
	}
	return old, listErr // what cannot be read must not keep the others alive
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
