package keys

import (
	"errors"
	"regexp"
	"slices"
	"time"
)

// tombstone keeps a removed key from coming back with an older document.
type tombstone struct {
	KID         string    `json:"kid"`
	RemovedAt   time.Time `json:"removed_at"`
	Compromised bool      `json:"compromised,omitzero"`
}

// A key that was removed in time is kept out for forgetAfter, and as one of the last maxRemovals: a
// document has its limit, and a copy that is older has no key in it of which a token is still good. A
// compromised one is kept out for good.
const (
	forgetAfter = 400 * day
	maxRemovals = 1000
)

// validKID is a thumbprint, or what stands for a MAC or data key.
var validKID = regexp.MustCompile(`^([A-Za-z0-9_-]{43}|[0-9a-f]{8})$`)

func (t *tombstone) check() error {
	switch {
	case t.RemovedAt.IsZero():
		return errors.New("it lacks a date")
	case !validKID.MatchString(t.KID):
		return errors.New("its kid is none")
	}
	return nil
}

func (t *tombstone) old(now time.Time) bool { return now.Sub(t.RemovedAt) > forgetAfter }

// oldestRemoval is the date before which a list, which is in order, has forgotten removals if it is
// full.
func oldestRemoval(list []tombstone) (oldest time.Time, full bool) {
	n := 0
	for _, t := range slices.Backward(list) {
		if !t.Compromised {
			n, oldest = n+1, t.RemovedAt
		}
		if n == maxRemovals {
			return oldest, true
		}
	}
	return oldest, false
}

func (d *draft) bury(kid string, compromised bool) {
	d.Removed = append(d.Removed, tombstone{kid, d.now, compromised})
	d.changed = true
}

func (d *draft) forget() {
	d.content = d.sorted()
	oldest, full := oldestRemoval(d.Removed)
	n := len(d.Removed)
	d.Removed = slices.DeleteFunc(d.Removed, func(t tombstone) bool {
		return !t.Compromised && (t.old(d.now) || full && t.RemovedAt.Before(oldest))
	})
	d.changed = d.changed || len(d.Removed) < n
}

// Removal says that a key has left the ring.
type Removal struct {
	KID         string    // of a MAC or data key it has 8 characters
	At          time.Time // by the clock of the node that removed it
	Compromised bool      // by Replace: whatever the key signed is worth nothing
}

// Removed is every key that has left the ring, in order of removal: the compromised ones for good, of
// the others the last 1000, for 400 days.
func (r *Ring) Removed() []Removal {
	s := r.state.Load()
	if s == nil {
		return nil
	}
	return s.removals()
}

func (c *content) removals() []Removal {
	var list []Removal
	for _, t := range c.Removed {
		list = append(list, Removal{t.KID, t.RemovedAt, t.Compromised})
	}
	return list
}
