package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/writ-go/writ/keys"
)

const rotateUsage = `Usage:
    keygen rotate [flags] [RING]                    routine, by hand
    keygen rotate --stage [flags] [RING]
    keygen rotate --promote [--kid KID] [flags] [RING]
    keygen rotate --now --kid KID [flags] [RING]    emergency

Running programs rotate by themselves; this is for doing it earlier, or by hand. Without
--now nobody notices: tokens of the old key stay good until they expire.

Without a flag, a new key is published (unless one is already) and signs as soon as
every verifier knows it; then the key that signs now only verifies.

    --stage             only publish the new key. It signs when the schedule says; with
                        --period never, as soon as that is safe.
    --promote           let the key that is published sign now, before its time. Refused
                        while there may be a verifier that does not know it.
    --now               the key KID is compromised: another signs at once, and keys that
                        were to sign later are replaced too. Whatever KID signed is
                        refused from then on: clients must refresh. Verifiers elsewhere
                        refuse new tokens until they fetch the key set again.
    --kid KID           whole, or its first 6 characters or more.` + newKeyUsage + protectionUsage + scheduleUsage

func (t *tool) rotate(ctx context.Context, args []string) error {
	c := newCommand("rotate")
	stage, promote, now := c.boolean("stage"), c.boolean("promote"), c.boolean("now")
	kid, change := c.String("kid", "", ""), c.changing()
	c.newKey(change)
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	if *stage && *promote || *stage && *now || *promote && *now {
		return usageError{errors.New("--stage, --promote and --now exclude each other: give one")}
	}
	if *kid != "" && !*promote && !*now {
		return usageError{errors.New("--kid goes with --promote or --now; keygen retire takes one too")}
	}
	return t.change(ctx, raw, change, func(ring *keys.Ring) error {
		switch {
		case *stage:
			return t.stage(ctx, ring)
		case *promote:
			return promoteKey(ctx, ring, *kid, change.config)
		case *now:
			return t.replace(ctx, ring, *kid)
		}
		return t.succeed(ctx, ring, inState(ring.Timeline(), keys.Active))
	})
}

// change opens a ring, changes it, and says what is to come.
func (t *tool) change(ctx context.Context, raw string, x *changing, do func(*keys.Ring) error) error {
	at, err := t.target(ctx, raw, false)
	if err != nil {
		return err
	}
	defer at.Close()
	ring, err := x.open(ctx, at)
	if err != nil {
		return err
	}
	if err := do(ring); err != nil {
		return err
	}
	now := time.Now()
	for _, k := range ring.Timeline() {
		fmt.Fprintln(t.stdout, describe(&k, now))
	}
	return nil
}

func (t *tool) stage(ctx context.Context, ring *keys.Ring) (err error) {
	if k := inState(ring.Timeline(), keys.Pending); k != nil {
		fmt.Fprintln(t.stderr, "A key is published already: no other was made. To have it sign as soon as that is safe: keygen rotate --promote")
		return nil
	}
	t.working("Making a key", func() { _, err = ring.Stage(ctx) })
	return err
}

// promoteKey lets the pending key sign. Where there is more than one, the operator says which.
func promoteKey(ctx context.Context, ring *keys.Ring, kid string, c *keys.Config) error {
	var pending []keys.KeyInfo
	for _, k := range ring.Timeline() {
		if k.State == keys.Pending {
			pending = append(pending, k)
		}
	}
	switch {
	case len(pending) == 0:
		return errors.New("no key is published that does not sign yet: publish one with: keygen rotate --stage")
	case kid == "" && len(pending) > 1:
		return errors.New("more than one key is published that does not sign yet: name one with --kid")
	case kid == "":
		kid = pending[0].Public.ID()
	}
	k, err := pick(pending, kid)
	if err != nil {
		return err
	}
	if now, safe := time.Now(), k.CreatedAt.Add(lead(c)); now.Before(safe) {
		return fmt.Errorf("key %s was published at %s, and some verifier may not know it before %s: promote it then, or have that waited for with: keygen rotate",
			k.Public.ID(), moment(k.CreatedAt, now), when(safe, now))
	}
	return ring.Promote(ctx, k.Public.ID())
}

// replace wants the kid: whoever means "as soon as possible" by --now would end every session's token.
func (t *tool) replace(ctx context.Context, ring *keys.Ring, kid string) error {
	all := ring.Timeline()
	if kid == "" {
		words := "--now is for a key that others may know: whatever it signed is refused at once. Name it"
		if k := inState(all, keys.Active); k != nil {
			words += ", if it is the one that signs now, with --kid " + k.Public.ID()
		}
		return usageError{errors.New(words + ". To rotate without an emergency: keygen rotate")}
	}
	old, err := everPresent(ring, kid)
	if err != nil {
		return err
	}
	before := ring.Removed()
	var fresh *keys.Public
	t.working("Making a key", func() { fresh, err = ring.Replace(ctx, old) })
	if err != nil {
		return err
	}
	for _, k := range ring.Removed() {
		if k.Compromised && !slices.Contains(before, k) {
			fmt.Fprintf(t.stderr, "Key %s is out of the ring, as compromised.\n", k.KID)
		}
	}
	fmt.Fprintf(t.stderr, "%v signs in their place. Programs follow within their MaxStale, and refuse what the old key signed; others\n"+
		"that verify must fetch the key set again. Put right what let the key out, such as the secret, or the new one is next.\n", fresh)
	return nil
}

// everPresent also finds a key that has left the ring: it may be known as compromised only now.
func everPresent(ring *keys.Ring, kid string) (string, error) {
	for _, k := range ring.Removed() {
		if k.KID == kid {
			return kid, nil
		}
	}
	k, err := pick(ring.Timeline(), kid)
	if err != nil {
		return "", err
	}
	return k.Public.ID(), nil
}

// succeed lets a successor take over from a key.
func (t *tool) succeed(ctx context.Context, ring *keys.Ring, k *keys.KeyInfo) (err error) {
	if k == nil {
		return errors.New("no key signs now: keygen doctor says why")
	}
	t.working("Making a key", func() { err = ring.Retire(ctx, k.Public.ID()) })
	return err
}
