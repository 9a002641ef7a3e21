package keys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Import puts a software key from elsewhere into the ring, and returns its public half. It is published
// now, and signs from when every verifier can know it; with atOnce from now on, which is for a key that
// the verifiers know already, because it signed elsewhere. Destroy every other copy.
//
// It refuses a key that the ring has or had, and, unless atOnce, a ring with a key pending: that one's
// time would be lost. It does not ask whether a shared secret is random: see FromSecret.
func (r *Ring) Import(ctx context.Context, k *Private, atOnce bool) (*Public, error) {
	switch {
	case k == nil:
		return nil, errors.New("keys: no key to import")
	case r.state.Load() == nil:
		return nil, r.Ready()
	case r.config.Custodian != nil:
		return nil, errors.New("keys: this ring's signing keys are kept by a Custodian: make one there, with Stage")
	}
	c := &r.config
	cleartext, err := k.cleartext()
	if err != nil {
		return nil, err
	}
	i := signingItem{
		item: item{KID: k.ID()}, Alg: k.Algorithm().Name(), Public: k.public.document(), MaxTTL: int64(c.MaxTTL / time.Second),
	}
	if err := c.seal(ctx, &i.item, i.Alg, cleartext); err != nil {
		return nil, fmt.Errorf("keys: sealing the imported key: %w", err)
	}
	m := &mint{config: c, made: &i, signer: &Private{public: k.public, signer: k.signer, maxTTL: c.MaxTTL}}
	_, err = r.change(ctx, change{mint: m, do: func(d *draft) error {
		at := d.now
		switch {
		case d.taken(i.KID):
			return fmt.Errorf("keys: the ring has, or had, key %s", i.KID)
		case d.clock != nil:
			return d.clock
		case atOnce:
		case d.last().ActivateAt.After(d.now):
			return fmt.Errorf("keys: key %s is pending: promote it first, or import at once", d.last().KID)
		default:
			at = d.now.Add(c.lead())
		}
		_, err := d.add(at)
		return err
	}})
	return r.published(i.KID, err)
}
