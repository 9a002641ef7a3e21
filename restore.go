package writ

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/writ-go/writ/revocation"
)

// restoreBatch is how many entries one append has when a store gets back what it lost.
const restoreBatch = 500

// restorer gives back to the store what it had acknowledged and has lost, as far as this node knows it.
// See revocation.Config.Lost; every node that lives does it.
func (m *Manager) restorer() func(context.Context, []revocation.Entry) error {
	told := false
	return func(ctx context.Context, lost []revocation.Entry) error {
		if !told {
			m.config.Observe(ctx, Event{Kind: Regressed, Time: m.config.Now(), Err: fmt.Errorf(
				"the store was put back to an older copy of itself, or has lost writes that it acknowledged: %d revocations are written again; "+
					"if the copy is older than %s, end everything that was issued before", len(lost), m.config.retention())})
		}
		err := m.restore(ctx, lost)
		told = err != nil
		return err
	}
}

func (m *Manager) restore(ctx context.Context, lost []revocation.Entry) error {
	for batch := range slices.Chunk(lost, restoreBatch) {
		if err := m.appendAgain(ctx, batch); err != nil {
			return err
		}
	}
	// An entry leaves the log when no access token can be alive any more. The row ends the session for
	// good.
	for _, e := range lost {
		id, ok := parseSessionID(e.ID)
		if e.Kind != revocation.Session || e.Before != revocation.Ended || !ok {
			continue
		}
		if err := m.endAgain(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

func (m *Manager) appendAgain(ctx context.Context, batch []revocation.Entry) error {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	return m.config.Store.Append(ctx, batch...)
}

func (m *Manager) endAgain(ctx context.Context, id [16]byte) error {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	_, err := m.endQuietly(ctx, id, func(*stored) bool { return true })
	return err
}
