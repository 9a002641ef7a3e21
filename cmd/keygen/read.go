package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/mldsa"
)

// reading is a ring at one moment.
type reading struct {
	at   *target
	now  time.Time
	info *keys.Info
	ring *keys.Ring // nil: nothing shows that info is genuine

	sealed bool // and the seal was checked
}

// read opens the ring with the secret, or as one in clear, and changes nothing. Without a secret it
// returns what the document says, and warns.
func (t *tool) read(ctx context.Context, at *target, p *protection, c keys.Config, now time.Time) (*reading, error) {
	vault, err := takeSnapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	info, err := inspectRing(ctx, at, vault, now)
	if err != nil {
		return nil, err
	}
	c.Issuer, c.Vault = cmp.Or(os.Getenv("WRIT_ISSUER"), info.Issuer), vault
	c.Also, c.Now = experimental(), func() time.Time { return now }
	switch err := p.configure(&c); {
	case errors.Is(err, errUnprotected):
		fmt.Fprintln(t.stderr, "Warning: nothing shows that this is genuine. Whoever can write to the ring may have put in keys of\n"+
			"their own. Set WRIT_SECRET or WRIT_SECRET_FILE to have it checked, or --clear if it was made so.")
		return &reading{at: at, now: now, info: info}, nil
	case err != nil:
		return nil, err
	}
	ring, err := keys.Load(ctx, c)
	if err != nil {
		return nil, err
	}
	return &reading{at, now, info, ring, !c.InClear}, nil
}

func inspectRing(ctx context.Context, at *target, v keys.Vault, now time.Time) (*keys.Info, error) {
	info, err := keys.Inspect(ctx, v, now, experimental()...)
	if err == nil && info == nil {
		err = fmt.Errorf("no ring in %v: make one with: %s", at, at.keygen("new"))
	}
	return info, err
}

// keys are all signing keys, in order of activation.
func (r *reading) keys() []keys.KeyInfo {
	if r.ring != nil {
		return r.ring.Timeline()
	}
	return r.info.Keys
}

// publics are what verifies.
func (r *reading) publics() []*keys.Public {
	if r.ring != nil {
		return r.ring.Publics()
	}
	var set []*keys.Public
	for _, k := range r.info.Keys {
		set = append(set, k.Public)
	}
	return set
}

// changing are the flags of a command that changes a ring.
type changing struct {
	*protection
	config    *keys.Config
	alg       string // of new keys
	elsewhere bool   // it makes no key, so that those of a Custodian are no hindrance
}

func (c *command) changing() *changing {
	return &changing{protection: c.protection(), config: c.schedule(), alg: os.Getenv("WRIT_ALGORITHM")}
}

const newKeyUsage = `

A new key is made with
    --alg ALG           Default: WRIT_ALGORITHM, or else that of the key that signs now.
    --max-ttl TIME      longest lifetime of a token. Default: as the key that signs now.
`

func (c *command) newKey(x *changing) {
	c.StringVar(&x.alg, "alg", x.alg, "")
	c.duration(&x.config.MaxTTL, "max-ttl")
}

// open opens the ring to change it. What new keys are to be is taken from the one that signs, unless
// the operator says otherwise: rotation alone changes no algorithm.
func (x *changing) open(ctx context.Context, at *target) (*keys.Ring, error) {
	c := *x.config
	c.Vault, c.Also = at, experimental()
	if x.alg != "" {
		var err error
		if c.Algorithm, err = algorithm(x.alg); err != nil {
			return nil, err
		}
	}
	info, err := inspectRing(ctx, at, at, time.Now())
	if err != nil {
		return nil, err
	}
	c.Issuer = cmp.Or(os.Getenv("WRIT_ISSUER"), info.Issuer)
	if err := x.protection.configure(&c); err != nil {
		return nil, err
	}
	genuine, err := keys.Load(ctx, c) // info may be anybody's work
	if err != nil {
		return nil, err
	}
	if k := inState(genuine.Timeline(), keys.Active); k != nil {
		if k.Ref != "" && !x.elsewhere {
			return nil, errors.New("the ring's signing keys are kept elsewhere, in a KMS or HSM, and keygen does not reach that: have a program do this, with its Ring's methods")
		}
		if c.Algorithm == nil {
			c.Algorithm = k.Public.Algorithm()
		}
		if c.MaxTTL == 0 {
			c.MaxTTL = k.MaxTTL
		}
	}
	return keys.Load(ctx, c)
}

// experimental are the algorithms that are not package keys' own.
func experimental() []keys.Algorithm { return []keys.Algorithm{mldsa.MLDSA44, mldsa.MLDSA65} }

func isExperimental(a keys.Algorithm) bool { return slices.Contains(experimental(), a) }

// algorithm finds one that keys of a ring may have, by its exact name.
func algorithm(name string) (keys.Algorithm, error) {
	var known []string
	for _, a := range append(keys.Algorithms(), experimental()...) {
		if a.Name() == name {
			return a, nil
		}
		known = append(known, a.Name())
	}
	return nil, usageError{fmt.Errorf("unknown algorithm: use one of %s; those with HS are for one service only", strings.Join(known, ", "))}
}

// pick finds the key that a --kid names, by the whole kid or by a beginning that no other has.
func pick(all []keys.KeyInfo, kid string) (*keys.KeyInfo, error) {
	var found []*keys.KeyInfo
	for i := range all {
		if all[i].Public.ID() == kid {
			return &all[i], nil
		}
		if strings.HasPrefix(all[i].Public.ID(), kid) {
			found = append(found, &all[i])
		}
	}
	switch {
	case len(kid) < shortestKID || len(found) == 0:
		return nil, usageError{fmt.Errorf("no key of the ring has the kid that --kid names, whole or by %d characters or more: keygen status lists them", shortestKID)}
	case len(found) > 1:
		return nil, usageError{errors.New("more than one kid begins as --kid does: name the whole kid")}
	}
	return found[0], nil
}

const shortestKID = 6

// inState finds the one key in a state; nil if there is none.
func inState(all []keys.KeyInfo, s keys.State) *keys.KeyInfo {
	for i := range all {
		if all[i].State == s {
			return &all[i]
		}
	}
	return nil
}
