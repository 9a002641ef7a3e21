package writ

import (
	"context"
	"fmt"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
)

// observeKeys tells what happens to the key ring.
func (m *Manager) observeKeys(e keys.RingEvent) {
	m.config.Observe(context.Background(), Event{Kind: EventKind("key." + string(e.Kind)), Time: e.At, KeyID: e.KID, Err: e.Err})
	if e.Kind == keys.KeyReplaced {
		select {
		case m.replaced <- struct{}{}:
		default: // somebody is told already
		}
	}
}

// revokeAgain is how soon a key is tried again whose revocation could not be written.
const revokeAgain = time.Second

// revokeKeys revokes, for ever, every key that the ring says is compromised: whoever stole it can forge
// any expiry, and verifiers elsewhere may keep its public half for a while. Every node does, because
// none knows whether another has.
func (m *Manager) revokeKeys(ctx context.Context) {
	told := false
	for ctx.Err() == nil {
		var again <-chan time.Time
		err := m.revokeCompromised(ctx)
		if err != nil {
			again = time.After(revokeAgain)
		}
		if err != nil && !told {
			m.failed(ctx, err)
		}
		told = err != nil
		select {
		case <-m.replaced:
		case <-again:
		case <-ctx.Done():
		}
	}
}

func (m *Manager) revokeCompromised(ctx context.Context) error {
	var entries []revocation.Entry
	for _, removed := range m.ring.Removed() {
		if removed.Compromised && m.list.Before(revocation.Key, removed.KID) < revocation.Ended {
			entries = append(entries, revocation.Entry{Kind: revocation.Key, ID: removed.KID, Before: revocation.Ended})
		}
	}
	if len(entries) == 0 {
		return nil
	}
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	if err := m.config.Store.Append(ctx, entries...); err != nil {
		return unavailable(err)
	}
	m.list.Apply(entries...)
	return nil
}

// signingKey is the ring's, unless the log says that it is revoked: then the ring of this node is
// behind, and is read anew.
type signingKey struct{ m *Manager }

func (s signingKey) Signing() (*keys.Private, error) {
	k, err := s.m.ring.Signing()
	if err != nil || s.m.list.Before(revocation.Key, k.ID()) == 0 {
		return k, err
	}
	if err := s.m.ring.ReadAnew(context.Background()); err != nil {
		return nil, err
	}
	if k, err = s.m.ring.Signing(); err == nil && s.m.list.Before(revocation.Key, k.ID()) != 0 {
		return nil, fmt.Errorf("%w: the key that signs is revoked: replace it (keygen rotate --now)", keys.ErrUnavailable)
	}
	return k, err
}
