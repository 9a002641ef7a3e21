package keys_test

import (
	"time"

	"github.com/writ-go/writ/keys"
)

type signedToken struct {
	kid                string
	message, signature []byte
	expires            time.Time
}

// edge is a cache that does what HTTP lets it, and a little worse: it serves what is stale for
// cacheSlack.
type edge struct {
	w      *world
	kids   map[string]*keys.Public
	made   time.Time
	maxAge time.Duration
}

func (e *edge) get() (kids map[string]*keys.Public, age, maxAge time.Duration, ok bool) {
	w := e.w
	age = w.now.Sub(e.made)
	if e.kids != nil && age < e.maxAge+cacheSlack {
		return e.kids, age, e.maxAge, true
	}
	for range 3 {
		if kids, maxAge, ok := w.nodes[w.random.IntN(len(w.nodes))].serve(); ok {
			e.kids, e.made, e.maxAge = kids, w.now, maxAge
			return kids, 0, maxAge, true
		}
	}
	return nil, 0, 0, false
}

// verifier keeps a copy of the key set, and asks for another only when it looks and its copy is stale.
// It never asks because of a kid that it does not know, which would hide what is too early.
type verifier struct {
	w      *world
	edge   *edge
	off    time.Duration
	kids   map[string]*keys.Public
	made   time.Time // by its own clock
	maxAge time.Duration
}

func (v *verifier) clock() time.Time { return v.w.now.Add(v.off) }

func (v *verifier) drift() {
	old := v.off
	v.off = v.w.offset()
	v.made = v.made.Add(v.off - old) // ages do not depend on the wall clock
}

func (v *verifier) keepLooking() {
	v.look()
	v.w.after(refreshing, v.keepLooking)
}

func (v *verifier) look() {
	if v.kids == nil || v.clock().Sub(v.made) >= v.maxAge {
		v.fetch()
	}
	for kid := range v.kids {
		if at, ok := v.w.removed[kid]; ok && v.current() && v.w.now.After(at.Add(fleetStale+propagates+2*fleetSkew)) {
			v.w.fault("a verifier accepts a key that was removed %v ago", v.w.now.Sub(at))
		}
	}
}

func (v *verifier) fetch() {
	kids, age, maxAge, ok := v.edge.get()
	if !ok {
		v.w.after(10*time.Second, v.look)
		return
	}
	v.kids, v.made, v.maxAge = kids, v.clock().Add(-age), maxAge
}

// current is false for a verifier that has not been able to refresh its copy. It answers 503.
func (v *verifier) current() bool { return v.kids != nil && v.clock().Sub(v.made) <= propagates }

func (v *verifier) check(t *signedToken) {
	w := v.w
	if !v.clock().Before(t.expires.Add(fleetLeeway)) || !v.current() {
		return
	}
	key := v.kids[t.kid]
	if key == nil {
		at, suddenly := w.emergency[t.kid]
		if _, ok := w.compromised[t.kid]; !ok && (!suddenly || w.now.After(at.Add(fleetLead))) {
			w.fault("a valid token is refused: its key is unknown (expires in %v)", t.expires.Sub(v.clock()))
		}
		return
	}
	w.counts["accepted"]++
	if w.oneIn(16) && key.Verify(t.message, t.signature) != nil {
		w.fault("a signature does not verify")
	}
}
