package main

import (
	"context"

	"github.com/writ-go/writ/keys"
)

const retireUsage = `Usage:
    keygen retire [--kid KID] [flags] [RING]

Lets a successor take over from a key as soon as every verifier knows it; one is made
unless there is one. Then the key only verifies, until the last token that it signed
has expired. Without --kid it is the key that signs now, as with: keygen rotate

    --kid KID           whole, or its first 6 characters or more.` + newKeyUsage + protectionUsage + scheduleUsage

func (t *tool) retire(ctx context.Context, args []string) error {
	c := newCommand("retire")
	kid, change := c.String("kid", "", ""), c.changing()
	c.newKey(change)
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	return t.change(ctx, raw, change, func(ring *keys.Ring) error {
		all := ring.Timeline()
		k := inState(all, keys.Active)
		if *kid != "" {
			if k, err = pick(all, *kid); err != nil {
				return err
			}
		}
		return t.succeed(ctx, ring, k)
	})
}
