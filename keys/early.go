package keys

import (
	"encoding/hex"
	"slices"
	"time"
)

// keepEarly lets a node go on with what another one, whose clock is ahead by more than Skew, took away
// before its time. It is for this node alone and stands in no document: which of the two clocks is
// wrong cannot be known. What is compromised goes at once.
func (c *Config) keepEarly(next, held *keyring, now time.Time) {
	early := map[string]bool{}
	for _, t := range next.Removed {
		if !t.Compromised && t.RemovedAt.Sub(now) > c.Skew {
			early[t.KID] = true
		}
	}
	for id, p := range held.byID {
		if early[id] {
			next.byID[id], next.early = p, true
			next.kept = append(next.kept, p)
		}
	}
	for kid, key := range held.macByID {
		if early[hex.EncodeToString(kid[:])] {
			next.macByID[kid], next.early = key, true
		}
	}
	for kid, aead := range held.dataByID {
		if early[hex.EncodeToString(kid[:])] {
			next.dataByID[kid], next.early = aead, true
		}
	}
	for i, k := range next.Keys {
		early[k.KID] = !k.hasPrivate() && c.wipeAt(retireAt(next.Keys, i)).After(now)
	}
	for _, s := range held.signers {
		if early[s.KID] {
			next.signers, next.early = append(next.signers, s), true
		}
	}
	slices.SortFunc(next.signers, func(a, b signer) int { return compareItems(&a.item, &b.item) })
}
