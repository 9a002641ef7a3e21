package main

import (
	"context"
	"fmt"

	"github.com/writ-go/writ/keys"
)

const pruneUsage = `Usage:
    keygen prune [flags] [RING]

Does what is due: wipes the private half of keys that no program signs with any more,
and removes keys whose last token has expired. With --former-secret-file it also brings
the whole ring under the secret of today. Running programs do all this by themselves.
` + protectionUsage + scheduleUsage

func (t *tool) prune(ctx context.Context, args []string) error {
	c := newCommand("prune")
	change := c.changing()
	change.elsewhere = true
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	var told []keys.RingEvent
	change.config.Observe = func(e keys.RingEvent) { told = append(told, e) }
	return t.change(ctx, raw, change, func(ring *keys.Ring) error {
		if err := ring.Prune(ctx); err != nil {
			return err
		}
		if *change.former != "" {
			if _, err := ring.Rewrap(ctx); err != nil {
				return err
			}
		}
		n := 0
		for _, e := range told {
			switch e.Kind {
			case keys.KeyWiped:
				fmt.Fprintf(t.stderr, "Wiped the private half of key %s.\n", e.KID)
			case keys.KeyRemoved:
				fmt.Fprintf(t.stderr, "Removed key %s: nobody can hold a good token of it any more.\n", e.KID)
			case keys.RingRewrapped:
				fmt.Fprintln(t.stderr, "Everything is under today's secret.")
			default:
				continue
			}
			n++
		}
		if n == 0 {
			fmt.Fprintln(t.stderr, "Nothing was due.")
		}
		return nil
	})
}
