package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

const publicUsage = `Usage:
    keygen public [--pem] [--clear] [--secret-file FILE] [RING]

Prints the public keys with which others verify, as a JSON Web Key Set. Pending keys are
among them, so that they are known before they sign, and retired ones, as long as tokens
of theirs may be good. Keys that are shared secrets (HS256 and its like) have no public
half: they are left out, and a ring that has no others is a failure.

With the secret it checks that the ring is genuine. Without one it prints what the ring
says, and warns: whoever can write to it may have put in keys of their own.

    --pem               PEM instead, a "PUBLIC KEY" block for each key.` + protectionUsage

func (t *tool) public(ctx context.Context, args []string) error {
	c := newCommand("public")
	asPEM, protection := c.boolean("pem"), c.protection()
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	at, err := t.target(ctx, raw, false)
	if err != nil {
		return err
	}
	defer at.Close()
	r, err := t.read(ctx, at, protection, keys.Config{}, time.Now())
	if err != nil {
		return err
	}
	all := r.publics()
	set := slices.DeleteFunc(slices.Clone(all), (*keys.Public).Symmetric)
	switch secrets := len(all) - len(set); {
	case len(set) == 0:
		return errors.New("the ring has no public keys: it signs with a shared secret, so that nobody else can verify. " +
			"For others to verify, move to another algorithm: " + at.keygen("rotate --alg ES256"))
	case secrets > 0:
		fmt.Fprintf(t.stderr, "Warning: %d of the ring's keys are shared secrets and left out: what they sign nobody else can verify.\n", secrets)
	}
	if !*asPEM {
		_, err := fmt.Fprintf(t.stdout, "%s\n", jwks.Marshal(set))
		return err
	}
	var out []byte
	for _, k := range set {
		block, err := k.PEM()
		if err != nil {
			return err
		}
		out = append(out, block...)
	}
	_, err = t.stdout.Write(out)
	return err
}
