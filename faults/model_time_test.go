package faults_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// wait lets time pass, often to where something is about to change. A node that has not followed the
// log for too long is mostly opened again.
func (m *machine) wait(r *rapid.T) {
	var d time.Duration
	if rapid.Bool().Draw(r, "to a boundary") {
		s := m.lively(r, m.sittings)
		l := s.line
		to := rapid.SampledFrom([]time.Time{
			l.handed.Add(l.window), l.began.Add(l.window), l.seen.Add(l.window), l.began.Add(l.recovery),
			l.handed.Add(m.access).Add(modelSkew), l.idle, l.handed.Add(l.window), l.abs,
		}).Draw(r, "boundary")
		d = to.Sub(m.now(m.host(r)))
		if d < 0 || d > 401*modelDay {
			r.SkipNow()
		}
		d -= rapid.SampledFrom([]time.Duration{0, 1, time.Microsecond, time.Second}).Draw(r, "before")
	} else {
		d = rapid.SampledFrom([]time.Duration{
			time.Second, 8 * time.Second, 40 * time.Second, modelWindow, modelWindow + modelSkew, time.Millisecond, 2 * modelWindow,
			m.access / 2, m.access, m.stale, m.recovery / 2, m.recovery, m.idle / 2, m.idle, m.absolute / 3,
		}).Draw(r, "duration")
	}
	if d < 0 {
		r.SkipNow()
	}
	m.pass(r, d)
}

// pass lets time pass.
func (m *machine) pass(r *rapid.T, d time.Duration) {
	m.base = m.base.Add(d)
	r.Logf("wait %v", d)
	for _, h := range m.hosts {
		if (m.listStale(h) || m.ringStale(h)) && !chance(r, "stays stale", 8) {
			r.Logf("%s is opened again", h.name)
			m.open(r, h)
		}
	}
}

// crash ends a node without ceremony, and opens another on the same data.
func (m *machine) crash(r *rapid.T) {
	h := m.host(r)
	r.Logf("%s crashes", h.name)
	if !m.inMemory() {
		if err := h.store.Close(); err != nil {
			r.Fatalf("closing the store: %v", err)
		}
		alive := slices.DeleteFunc(m.holding(), func(s *sitting) bool { return !m.alive(s, h) })
		if len(alive) > 0 {
			_, err := h.m.Refresh(context.Background(), alive[0].given[0].raw, token.Client{ID: alive[0].client})
			expect(r, "a refresh on a node without a store", err, "unavailable")
		}
	}
	m.open(r, h)
}

// follow runs a node until it has all of the log, and opens it again then.
func (m *machine) follow(r *rapid.T) {
	h := m.host(r)
	if m.ringStale(h) || m.listStale(h) {
		r.SkipNow()
	}
	m.doFollow(r, h, func() bool { return true })
	// What this node wrote more than half an hour before may have been removed before it was told of it.
	// Then it gives an alarm for nothing.
	if swept := m.swept.Sub(h.opened) > 30*time.Minute; !swept && slices.Contains(h.events, writ.Regressed) {
		r.Fatalf("%s says that the store has lost something", h.name)
	}
	m.check(r)
	m.open(r, h)
}

// doFollow runs a node until it has all of the log, and done says so.
func (m *machine) doFollow(r *rapid.T, h *host, done func() bool) {
	r.Logf("%s follows the log", h.name)
	if _, err := m.keyRing(r).Step(context.Background()); err != nil { // or how far Run gets would be chance
		r.Fatalf("the key ring: %v", err)
	}
	m.keySteps++
	canary, err := h.m.Start(context.Background(), writ.Login{Anonymous: true})
	expect(r, "a sign-in", err, "nil")
	err = m.other(h).store.Store.Append(context.Background(), revocation.Entry{
		Kind: revocation.Session, ID: canary.SessionID, Before: revocation.Ended, Expires: m.base.Add(2 * modelDay),
	})
	if err != nil {
		r.Fatalf("the log: %v", err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	h.events = nil
	h.store.begin(nil, "", nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.m.Run(ctx) // its error is that ctx ended
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for err = nil; (!errors.Is(err, token.ErrRevoked) || !done()) && ctx.Err() == nil; {
		<-tick.C
		_, err = h.m.Verify(ctx, canary.Access)
	}
	late := ctx.Err() != nil
	stop()
	<-ended
	if late {
		r.Fatalf("%s did not follow the log: %v", h.name, err)
	}
	h.listed, h.ring, h.keySteps = m.now(h), m.now(h), m.keySteps
	m.hears(h)
}

// purge removes what has expired.
func (m *machine) purge(r *rapid.T) {
	for _, s := range m.sittings {
		if d := m.base.Sub(s.line.abs); d > -time.Second && d < time.Second {
			r.SkipNow()
		}
	}
	h := m.host(r)
	r.Logf("purge")
	m.swept = m.base
	more, err := true, error(nil)
	for range 100 {
		if more, err = h.store.Store.Purge(context.Background(), m.base); !more || err != nil {
			break
		}
	}
	if more || err != nil {
		r.Fatalf("purging: more: %t, %v", more, err)
	}
	for _, s := range m.sittings {
		s.purged = s.purged || m.base.After(s.line.abs)
	}
}

// stepKeys is what a node does now and then, and an operator by hand. No client sees it, but for the
// tokens under a key that was stolen.
func (m *machine) stepKeys(r *rapid.T) {
	ring, ctx := m.keyRing(r), context.Background()
	active, err := ring.Signing()
	if err != nil {
		r.Fatalf("the key ring: %v", err)
	}
	what := rapid.SampledFrom([]string{"step", "step", "stage", "retire", "rewrap", "replace"}).Draw(r, "keys")
	r.Logf("keys: %s", what)
	m.keySteps++
	switch what {
	case "step":
		_, err = ring.Step(ctx)
	case "stage":
		_, err = ring.Stage(ctx)
	case "retire":
		err = ring.Retire(ctx, active.ID())
	case "rewrap":
		_, err = ring.Rewrap(ctx)
	case "replace":
		if _, err = ring.Replace(ctx, active.ID()); err == nil {
			m.replaced(r, active.ID())
		}
	}
	if err != nil {
		r.Fatalf("the key ring: %s: %v", what, err)
	}
}

// replaced wants the tokens under a stolen key to be refused by every node that has read the ring.
func (m *machine) replaced(r *rapid.T, kid string) {
	h := m.host(r)
	m.open(r, m.other(h))
	canary, err := m.other(h).m.Start(context.Background(), writ.Login{Anonymous: true})
	expect(r, "a sign-in under a new key", err, "nil")
	switch revoke := rapid.Bool().Draw(r, "revoke"); {
	case m.ringStale(h), m.listStale(h):
	case revoke:
		err = h.m.Revoke(context.Background(), canary.Access)
	default:
		_, err = h.m.Verify(context.Background(), canary.Access)
	}
	expect(r, "a token under a key that the node has not read", err, "nil")
	m.open(r, h)
	under := func(a *accessToken) bool { return a.seen == nil || a.seen.KeyID() == kid }
	seen := 0
	for _, a := range m.tokens {
		if a.seen == nil || !under(a) {
			continue
		}
		if seen++; seen > 3 { // each makes a node read its ring, which strangers may not do often
			break
		}
		for _, h := range m.hosts {
			_, err := h.m.Verify(context.Background(), a.raw)
			expect(r, "a token under a stolen key", err, "invalid")
		}
	}
	m.tokens = slices.DeleteFunc(m.tokens, under)
}
