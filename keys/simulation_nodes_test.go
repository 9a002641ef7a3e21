package keys_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/writ-go/writ/keys"
)

// node issues tokens. Its ring is a real one.
type node struct {
	w    *world
	id   int
	ring *keys.Ring // nil: it is down
	off  time.Duration
	cut  bool   // from the vault
	busy bool   // it waits for its vault
	dies bool   // as soon as it hears from its vault
	held uint64 // the version that it has
}

func (n *node) clock() time.Time { return n.w.now.Add(n.off) }

func (n *node) drift() {
	if n.off = n.w.offset(); n.id == 0 {
		n.off += n.w.plan.ahead
	}
}

var errInjected, errCrash = errors.New("injected"), errors.New("the process dies here")

// guard runs what waits for the vault, in which the process may die.
func (n *node) guard(do func()) {
	if n.busy {
		return
	}
	n.busy = true
	defer func() {
		n.busy = false
		if e := recover(); e != nil && e != errCrash {
			panic(e)
		} else if e != nil {
			n.down()
		}
	}()
	do()
}

func (n *node) open() {
	switch w := n.w; {
	case n.ring != nil:
	case w.vault.behind: // a process that starts has nothing to compare an older document with
		w.after(time.Second, n.open)
	default:
		n.guard(func() {
			c := w.config
			c.Vault, c.Now = n, n.clock
			ring, err := keys.Open(context.Background(), c)
			if err == nil && !w.vault.behind {
				n.ring = ring
				return
			}
			if err != nil && !errors.Is(err, errInjected) && !errors.Is(err, keys.ErrConflict) {
				w.fault("node %d does not start: %v", n.id, err)
			}
			w.after(time.Second, n.open)
		})
	}
}

func (n *node) down() {
	n.ring, n.dies = nil, false
	n.w.counts["crashes"]++
	n.w.after(n.w.upTo(10*time.Minute), n.open)
}

func (n *node) crash() {
	switch {
	case n.ring == nil || n.w.vault.behind:
	case n.busy:
		n.dies = true
	default:
		n.down()
	}
}

func (n *node) cutOff() {
	if n.w.vault.behind {
		return
	}
	n.cut = true
	n.w.after(fleetStale/2+n.w.upTo(fleetStale), func() { n.cut = false })
}

func (n *node) step() {
	if n.ring == nil {
		return
	}
	n.guard(func() {
		_, err := n.ring.Step(context.Background())
		if err != nil && !errors.Is(err, errInjected) && !errors.Is(err, keys.ErrUnavailable) {
			n.w.fault("node %d: Step: %v", n.id, err)
		}
	})
}

// sign issues a token and has it shown at once, some time, and at the last moment.
func (n *node) sign() { n.issue(1) }

// issue has the token shown to so many verifiers.
func (n *node) issue(audience int) {
	w := n.w
	if n.ring == nil {
		return
	}
	k, err := n.ring.Signing()
	if n.ring.Ready() != nil {
		if err == nil {
			w.fault("node %d signs with a ring that is too old", n.id)
		}
		return
	}
	if err != nil {
		w.fault("node %d has no signing key: %v", n.id, err)
		return
	}
	n.inspect(k)
	lifetime := k.MaxTTL()
	if w.plan.lifetime > 0 {
		lifetime = w.plan.lifetime
	}
	t := &signedToken{kid: k.ID(), message: []byte(k.ID()), expires: n.clock().Truncate(time.Second).Add(lifetime)}
	if t.signature = w.signed[k.ID()]; t.signature == nil || w.oneIn(16) { // most tokens of a key say the same
		if t.signature, err = k.Sign(t.message); err != nil {
			w.fault("node %d: %v", n.id, err)
		}
		w.signed[k.ID()] = t.signature
	}
	w.counts["tokens"]++
	for _, i := range w.random.Perm(len(w.verifiers))[:audience] {
		v := w.verifiers[i]
		v.check(t)
		w.after(w.upTo(lifetime), func() { v.check(t) })
		w.after(t.expires.Add(fleetLeeway-time.Millisecond).Sub(v.clock()), func() { v.check(t) })
	}
	if w.oneIn(8) {
		n.authenticate()
	}
}

// inspect compares what the node signs with to what it says of itself.
func (n *node) inspect(k *keys.Private) {
	w := n.w
	var active []string
	for _, info := range n.ring.Timeline() {
		kid := info.Public.ID()
		if info.State == keys.Active {
			active = append(active, kid)
		}
		if at, ok := w.removed[kid]; ok && w.now.After(at.Add(fleetStale+fleetSkew)) {
			w.fault("node %d still has a key that was removed %v ago", n.id, w.now.Sub(at))
		}
	}
	if len(active) != 1 || active[0] != k.ID() {
		w.fault("node %d has %d active keys, and signs with another", n.id, len(active))
	}
	again, err := n.ring.Signing()
	if err != nil || again != k {
		w.fault("node %d signs with two keys", n.id)
	}
}

