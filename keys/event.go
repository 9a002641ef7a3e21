package keys

import (
	"slices"
	"time"
)

// RingEvent is something that happened to a ring, for Config.Observe: logs, metrics, alarms. It holds
// nothing secret.
type RingEvent struct {
	Kind RingEventKind
	At   time.Time // by this node's clock
	Use  string    // what the key is for: "sig", "mac" or "data"; empty if it is about the whole ring
	KID  string    // empty if it is about the whole ring
	Ref  string    // what the Custodian calls the key, if one keeps it
	Err  error     // why, of RingFailed
}

// RingEventKind says what happened.
type RingEventKind string

// Every node reports what it learns of each key, whichever node did it. What concerns the whole ring
// is reported by the node that does it.
const (
	KeyStaged     RingEventKind = "staged"    // published, to sign later
	KeyActivated  RingEventKind = "activated" // it is the one that signs now
	KeyRetired    RingEventKind = "retired"   // it only verifies now
	KeyWiped      RingEventKind = "wiped"     // its private half left the ring
	KeyRemoved    RingEventKind = "removed"   // it left the ring, its time being over
	KeyReplaced   RingEventKind = "replaced"  // it left the ring because it is compromised
	RingMerged    RingEventKind = "merged"    // the vault had gone back, and lacked what this node holds
	RingRewrapped RingEventKind = "rewrapped" // everything is under the Wrapper's current key now
	RingFailed    RingEventKind = "failed"    // the ring could not be read or stepped; told once until it is another error
)

// adopt replaces the state, for who holds the turn, and returns what there is to tell of it.
func (r *Ring) adopt(next *keyring, synced time.Time, err error) []RingEvent {
	held := r.state.Load()
	active := next.active(r.config.Now())
	r.state.Store(&ringState{next, synced, err, active})
	var events []RingEvent
	tell := func(kind RingEventKind, use string, i item) {
		events = append(events, RingEvent{Kind: kind, Use: use, KID: i.KID, Ref: i.Ref})
	}
	if next.unsaved && next.version != held.version {
		tell(RingMerged, "", item{})
	}
	for n, use := range uses {
		before, after := held.items(n), next.items(n)
		for _, i := range after {
			j := find(before, i.KID)
			if j < 0 && i.KID != active[n] {
				tell(KeyStaged, use, i)
			}
			if i.KID == active[n] && i.KID != held.active[n] {
				tell(KeyActivated, use, i)
			}
			if i.KID != active[n] && i.KID == held.active[n] {
				tell(KeyRetired, use, i)
			}
			if j >= 0 && before[j].hasPrivate() && !i.hasPrivate() {
				tell(KeyWiped, use, before[j])
			}
		}
		for _, i := range before {
			if find(after, i.KID) >= 0 {
				continue
			}
			kind := KeyRemoved
			if slices.ContainsFunc(next.Removed, func(t tombstone) bool { return t.KID == i.KID && t.Compromised }) {
				kind = KeyReplaced
			}
			tell(kind, use, i)
		}
	}
	return events
}

// uses are what keys are for, in the order of keyring.items.
var uses = [3]string{"sig", "mac", "data"}

func (k *keyring) items(use int) []item {
	switch use {
	case 0:
		list := make([]item, len(k.Keys))
		for i := range k.Keys {
			list[i] = k.Keys[i].item
		}
		return list
	case 1:
		return k.MAC
	default:
		return k.Data
	}
}

// active are the kids of what signs at now, by use. A ring of an early version has no data key.
func (k *keyring) active(now time.Time) [3]string {
	kids := [3]string{k.signers[current(k.signers, now)].KID, k.macs[current(k.macs, now)].KID}
	if i := current(k.data, now); i >= 0 {
		kids[2] = k.data[i].KID
	}
	return kids
}

func (r *Ring) observe(events ...RingEvent) {
	if r.config.Observe == nil || len(events) == 0 {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	for _, e := range events {
		e.At = r.config.Now()
		r.config.Observe(e)
	}
}
