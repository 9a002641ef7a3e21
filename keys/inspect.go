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
}

// KeyInfo is one signing key of an Info.
type KeyInfo struct {
	Public     *Public // of a symmetric key it has the name only, and verifies nothing
	State      State
	CreatedAt  time.Time
	ActivateAt time.Time
	MaxTTL     time.Duration // the longest lifetime of a token that it may sign
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
// Open checks the seal.
func Inspect(ctx context.Context, v Vault, now time.Time) (*Info, error) {
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
	p, err := parse(d.Ring, nil)
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", vaultName(v), err)
	}
	active := current(p.keys, now)
	info := &Info{Issuer: p.issuer, UpdatedAt: p.updatedAt, MACs: len(p.macs)}
	for i, k := range p.keys {
		state := Retired
		if i == active {
			state = Active
		} else if k.ActivateAt.After(now) {
			state = Pending
		}
		info.Keys = append(info.Keys, KeyInfo{
			Public: k.public, State: state, CreatedAt: k.CreatedAt, ActivateAt: k.ActivateAt,
			MaxTTL: time.Duration(k.MaxTTL) * time.Second, InClear: k.PrivateInClear != "", Wiped: !k.hasPrivate(),
		})
	}
	return info, nil
}