// authenticate makes what MAC and data keys are for, and has it looked at on another node, at once and
// later.
func (n *node) authenticate() {
	w := n.w
	if n.ring == nil || n.ring.Ready() != nil {
		return
	}
	mac, err := n.ring.SigningMAC()
	sealed, sealErr := n.ring.Seal([]byte("plain"), []byte("place"))
	if err != nil || sealErr != nil {
		w.fault("node %d: %v", n.id, errors.Join(err, sealErr))
		return
	}
	sum := sha256.Sum256(mac)
	look := func() {
		other := w.nodes[w.random.IntN(len(w.nodes))]
		if other.ring == nil || other.busy {
			return
		}
		other.guard(func() {
			if _, ok := other.ring.MAC([4]byte(sum[:4])); !ok {
				if err := other.ring.Refresh(context.Background()); err != nil {
					return
				}
			}
			w.counts["authenticated"]++
			if found, ok := other.ring.MAC([4]byte(sum[:4])); !ok || !bytes.Equal(found, mac) {
				w.fault("node %d lacks a MAC key", other.id)
			}
			if _, err := other.ring.Unseal(sealed, []byte("place")); err != nil && !errors.Is(err, keys.ErrUnavailable) {
				w.fault("node %d lacks a data key: %v", other.id, err)
			}
		})
	}
	w.after(0, look)
	w.after(w.upTo(fleetMACLife), look)
}

// serve is the key set, as a cache may keep it for maxAge.
func (n *node) serve() (kids map[string]*keys.Public, maxAge time.Duration, ok bool) {
	if n.ring == nil || n.ring.Ready() != nil || n.w.oneIn(50) {
		return nil, 0, false
	}
	kids = map[string]*keys.Public{}
	for _, p := range n.ring.Publics() {
		kids[p.ID()] = p
	}
	maxAge = setMaxAge
	if next := n.ring.NextChange(n.clock()); !next.IsZero() && n.w.oneIn(4) { // most know no better, which must do
		maxAge = max(time.Second, min(maxAge, next.Sub(n.clock())))
	}
	return kids, maxAge, true
}

// Load and Save are the vault as this node sees it.
func (n *node) Load(context.Context) ([]byte, uint64, error) {
	v, w := n.w.vault, n.w
	if w.oneIn(20) {
		w.pass(w.upTo(2 * time.Second))
	}
	n.mayDie(2000)
	if n.cut || v.behind && !v.witness(n) || w.oneIn(50) {
		return nil, 0, errInjected
	}
	n.held = v.version
	return v.doc, v.version, nil
}

func (n *node) Save(_ context.Context, doc []byte, ifVersion uint64) (uint64, error) {
	v, w := n.w.vault, n.w
	if w.oneIn(3) {
		w.pass(w.upTo(fleetSkew))
	}
	n.mayDie(50)
	if n.cut || v.behind && !v.witness(n) || w.oneIn(20) {
		return 0, errInjected
	}
	if v.version != ifVersion {
		w.counts["conflicts"]++
		return 0, keys.ErrConflict
	}
	v.put(doc)
	n.held = v.version
	if w.oneIn(3) {
		w.pass(w.upTo(fleetSkew))
	}
	n.mayDie(50)
	if w.oneIn(20) {
		return 0, errInjected
	}
	return n.held, nil
}

func (n *node) mayDie(odds int) {
	if n.w.vault.behind || len(n.w.vault.history) < 2 {
		return
	}
	if n.dies || n.w.oneIn(odds) {
		panic(errCrash)
	}
}

// fleetVault remembers what it held. While it is behind only nodes that know better reach it, which the
// package documentation asks for.
type fleetVault struct {
	w         *world
	doc       []byte
	version   uint64
	history   []copyOfVault
	behind    bool
	witnesses []*node
}

type copyOfVault struct {
	doc     []byte
	version uint64
}

func (v *fleetVault) witness(n *node) bool { return slices.Contains(v.witnesses, n) }

func (v *fleetVault) put(doc []byte) {
	v.doc, v.version, v.behind = doc, v.w.random.Uint64()|1, false
	v.history = append(v.history, copyOfVault{v.doc, v.version})
	v.w.read(doc)
}

