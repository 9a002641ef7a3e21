package keys

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestWhateverHappensARingSignsAndForgetsNothingTooEarly lets many random rings live: with steps at
// random times, operators, emergencies, and nodes that put older and divergent copies together.
func TestWhateverHappensARingSignsAndForgetsNothingTooEarly(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	if text := os.Getenv("WRIT_RINGS_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("WRIT_RINGS_SEED=%d", seed)
	for life := range 100 {
		l := &ringLife{T: t, random: rand.New(rand.NewPCG(seed, uint64(life))), now: epoch, kids: new(fixed)}
		l.config = l.randomConfig()
		l.ring = ringOfKeys(key("first", 0))
		l.copies = []content{l.ring}
		for range 60 {
			l.event()
		}
		if t.Failed() {
			t.Fatalf("life %d of WRIT_RINGS_SEED=%d", life, seed)
		}
	}
}

type ringLife struct {
	*testing.T
	random *rand.Rand
	config Config
	now    time.Time
	kids   *fixed
	ring   content
	copies []content
}

func (l *ringLife) upTo(d time.Duration) time.Duration {
	return time.Duration(l.random.Int64N(int64(d) + 1)).Truncate(time.Millisecond)
}

func (l *ringLife) randomConfig() Config {
	c := testConfig(l)
	c.Skew = time.Second + l.upTo(59*time.Second)
	c.MaxStale = c.Skew + l.upTo(time.Hour-c.Skew)
	c.Propagation = time.Second + l.upTo(7*day)
	c.Leeway = l.upTo(time.Minute)
	c.Period = 2*c.lead() + l.upTo(60*day)
	c.MACPeriod = 2*c.secretLead() + l.upTo(60*day)
	c.MACLife = l.upTo(400 * day)
	if l.random.IntN(4) == 0 {
		c.Period = -1
	}
	c, err := c.withDefaults()
	if err != nil {
		l.Fatal(err)
	}
	return c
}

// event is one thing that happens, some time later.
func (l *ringLife) event() {
	switch l.random.IntN(3) {
	case 0:
		l.now = l.now.Add(l.upTo(time.Minute))
	case 1:
		l.now = l.now.Add(l.upTo(l.config.lead()))
	case 2:
		l.now = l.now.Add(l.upTo(40 * day))
	}
	held := l.ring
	some := held.Keys[l.random.IntN(len(held.Keys))].KID
	switch l.random.IntN(8) {
	case 0:
		l.change(held, "Replace", func(d *draft) error { _, err := d.replace(some); return err })
	case 1:
		l.change(held, "Stage", func(d *draft) error { _, err := d.stage(); return err })
	case 2:
		l.change(held, "Promote", func(d *draft) error { d.promote(some); return nil })
	case 3:
		l.change(held, "Retire", func(d *draft) error { d.retire(some); return nil })
	case 4: // the vault goes back to any older copy, and may go on from there before someone remembers
		stored := l.copies[l.random.IntN(len(l.copies))]
		if l.random.IntN(2) == 0 {
			stored = l.step(stored)
		}
		l.merge(held, stored)
	default:
		l.ring = l.step(held)
	}
	l.copies = append(l.copies, l.ring)
}

func (l *ringLife) step(old content) content {
	d := l.config.draft(old, l.now, l.kids)
	if err := d.step(); err != nil {
		l.Fatal(err)
	}
	again := l.config.draft(d.content, l.now, l.kids)
	if again.step(); again.changed {
		l.Errorf("the same step again changes %s to %s", text(d.content), text(again.content))
	}
	return l.written(d, "step")
}

func (l *ringLife) change(old content, name string, do func(*draft) error) {
	d := l.config.draft(old, l.now, l.kids)
	if err := do(d); err != nil {
		l.Errorf("%s: %v", name, err)
	}
	l.ring = l.written(d, name)
}

// written is the new document, if it may follow the old one.
func (l *ringLife) written(d *draft, name string) content {
	old := d.before
	if !d.changed {
		return old
	}
	next := d.finish()
	l.sound(next, name)
	if !next.UpdatedAt.After(old.UpdatedAt) {
		l.Errorf("%s: a new document has an old date", name)
	}
	for i, k := range old.Keys {
		j := slices.IndexFunc(next.Keys, func(n signingItem) bool { return n.KID == k.KID })
		retired := retireAt(old.Keys, i)
		if j < 0 {
			at := slices.IndexFunc(next.Removed, func(t tombstone) bool { return t.KID == k.KID })
			if at < 0 {
				l.Fatalf("%s: key %s vanished from %s", name, k.KID, text(next))
			}
			if !next.Removed[at].Compromised && (retired.IsZero() || d.now.Before(l.config.removeAt(&k, retired))) {
				l.Errorf("%s: key %s was removed too early, %v after the epoch, from %s", name, k.KID, d.now.Sub(epoch), text(old))
			}
			continue
		}
		if k.hasPrivate() && !next.Keys[j].hasPrivate() && (retired.IsZero() || d.now.Before(l.config.wipeAt(retired))) {
			l.Errorf("%s: key %s was wiped too early, %v after the epoch, in %s", name, k.KID, d.now.Sub(epoch), text(old))
		}
	}
	for _, k := range next.Keys {
		published := slices.ContainsFunc(old.Keys, func(o signingItem) bool { return o.KID == k.KID })
		if lead := k.ActivateAt.Sub(k.CreatedAt); !published && name != "Replace" && lead < l.config.lead() {
			l.Errorf("%s: a new key signs after %v, want at least %v", name, lead, l.config.lead())
		}
	}
	for _, pair := range [][2][]item{{old.MAC, next.MAC}, {old.Data, next.Data}} {
		for i, k := range pair[0] {
			gone := find(pair[1], k.KID) < 0
			if retired := retireAt(pair[0], i); gone && (retired.IsZero() || d.now.Before(l.config.secretRemoveAt(retired))) {
				l.Errorf("%s: key %s was removed too early", name, k.KID)
			}
		}
	}
	return next
}

// sound is what every document must be.
func (l *ringLife) sound(c content, name string) {
	i := current(c.Keys, l.now)
	if i < 0 || len(c.MAC) == 0 || len(c.Data) == 0 {
		l.Fatalf("%s: nothing signs: %s", name, text(c))
	}
	seen := map[string]bool{}
	for _, kid := range kidsOf(c) {
		if seen[kid] {
			l.Fatalf("%s: %s stands twice in %s", name, kid, text(c))
		}
		seen[kid] = true
	}
}

func kidsOf(c content) (kids []string) {
	for _, k := range c.Keys {
		kids = append(kids, k.KID)
	}
	for _, k := range slices.Concat(c.MAC, c.Data) {
		kids = append(kids, k.KID)
	}
	for _, t := range c.Removed {
		kids = append(kids, t.KID)
	}
	return kids
}

// merge puts together what a node holds and what is stored, and checks that nothing is lost and that
// nothing is left to put together.
func (l *ringLife) merge(held, stored content) {
	union, lost := l.config.merge(held, stored, l.now)
	l.sound(union, "merge")
	written := later(held.UpdatedAt, stored.UpdatedAt)
	for _, kid := range slices.Concat(kidsOf(held), kidsOf(stored)) {
		if slices.ContainsFunc(slices.Concat(held.Removed, stored.Removed), func(t tombstone) bool {
			return t.KID == kid && !t.Compromised && t.old(written)
		}) {
			continue // it may be forgotten
		}
		if !slices.Contains(kidsOf(union), kid) {
			l.Errorf("merge: %s was lost from %s and %s", kid, text(held), text(stored))
		}
	}
	for _, c := range []content{held, stored} {
		for _, gone := range c.Removed {
			back := slices.IndexFunc(union.Keys, func(k signingItem) bool { return k.KID == gone.KID })
			if back >= 0 && (gone.Compromised || current(slices.Delete(slices.Clone(union.Keys), back, back+1), l.now) >= 0) {
				l.Errorf("merge: %s came back", gone.KID) // and others could sign
			}
		}
		for _, k := range c.Keys {
			if i := slices.IndexFunc(union.Keys, func(u signingItem) bool { return u.KID == k.KID }); i >= 0 && !k.hasPrivate() && union.Keys[i].hasPrivate() {
				l.Errorf("merge: the private half of %s came back", k.KID)
			}
		}
	}
	// A key that not everybody may know does not sign, unless there is no other.
	if i := current(union.Keys, l.now); !union.Keys[i].ActivateAt.After(l.now) {
		kid := union.Keys[i].KID
		known := slices.ContainsFunc(stored.Keys, func(k signingItem) bool { return k.KID == kid })
		if j := current(stored.Keys, l.now); !known && slices.ContainsFunc(union.Keys, func(k signingItem) bool {
			return k.KID == stored.Keys[j].KID && k.hasPrivate() && !k.ActivateAt.After(l.now)
		}) {
			l.Errorf("merge: %s signs, though %s could: %s and %s", kid, stored.Keys[j].KID, text(held), text(stored))
		}
	}
	next := union
	if lost {
		next.UpdatedAt = later(l.now, written.Add(time.Millisecond))
	}
	for name, c := range map[string]content{"who held the newer": held, "who held the stored": stored, "who wrote": union} {
		if _, lost := l.config.merge(c, next, l.now); lost {
			l.Errorf("merge: %s puts it together again: %s and %s", name, text(c), text(next))
		}
	}
	l.ring = next
}
