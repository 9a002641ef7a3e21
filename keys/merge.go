package keys

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// merge puts a document that has gone back together with what a node holds. It returns the union of
// their keys, and false if that is what is stored anyway: nothing was lost. Removals win, so does the
// lack of a private half, and otherwise the later document.
//
// A key that comes back counts as published anew at now: nodes that have started meanwhile did not have
// it, so that not every verifier needs to know it any more. Until it may sign again, the key does that
// the stored document names. If that one cannot, what the node signs with goes on.
func (c *Config) merge(held, stored content, now time.Time) (content, bool) {
	m := merger{written: later(held.UpdatedAt, stored.UpdatedAt), heldIsLater: held.UpdatedAt.After(stored.UpdatedAt)}
	m.now = later(now.UTC().Truncate(time.Millisecond), m.written)
	out := stored
	if m.heldIsLater {
		out = held
	}
	out.Removed = m.removed(held, stored)
	out.Keys = mergeItems(&m, held.Keys, stored.Keys, func(k *signingItem) *item { return &k.item }, c.lead())
	itself := func(i *item) *item { return i }
	out.MAC = mergeItems(&m, held.MAC, stored.MAC, itself, c.secretLead())
	out.Data = mergeItems(&m, held.Data, stored.Data, itself, c.secretLead())
	out.Removed = slices.DeleteFunc(out.Removed, func(t tombstone) bool { return !m.gone[t.KID] })
	out = out.sorted()
	return out, !out.says(stored)
}

type merger struct {
	now         time.Time
	written     time.Time // the later document's date
	heldIsLater bool
	gone        map[string]bool // the kids of all tombstones
	compromised map[string]bool // of those that are
}

// removed leaves out what the stored document may have forgotten.
func (m *merger) removed(held, stored content) []tombstone {
	out := slices.Clone(stored.Removed)
	place := map[string]int{}
	for i, t := range out {
		place[t.KID] = i
	}
	oldest, full := oldestRemoval(stored.Removed)
	for _, t := range held.Removed {
		i, ok := place[t.KID]
		switch {
		case ok:
			out[i].Compromised = out[i].Compromised || t.Compromised
		case t.Compromised, stored.has(t.KID), !t.old(m.written) && !(full && t.RemovedAt.Before(oldest)):
			out = append(out, t)
		}
	}
	m.gone, m.compromised = map[string]bool{}, map[string]bool{}
	for _, t := range out {
		m.gone[t.KID], m.compromised[t.KID] = true, t.Compromised
	}
	return out
}

// mergeItems takes lists in order of activation. Keys that come back keep their order: it says who
// retires when.
func mergeItems[T timed](m *merger, held, stored []T, of func(*T) *item, lead time.Duration) []T {
	at := func(list []T, kid string) int {
		return slices.IndexFunc(list, func(k T) bool { return of(&k).KID == kid })
	}
	var both, back []T
	for _, k := range stored {
		if j := at(held, of(&k).KID); j >= 0 {
			wiped := !k.hasPrivate() || !held[j].hasPrivate()
			if m.heldIsLater {
				k = held[j]
			}
			if wiped {
				*of(&k) = of(&k).wiped()
			}
		}
		both = append(both, k)
	}
	for _, k := range held {
		if at(stored, of(&k).KID) < 0 {
			back = append(back, k)
		}
	}
	var all []item
	for _, k := range slices.Concat(both, back) {
		all = append(all, *of(&k))
	}
	m.spareOne(all)
	isGone := func(k T) bool { return m.gone[of(&k).KID] }
	both, back = slices.DeleteFunc(both, isGone), slices.DeleteFunc(back, isGone)
	slices.SortFunc(both, func(a, b T) int { return compareItems(of(&a), of(&b)) })
	keep := time.Time{}
	if signs := current(both, m.now); signs < 0 || both[signs].activateAt().After(m.now) {
		if signs = current(held, m.now); signs >= 0 {
			keep = held[signs].activateAt()
		}
	}
	from := m.now.Add(lead)
	for _, k := range back {
		if i := of(&k); i.ActivateAt.After(keep) {
			i.CreatedAt, i.ActivateAt = m.now, later(i.ActivateAt, from)
			from = i.ActivateAt.Add(time.Millisecond)
		}
		both = append(both, k)
	}
	return both
}

// spareOne spares a key if none would be left to sign: two documents that went different ways may each
// have removed what the other kept. It is the one that was published last, whoever asks, or nodes would
// not agree. A compromised one is never spared.
func (m *merger) spareOne(items []item) {
	var best item
	for _, i := range items {
		switch {
		case !i.hasPrivate():
		case !m.gone[i.KID]:
			return
		case !m.compromised[i.KID] && cmp.Or(i.CreatedAt.Compare(best.CreatedAt), cmp.Compare(i.KID, best.KID)) > 0:
			best = i
		}
	}
	delete(m.gone, best.KID)
}

// says reports whether c is b but for its date: of itself that is no loss.
func (c content) says(b content) bool {
	c, b = c.sorted(), b.sorted()
	c.UpdatedAt = b.UpdatedAt
	one, err := json.Marshal(c)
	other, otherErr := json.Marshal(b)
	return err == nil && otherErr == nil && bytes.Equal(one, other)
}
