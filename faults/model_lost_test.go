package faults_test

import (
	"context"
	"slices"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// lose lets the store acknowledge what ends sessions, and lose it, as a failover does. The node that did it
// holds to it. The other may not know, and goes on. Then the first follows the log, and gives back what was
// lost.
func (m *machine) lose(r *rapid.T) {
	h := m.host(r)
	s := m.lively(r, m.known())
	if m.ringStale(h) || m.listStale(h) || !m.alive(s, h) {
		r.SkipNow()
	}
	what := rapid.SampledFrom([]string{"end", "end all", "end others", "must refresh"}).Draw(r, "what is lost")
	var a *accessToken
	if what == "end others" {
		a = pick(r, "access token", slices.DeleteFunc(newest(m.tokens, 12), func(a *accessToken) bool {
			return a.of != s || a.seen == nil || m.foreseeOthers(h, s, a, "") != verdictRotate
		}))
	}
	if s.nobody && what != "must refresh" {
		what = "end" // it has no others
	}
	r.Logf("%s: %s, of session %d, is acknowledged and lost", h.name, what, s.number)
	var gone []*sitting // that were alive, and end by name
	for _, other := range m.sittings {
		if other.subject == s.subject && m.alive(other, h) && (what == "end all" || what == "end others" && other != s) {
			gone = append(gone, other)
		}
	}
	f := &mishap{call: "Save", nth: 1, when: noWork}
	switch what {
	case "end":
		gone = []*sitting{s}
	case "end all":
		f.call = "Append"
	case "must refresh":
		f.row = s.id
	}

	// The session of another node that is alive by that one's clock only ends by the cutoff alone.
	ends := func(o *sitting) bool {
		return o == s && what == "end" || o.subject == s.subject && (what == "end all" || what == "end others" && o != s)
	}
	h.store.begin(f, "", nil)
	h.store.lost = nil // a refresh may have lost some, of which no node knows
	var pair *token.Pair
	var err error
	switch ctx := context.Background(); what {
	case "end":
		err = h.m.End(ctx, s.subject, s.id)
	case "end all":
		err = h.m.EndAll(ctx, s.subject)
	case "end others":
		pair, err = h.m.EndOthers(ctx, a.seen)
	case "must refresh":
		err = h.m.MustRefresh(ctx, s.subject)
	}
	fired := h.store.end()
	expect(r, what, err, "nil")
	if !fired {
		r.Fatalf("%s wrote nothing", what)
	}

	var lost []*killing
	switch what {
	case "end all", "end others":
		lost = append(lost, m.kill(what, h, knowsIt, func(a *accessToken) bool { return a.of.subject == s.subject }))
	case "must refresh":
		m.kill(what, h, knowsIt, func(a *accessToken) bool { return a.of.subject == s.subject && a.of != s && m.alive(a.of, h) })
		lost = append(lost, m.kill(what, h, knowsIt, func(a *accessToken) bool { return a.of == s }))
	}
	for _, o := range gone {
		h.knows[m.named(o)] = knowsIt
		lost = append(lost, o.end)
	}
	if pair != nil { // before the cutoff counts for what is issued from now on
		scope := s.scope
		s.scope = m.role(s.subject)
		until := a.expires
		if most := m.until(s, m.now(h)); most.Before(until) {
			until = most
		}
		m.narrow(m.hold(r, s, pair, until), a)
		s.scope = scope // that is lost, too
	}
	for _, k := range lost {
		k.lost = true
	}
	for _, o := range m.sittings {
		if ends(o) {
			o.deadOn = h
		}
	}
	m.check(r)

	if used := pick(r, "session", slices.DeleteFunc(m.known(), func(o *sitting) bool { return o.subject != s.subject })); len(used.given) > 0 && rapid.Bool().Draw(r, "the other goes on") {
		m.refresh(r, used, used.given[len(used.given)-1], refreshing{who: m.other(h), client: used.client, agent: "five"})
		m.check(r)
	}
	m.reached[verdict("lost: "+what)]++
	m.giveBack(r, h, gone, lost, ends)
	if what == "end others" {
		// The row still has the stamp from before, and what spares the session is in the log for half an hour.
		m.doUpdate(r, h, s, nil, nil)
	}
}

// giveBack lets a host find out what the store has lost.
func (m *machine) giveBack(r *rapid.T, h *host, gone []*sitting, lost []*killing, ends func(*sitting) bool) {
	if len(lost) == 0 {
		return
	}
	m.doFollow(r, h, func() bool {
		return h.store.did("") > 0 && h.store.given() && !slices.ContainsFunc(gone, func(o *sitting) bool { return o.marked.IsZero() && h.store.did(o.id) == 0 })
	})
	if !slices.Contains(h.events, writ.Regressed) {
		r.Fatalf("%s does not say that the store has lost something", h.name)
	}
	for _, k := range lost {
		k.lost = false
	}
	for _, o := range m.sittings {
		if o.deadOn = nil; ends(o) {
			o.ended = true
		}
	}
	for _, o := range gone {
		m.finish(o, h, knowsIt)
	}
	m.hears(h)
	// A node that has not heard yet whom EndOthers spares takes that session for ended. And what
	// MustRefresh wrote into a row is not written there again: a node that asks the store must have heard it.
	m.open(r, m.other(h))
	m.check(r)
	m.open(r, h)
}
