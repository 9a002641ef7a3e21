package keys

import (
	"errors"
	"fmt"
	"time"
)

// The schedule is a function of a configuration, a document and a time. Nothing in this file reads a
// clock or waits for anything, but for what a source does.

// lead is how long a signing key is published before it signs. Skew counts twice: once for the clocks,
// once for the time that writing the document takes, which is bounded by it.
func (c *Config) lead() time.Duration { return c.Propagation + c.MaxStale + 2*c.Skew }

// secretLead is lead for MAC and data keys, which only nodes that read the vault must know.
func (c *Config) secretLead() time.Duration { return c.MaxStale + 2*c.Skew }

// wipeAt is when no node signs with a key any more: one that has not read the vault since the successor
// took over signs for MaxStale at most.
func (c *Config) wipeAt(retired time.Time) time.Time { return retired.Add(c.MaxStale) }

// removeAt is when nobody accepts a token of the key any more.
func (c *Config) removeAt(k *signingItem, retired time.Time) time.Time {
	return retired.Add(c.MaxStale + time.Duration(k.MaxTTL)*time.Second + c.Leeway + 2*c.Skew)
}

func (c *Config) secretRemoveAt(retired time.Time) time.Time {
	return retired.Add(c.MaxStale + c.MACLife + 2*c.Skew)
}

// retireAt is when the successor of items[i] takes over; zero if it has none.
func retireAt[T timed](items []T, i int) time.Time {
	if i+1 == len(items) {
		return time.Time{}
	}
	return items[i+1].activateAt()
}

// source makes what a step cannot compute. The keys that it makes lack their dates.
type source interface {
	signing() (signingItem, error)

	// secret makes a MAC or data key, whose kid is short and must not be taken.
	secret(alg string, taken func(kid string) bool) (item, error)

	// rewrap returns i under the Wrapper's current key, and i itself if it is that already.
	rewrap(i item, alg string) (item, error)
}

// step is everything that is due. What fails does not keep the rest from being done.
func (d *draft) step() error {
	c := d.config
	var failed []error
	if c.Period > 0 && !d.now.Add(c.lead()).Before(d.last().ActivateAt.Add(c.Period)) {
		_, err := d.publish()
		failed = append(failed, err)
	}
	for _, ring := range []struct {
		items *[]item
		alg   string
	}{{&d.MAC, macAlgorithm}, {&d.Data, dataAlgorithm}} {
		failed = append(failed, d.stageSecret(ring.items, ring.alg))
	}
	d.prune()
	// Nodes under an old and a new secret would else undo each other's work without a pause.
	if d.now.Sub(d.before.UpdatedAt) >= c.MaxStale {
		failed = append(failed, d.rewrapAll())
	}
	return errors.Join(failed...)
}

// rewrapAll puts everything under the Wrapper's current key.
func (d *draft) rewrapAll() error {
	d.changed = d.changed || d.staleSeal
	return d.rewrap()
}

// stageSecret adds a MAC or data key when it is time to. The first one, which a ring of an early version
// may lack, is active at once.
func (d *draft) stageSecret(items *[]item, alg string) error {
	c, at := d.config, d.now
	if n := len(*items); n > 0 {
		at = d.now.Add(c.secretLead())
		if c.MACPeriod < 0 || at.Before((*items)[n-1].ActivateAt.Add(c.MACPeriod)) {
			return nil
		}
	}
	i, err := d.source.secret(alg, d.taken)
	if err != nil {
		return err
	}
	i.CreatedAt, i.ActivateAt = d.now, at
	*items = append(*items, i)
	d.content, d.changed = d.sorted(), true
	return nil
}

// taken reports whether a key has the kid, or had it.
func (d *draft) taken(kid string) bool { return d.has(kid) || d.buried(kid) }

// prune wipes and removes what is due. It never takes away what is left to sign with, whatever the
// dates say.
func (d *draft) prune() {
	c := d.config
	var kept []signingItem
	for i, k := range d.Keys {
		retired := retireAt(d.Keys, i)
		signs := current(d.Keys[i+1:], d.now)
		if signs < 0 || d.Keys[i+1+signs].ActivateAt.After(d.now) {
			kept = append(kept, k)
			continue
		}
		if !c.removeAt(&k, retired).After(d.now) {
			d.bury(k.KID, false)
			continue
		}
		if k.hasPrivate() && !k.symmetric() && !c.wipeAt(retired).After(d.now) {
			k.item = k.wiped()
			d.changed = true
		}
		kept = append(kept, k)
	}
	d.Keys = kept
	for _, ring := range []*[]item{&d.MAC, &d.Data} {
		var kept []item
		for i, k := range *ring {
			if retired := retireAt(*ring, i); retired.IsZero() || c.secretRemoveAt(retired).After(d.now) {
				kept = append(kept, k)
			} else {
				d.bury(k.KID, false)
			}
		}
		*ring = kept
	}
	d.forget()
}

func (i item) wiped() item {
	i.Private, i.PrivateInClear, i.Ref = "", "", ""
	return i
}

func (d *draft) rewrap() error {
	one := func(i *item, alg string) error {
		next, err := d.source.rewrap(*i, alg)
		if err != nil {
			return fmt.Errorf("wrapping key %s anew: %w", i.KID, err)
		}
		d.changed = d.changed || next.Private != i.Private
		*i = next
		return nil
	}
	for i := range d.Keys {
		if err := one(&d.Keys[i].item, d.Keys[i].Alg); err != nil {
			return err
		}
	}
	for i := range d.MAC {
		if err := one(&d.MAC[i], macAlgorithm); err != nil {
			return err
		}
	}
	for i := range d.Data {
		if err := one(&d.Data[i], dataAlgorithm); err != nil {
			return err
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
