package keys

import (
	"context"
	"fmt"
	"time"
)

// Info is what a ring's document says, whether or not it is genuine; see Inspect.
type Info struct {
	Issuer    string
	UpdatedAt time.Time
	Keys      []KeyInfo // in order of activation
	MACs      int       // how many MAC keys there are
	Data      int       // how many data keys there are
	Removed   []Removal // in order of removal
}

// KeyInfo is one signing key of an Info or a Timeline. RetireAt, WipeAt and RemoveAt are zero while no
// successor is known, and WipeAt for ever if the key is symmetric.
type KeyInfo struct {
	Public     *Public // of a symmetric key it has the name only, and verifies nothing
	State      State
	CreatedAt  time.Time
	ActivateAt time.Time
	RetireAt   time.Time     // when its successor signs
	WipeAt     time.Time     // when its private half leaves the ring
	RemoveAt   time.Time     // when it leaves the ring
	MaxTTL     time.Duration // the longest lifetime of a token that it may sign
	Ref        string        // what the Custodian calls it, if one keeps it
	InClear    bool          // the private half is unencrypted
	Wiped      bool          // there is no private half any more
}

// State is where in its life a signing key stands.
type State string

// A key is pending while others already know it but it does not sign yet, active while it signs,
// and retired when it only verifies.
const (
	Pending State = "pending"
	Active  State = "active"
	Retired State = "retired"
)

// Inspect reads a ring without its secret and without changing anything, for tools. It returns nil
// and no error if the vault is empty.
//
// It authenticates nothing: the seal is not checked, and all that it returns, public keys included,
// may be the work of anyone who can write the vault. Trust and publish the keys of a Ring instead:
// Open checks the seal. WipeAt and RemoveAt are by the default MaxStale, Leeway and Skew; those of
// Timeline are by the ring's own.
//
// also are algorithms that keys of the ring may have beside those of this package, such as keys/mldsa's.
func Inspect(ctx context.Context, v Vault, now time.Time, also ...Algorithm) (*Info, error) {
	doc, version, err := v.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys: loading the ring: %w", err)
	}
	if len(doc) == 0 && version == 0 {
		return nil, nil
	}
	d, err := splitDocument(doc)
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", vaultName(v), err)
	}
	p, err := parse(d.Ring, also)
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", vaultName(v), err)
	}
	c, _ := Config{}.withDefaults() // incomplete, but its durations are right
	active := ""
	if i := current(p.Keys, now); i >= 0 {
		active = p.Keys[i].KID
	}
	return &Info{
		Issuer: p.Issuer, UpdatedAt: p.UpdatedAt, Keys: c.timeline(p, active, now),
		MACs: len(p.MAC), Data: len(p.Data), Removed: p.removals(),
	}, nil
}