// read notes what a new document says.
func (w *world) read(doc []byte) {
	var d struct {
		Ring struct {
			Keys, MAC []struct {
				KID        string
				ActivateAt time.Time `json:"activate_at"`
			}
			Removed []struct {
				KID         string
				Compromised bool
			}
		}
	}
	check(w.t, json.Unmarshal(doc, &d))
	suddenly := w.counts["documents"] == 0 // the first key, and one that replaces another, are not known before
	for _, k := range d.Ring.Removed {
		if _, seen := w.compromised[k.KID]; k.Compromised && !seen {
			suddenly = true
		}
	}
	for _, k := range d.Ring.Keys {
		if _, ok := w.removed[k.KID]; ok {
			w.fault("a removed key came back")
		}
		if seen := w.takesOver[k.KID]; !seen.Equal(k.ActivateAt) {
			w.takesOver[k.KID] = k.ActivateAt
			if seen.IsZero() && suddenly {
				w.emergency[k.KID] = w.now
			}
			w.watch(k.ActivateAt, func(n *node) { n.issue(len(w.verifiers)) })
		}
	}
	for _, k := range d.Ring.MAC {
		if !w.takesOver[k.KID].Equal(k.ActivateAt) {
			w.takesOver[k.KID] = k.ActivateAt
			w.watch(k.ActivateAt, (*node).authenticate)
		}
	}
	for _, k := range d.Ring.Removed {
		if _, seen := w.removed[k.KID]; !seen {
			w.removed[k.KID] = w.now
		}
		if _, seen := w.compromised[k.KID]; !seen && k.Compromised {
			w.compromised[k.KID] = w.now
		}
	}
	w.counts["documents"]++
}

// watch has every node do what it does with a key, by its own clock, just before and when it takes over.
func (w *world) watch(at time.Time, do func(*node)) {
	for _, n := range w.nodes {
		for _, around := range []time.Duration{-time.Millisecond, time.Millisecond} {
			if d := at.Add(around).Sub(n.clock()); d > 0 {
				w.after(d, func() { do(n) })
			}
		}
	}
}

// regress puts the vault back to an older copy, while some node has the newest.
func (w *world) regress() {
	v := w.vault
	v.witnesses = nil
	for _, n := range w.nodes {
		if n.ring != nil && !n.cut && !n.dies && n.held == v.version && n.ring.Ready() == nil {
			v.witnesses = append(v.witnesses, n)
		}
	}
	if v.behind || len(v.witnesses) == 0 || len(v.history) < 2 {
		return
	}
	back := 1 + w.random.IntN(min(12, len(v.history)-1))
	to := v.history[len(v.history)-1-back]
	v.doc, v.version, v.behind = to.doc, to.version, true
	w.counts["regressions"]++
	if w.plan.forgetful {
		v.behind = false
		for _, n := range w.nodes {
			n.crash()
		}
	}
}

// replace is an emergency, with an operator who goes on until it is over.
func (w *world) replace() {
	n := w.nodes[w.random.IntN(len(w.nodes))]
	if n.ring == nil || n.busy || w.vault.behind {
		w.after(time.Second, w.replace)
		return
	}
	list := n.ring.Timeline()
	kid := list[w.random.IntN(len(list))].Public.ID()
	w.counts["emergencies"]++
	var try func()
	try = func() {
		n := w.nodes[w.random.IntN(len(w.nodes))]
		err := errInjected
		if n.ring != nil && !n.busy {
			n.guard(func() { _, err = n.ring.Replace(context.Background(), kid) })
		}
		if err != nil && !errors.Is(err, keys.ErrUnknown) {
			w.after(time.Second, try)
		}
	}
	try()
}

// operate is an operator who does what is allowed.
func (w *world) operate() {
	n := w.nodes[w.random.IntN(len(w.nodes))]
	if n.ring == nil || n.busy {
		return
	}
	n.guard(func() {
		ctx := context.Background()
		list := n.ring.Timeline()
		kid := list[w.random.IntN(len(list))].Public.ID()
		switch w.random.IntN(4) {
		case 0:
			n.ring.Stage(ctx)
		case 1:
			n.ring.Promote(ctx, kid)
		case 2:
			n.ring.Retire(ctx, kid)
		case 3:
			n.ring.Prune(ctx)
		}
	})
}

// misbehave lets the plan's rogue change the document.
func (w *world) misbehave() {
	var d object
	if w.vault.doc == nil {
		return
	}
	check(w.t, json.Unmarshal(w.vault.doc, &d))
	if w.plan.rogue(w, d["ring"].(object)) {
		doc, err := json.Marshal(d)
		check(w.t, err)
		w.vault.put(doc)
	}
}
