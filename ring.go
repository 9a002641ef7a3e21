package writ

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// issuerRow says whose store it is, and that a key ring was once made for it.
const issuerRow = "writ:issuer"

// openRing opens the key ring, or makes it at the very first start. A ring that is missing later has
// been lost: making another would sign everybody out, and let a thief of the old keys go on unseen.
func openRing(ctx context.Context, c Config, observe func(keys.RingEvent)) (*keys.Ring, error) {
	inStore := c.Keys == nil
	if inStore {
		c.Keys = Vault(c.Store)
	}
	before, err := checkStore(ctx, c)
	if err != nil {
		return nil, err
	}
	doc, _, err := c.Keys.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("writ: the key ring (WRIT_KEYS) cannot be read: %w", err)
	}
	if len(doc) == 0 && before {
		return nil, errors.New("writ: the store has had sessions, but its key ring (WRIT_KEYS) is not there: restore it, or, to sign everybody out and start anew, give the program a new store")
	}
	wrapper := c.KeyWrapper
	if len(c.Secret) > 0 {
		if wrapper, err = keys.Secret(c.Secret, c.FormerSecrets...); err != nil {
			return nil, fmt.Errorf("writ: Secret (WRIT_SECRET or WRIT_SECRET_FILE): %w", err)
		}
	}
	ring, err := keys.Open(ctx, keys.Config{
		Issuer:    c.Issuer,
		Vault:     c.Keys,
		Algorithm: c.Algorithm,
		Also:      c.KeyAlgorithms,
		Period:    c.KeyPeriod,

		Propagation: propagation,
		Custodian:   c.Custodian,
		Observe:     observe,
		MaxTTL:      token.MaxTTL,
		MaxStale:    c.MaxStale,
		Skew:        c.Rotation.Skew,
		Wrapper:     wrapper,
		InClear:     c.KeysInClear,
		Now:         c.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("writ: the key ring (WRIT_KEYS): %w", err)
	}
	key, err := ring.Signing()
	if err != nil {
		return nil, fmt.Errorf("writ: the key ring (WRIT_KEYS): %w", err)
	}
	if limit := key.MaxTTL(); limit > 0 && c.AccessTTL > limit {
		return nil, fmt.Errorf("writ: AccessTTL (WRIT_ACCESS_TTL) is %s, but the ring's signing key (WRIT_KEYS) may only sign tokens of at most %s, its max_ttl: lower AccessTTL, or make a ring whose keys may sign longer ones",
			c.AccessTTL, limit)
	}
	if !before {
		err = claimStore(ctx, c, len(doc) > 0 && !inStore)
	}
	return ring, err
}

// checkStore reports whether a key ring was ever made for this store.
func checkStore(ctx context.Context, c Config) (before bool, err error) {
	row, err := c.Store.Load(ctx, issuerRow)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("writ: the store (WRIT_STORE) does not answer: %w", err)
	}
	var issuer string
	if json.Unmarshal(row.Data, &issuer) != nil || issuer != c.Issuer {
		return false, errors.New("writ: the store (WRIT_STORE) belongs to another issuer: set Issuer (WRIT_ISSUER) to what it was, or give this issuer a store of its own")
	}
	return true, nil
}

// claimStore notes whose store it is. If the keys are older than the store, what they signed may have
// been revoked in a store that is no more (store/memory loses everything when the process ends), so
// that all of it is revoked anew.
func claimStore(ctx context.Context, c Config, olderKeys bool) error {
	data, err := json.Marshal(c.Issuer)
	if err != nil {
		return err
	}
	var entries []revocation.Entry
	if olderKeys {
		now := c.Now()
		entries = append(entries, revocation.Entry{
			Kind:    revocation.Everything,
			Before:  now.Add(c.ahead()).UnixMicro(),
			Expires: now.Add(c.retention()),
		})
	}
	if _, err := c.Store.Save(ctx, Row{ID: issuerRow, Data: data}, entries...); err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("writ: the store (WRIT_STORE) cannot be written: %w", err)
	}
	return nil
}
