package writ

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/writ-go/writ/revocation"
)

const (
	// restoreBatch is how many entries one append has when a store gets back what it lost.
	restoreBatch = 500
	// restorePause is how soon a store that fails meanwhile is tried again, doubled up to restoreLongest.
	restorePause   = time.Second
	restoreLongest = time.Minute
)

// restore gives back to the store what it had acknowledged and has lost, as far as this node knows it, until
// that is done or ctx ends. See revocation.Config.Lost; every node that lives does it.
func (m *Manager) restore(ctx context.Context, lost []revocation.Entry) error {
	m.config.Observe(ctx, Event{Kind: Regressed, Time: m.config.Now(), Err: fmt.Errorf(
		"the store was put back to an older copy of itself, or has lost writes that it acknowledged: %d revocations are written again; "+
			"if the copy is older than %s, end everything that was issued before", len(lost), m.config.retention())})

	// An entry leaves the log when no access token can be alive any more. The row ends the session for
	// good, so those that have least time come first.
	slices.SortFunc(lost, func(a, b revocation.Entry) int { return a.Expires.Compare(b.Expires) })
	entries, ended := lost, lost
	for pause := restorePause; ; pause = min(2*pause, restoreLongest) {
		if entries = m.appendAgain(ctx, entries); len(entries) == 0 {
			if ended = m.endAgain(ctx, ended); len(ended) == 0 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// appendAgain returns the entries that are still to be appended.
func (m *Manager) appendAgain(ctx context.Context, entries []revocation.Entry) []revocation.Entry {
	for len(entries) > 0 {
		batch := entries[:min(len(entries), restoreBatch)]
		if m.bounded(ctx, func(ctx context.Context) error { return m.config.Store.Append(ctx, batch...) }) != nil {
			break
		}
		entries = entries[len(batch):]
	}
	return entries
}

// endAgain returns the entries whose sessions are still to be ended. A row that cannot be read keeps none of
// the others alive, and is told.
func (m *Manager) endAgain(ctx context.Context, entries []revocation.Entry) []revocation.Entry {
	for ; len(entries) > 0; entries = entries[1:] {
		e := entries[0]
		id, ok := parseSessionID(e.ID)
		if e.Kind != revocation.Session || e.Before != revocation.Ended || !ok {
			continue
		}
		err := m.bounded(ctx, func(ctx context.Context) error {
			_, err := m.endQuietly(ctx, id, func(*stored) bool { return true })
			return err
		})
		switch {
		case err == nil, errors.Is(err, ErrNotFound):
		case errors.Is(err, errUnreadable):
			m.failed(ctx, fmt.Errorf("a session that had ended may be alive again: %w", err))
		default:
			return entries
		}
	}
	return nil
}

func (m *Manager) bounded(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	return f(ctx)
}
