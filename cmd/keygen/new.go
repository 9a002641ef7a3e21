package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
)

const newUsage = `Usage:
    keygen new --issuer URL [flags] [RING]

Makes a ring with one signing key, active at once. It never overwrites a ring.

    --issuer URL        whose keys these are, as it is in tokens. Default: WRIT_ISSUER.
    --alg ALG           ES256, ES384, ES512, EdDSA or Ed25519 (its newer name), RS256,
                        RS384, RS512, PS256, PS384, PS512; or, for one service only,
                        HS256, HS384, HS512: who can verify can also sign; or,
                        experimental, ML-DSA-44, ML-DSA-65. Default: WRIT_ALGORITHM,
                        or else ES256.
    --max-ttl TIME      longest lifetime of a token that the key may sign. Default: 1h.` + newProtectionUsage + `
Without --clear the private keys are encrypted. Keep the secret and a copy of the ring,
apart from each other: one without the other is of no use, to you as to a thief.
`

func (t *tool) makeRing(ctx context.Context, args []string) error {
	flags := newCommand("new")
	issuer := flags.String("issuer", os.Getenv("WRIT_ISSUER"), "")
	alg := flags.String("alg", "", "")
	protection := flags.newProtection()
	maxTTL := flags.String("max-ttl", "1h", "")
	raw, err := flags.parse(args, "ring")
	if err != nil {
		return err
	}
	if err := checkIssuer(*issuer); err != nil {
		return usageError{err}
	}
	c := keys.Config{Issuer: *issuer}
	c.MaxTTL, err = time.ParseDuration(*maxTTL)
	if err != nil || c.MaxTTL < time.Second || c.MaxTTL > 24*time.Hour || c.MaxTTL%time.Second != 0 {
		return usageError{errors.New("--max-ttl must be whole seconds, from 1s to 24h")}
	}
	if *alg == "" {
		*alg = os.Getenv("WRIT_ALGORITHM")
	}
	if *alg == "" {
		*alg = keys.ES256.Name()
	}
	if c.Algorithm, err = algorithm(*alg); err != nil {
		return err
	}
	if err := protection.configure(&c); errors.Is(err, errUnprotected) {
		return errors.New("no secret to encrypt the private keys with: set WRIT_SECRET or WRIT_SECRET_FILE, or give up encryption with --clear")
	} else if err != nil {
		return err
	}
	at, err := t.target(ctx, raw, true)
	if err != nil {
		return err
	}
	defer at.Close()
	if err := at.lost(ctx); err != nil {
		return err
	}
	c.Vault = at

	var ring *keys.Ring
	t.working("Making the keys", func() { ring, err = keys.Create(ctx, c) })
	if errors.Is(err, keys.ErrConflict) {
		return fmt.Errorf("%v is there already, and is never overwritten: name another directory or store", at)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stderr, "Made %v: %v, active now.\n", at, ring.Publics()[0])
	if c.InClear {
		fmt.Fprintln(t.stderr, "Warning: its private keys are not encrypted. Who reads it can forge tokens.")
	}
	return nil
}

// lost refuses a store that has had a ring: a new one would sign everybody out, and the program itself
// refuses to make it.
func (t *target) lost(ctx context.Context) error {
	if t.store == nil {
		return nil
	}
	doc, _, err := t.Load(ctx)
	if err != nil || len(doc) > 0 { // which Create will say
		return nil
	}
	_, err = t.store.Load(ctx, "writ:issuer") // the row that writ.Open leaves in every store
	if errors.Is(err, writ.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = errors.New("the store has had sessions, but its ring is not there: is it in a directory (WRIT_KEYS)? Or else restore it from a backup; or, to sign everybody out and start anew, name a new store")
	}
	return err
}

func checkIssuer(issuer string) error {
	if issuer == "" {
		return errors.New("no issuer: give --issuer URL, or set WRIT_ISSUER")
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the issuer must be an URL such as https://app.example, without user, query or fragment")
	}
	return nil
}
