package keys

import (
	"fmt"
	"slices"
	"time"
)

// draft is a document that is being changed.
type draft struct {
	content
	before    content
	config    *Config
	now       time.Time
	clock     error // why now is not to be computed with
	source    source
	staleSeal bool // the document is to be sealed anew
	changed   bool
}

// draft begins with a copy. A clock that is behind the document's date, which it may be by Skew, does
// not count. If it is further behind, either this clock is wrong or that of the node which wrote the
// document.
func (c *Config) draft(of content, now time.Time, s source) *draft {
	d := &draft{content: of.sorted(), before: of, config: c, now: later(now.UTC().Truncate(time.Millisecond), of.UpdatedAt), source: s}
	if ahead := of.UpdatedAt.Sub(now); ahead > c.Skew {
		d.clock = fmt.Errorf("keys: the ring was written %v ahead of this node's clock, and Skew is %v: "+
			"this clock is behind, or another node's is ahead: set them (NTP); no key rotates meanwhile", ahead.Round(time.Millisecond), c.Skew)
	}
	return d
}

// finish is what is to be written. Its date is later than that of any document before it.
func (d *draft) finish() content {
	d.UpdatedAt = later(d.now, d.before.UpdatedAt.Add(time.Millisecond))
	return d.content
}

// stage publishes a successor, unless one is pending, and returns the kid of what is pending.
func (d *draft) stage() (string, error) {
	if d.last().ActivateAt.After(d.now) {
		return d.last().KID, nil
	}
	if d.clock != nil {
		return "", d.clock
	}
	return d.publish()
}

// publish makes a signing key that signs when the last key's period ends, or as soon as it safely can.
func (d *draft) publish() (string, error) {
	at := d.now.Add(d.config.lead())
	if d.config.Period > 0 {
		at = later(at, d.last().ActivateAt.Add(d.config.Period))
	}
	return d.add(at)
}

func (d *draft) last() *signingItem { return &d.Keys[len(d.Keys)-1] }

// add makes a signing key that signs from at.
func (d *draft) add(at time.Time) (string, error) {
	k, err := d.source.signing()
	if err != nil {
		return "", err
	}
	k.CreatedAt, k.ActivateAt = d.now, at
	d.Keys = append(d.Keys, k)
	d.content, d.changed = d.sorted(), true
	return k.KID, nil
}

// promote lets a pending key sign Skew from now: so long may writing take.
func (d *draft) promote(kid string) error {
	i, state, err := d.find(kid)
	switch {
	case err != nil || state == Active:
		return err
	case state == Retired:
		return fmt.Errorf("keys: key %s has retired: stage another", kid)
	case d.clock != nil:
		return d.clock
	}
	if safe := d.Keys[i].CreatedAt.Add(d.config.lead()); d.now.Before(safe) {
		return fmt.Errorf("keys: key %s was published at %s, and is not known everywhere before %s: promote it then, or retire the key that signs",
			kid, d.Keys[i].CreatedAt.Format(time.RFC3339), safe.Format(time.RFC3339))
	}
	d.activate(i, d.now.Add(d.config.Skew))
	return nil
}

// retire lets the next key sign as soon as it may.
func (d *draft) retire(kid string) error {
	i, state, err := d.find(kid)
	switch {
	case err != nil || state == Retired:
		return err
	case state == Pending:
		return fmt.Errorf("keys: key %s does not sign yet: retire the active one", kid)
	case d.clock != nil:
		return d.clock
	}
	if i+1 < len(d.Keys) {
		d.activate(i+1, later(d.now.Add(d.config.Skew), d.Keys[i+1].CreatedAt.Add(d.config.lead())))
		return nil
	}
	_, err = d.add(d.now.Add(d.config.lead()))
	return err
}

// find returns a key's place and state.
func (d *draft) find(kid string) (int, State, error) {
	i := slices.IndexFunc(d.Keys, func(k signingItem) bool { return k.KID == kid })
	if i < 0 {
		return 0, "", ErrUnknown
	}
	return i, state(&d.Keys[i], d.active(), d.now), nil
}

// active is the kid of the key that signs.
func (d *draft) active() string { return d.Keys[current(d.Keys, d.now)].KID }

func state(k *signingItem, active string, now time.Time) State {
	switch {
	case k.KID == active:
		return Active
	case k.ActivateAt.After(now):
		return Pending
	}
	return Retired
}

// activate lets a key sign from at, if that is sooner than it would.
func (d *draft) activate(i int, at time.Time) {
	if at.Before(d.Keys[i].ActivateAt) {
		d.Keys[i].ActivateAt = at
		d.content, d.changed = d.sorted(), true
	}
}

// replace buries a key and all pending ones as compromised, and returns the kid of what signs instead.
func (d *draft) replace(kid string) (string, error) {
	active := d.active()
	if i := slices.IndexFunc(d.Removed, func(t tombstone) bool { return t.KID == kid }); i >= 0 {
		if !d.Removed[i].Compromised {
			d.Removed[i].Compromised, d.changed = true, true
		}
		return active, nil
	}
	if _, _, err := d.find(kid); err != nil {
		return "", err
	}
	at := d.now
	if kid != active {
		at = at.Add(d.config.Skew) // what the active key signs while this is being written has to count
	}
	var kept []signingItem
	for _, k := range d.Keys {
		if k.KID == kid || state(&k, active, d.now) == Pending {
			d.bury(k.KID, true)
		} else {
			kept = append(kept, k)
		}
	}
	d.Keys = kept
	return d.add(at)
}
