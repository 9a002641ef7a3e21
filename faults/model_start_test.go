package faults_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// signIn is one call of Start.
type signIn struct {
	who     *host
	s       *sitting // that is to begin
	login   writ.Login
	visitor *accessToken // whose session signs in
	onIssue string
	mishap  *mishap
	raceAt  string // "Save": just before the session is made; "Load": just after
	race    func() // on the other host
}

// start signs somebody in.
func (m *machine) start(r *rapid.T) {
	subject := rapid.SampledFrom([]string{"alice", "alice", "bob", ""}).Draw(r, "subject")
	o := m.drawSignIn(r, m.host(r), subject, nil)
	m.drawTrouble(r, &o)
	m.signIn(r, o)
}

// startVisitor signs a visitor in, mostly one that has a session.
func (m *machine) startVisitor(r *rapid.T) {
	visitors := slices.DeleteFunc(slices.Clone(m.tokens), func(a *accessToken) bool { return !a.of.nobody || a.seen == nil })
	h := m.host(r)
	if good := slices.DeleteFunc(slices.Clone(visitors), func(a *accessToken) bool { return !m.usable(a, h) }); len(good) > 0 && !chance(r, "any visitor", 4) {
		visitors = good
	}
	a := pick(r, "visitor", newest(visitors, 6))
	o := m.drawSignIn(r, h, rapid.SampledFrom([]string{"alice", "bob"}).Draw(r, "subject"), a)
	m.drawTrouble(r, &o)
	m.signIn(r, o)
}

func (m *machine) drawSignIn(r *rapid.T, h *host, subject string, visitor *accessToken) signIn {
	now := m.now(h)
	s := &sitting{number: m.people, agent: "browser", created: now, renewed: now, subject: subject, nobody: subject == ""}
	m.people++
	s.client = rapid.SampledFrom([]string{"", "", "app"}).Draw(r, "client")
	s.label = fmt.Sprintf("session %d", s.number)
	o := signIn{who: h, s: s, visitor: visitor, login: writ.Login{
		Subject: s.subject, Anonymous: s.nobody, Label: s.label,
		Client:   token.Client{ID: s.client, UserAgent: s.agent},
		Absolute: rapid.SampledFrom([]time.Duration{0, 0, m.absolute / 2, 2 * m.access}).Draw(r, "absolute"),
		Idle:     rapid.SampledFrom([]time.Duration{0, 0, m.idle / 2}).Draw(r, "idle"),
	}}
	if visitor != nil {
		o.login.Visitor = visitor.seen
	}
	if chance(r, "private of its own", 4) {
		s.private = "own;"
		o.login.Private = []byte(s.private)
	}
	if chance(r, "data of its own", 4) {
		s.data = `{"marks":"own;"}`
		o.login.Claims.Data = []byte(s.data)
	}
	s.line = line{began: now, handed: now, abs: now.Add(m.absolute), idleTTL: m.idle, window: modelWindow, recovery: m.recovery}
	if o.login.Absolute != 0 {
		s.line.abs = now.Add(o.login.Absolute)
	}
	if o.login.Idle != 0 {
		s.line.idleTTL, s.line.recovery = o.login.Idle, min(m.recovery, o.login.Idle)
	}
	s.line = s.line.used(now)
	return o
}

// drawTrouble is perhaps something that goes wrong.
func (m *machine) drawTrouble(r *rapid.T, o *signIn) {
	h, s := o.who, o.s
	if chance(r, "mishap", 5) {
		f := &mishap{call: rapid.SampledFrom([]string{"Save", "Load", "List"}).Draw(r, "call"), when: beforeWork}
		f.nth = rapid.IntRange(1, 3).Draw(r, "nth")
		f.on = rapid.Bool().Draw(r, "from then on")
		if f.call == "Save" && rapid.Bool().Draw(r, "after the work") {
			f.when = afterWork
		}
		o.mishap = f
		return
	}
	o.onIssue = rapid.SampledFrom([]string{"", "", "", "", "", "fails", "refuses"}).Draw(r, "OnIssue")
	if s.nobody || !chance(r, "race", 4) {
		return
	}
	o.raceAt = rapid.SampledFrom([]string{"Load", "Load", "Save"}).Draw(r, "race at")
	other := m.other(h)
	races := []func(){
		func() { m.doEndAll(r, other, s.subject, nil, nil) },
		func() { m.doMustRefresh(r, other, s.subject, nil, nil) },
		func() { m.signIn(r, m.drawSignIn(r, other, s.subject, nil)) },
	}
	if o.visitor != nil {
		races = append(races[2:],
			func() { m.inner(r, other, o.visitor.of) },
			func() { m.inner(r, other, o.visitor.of) },
			func() { m.signIn(r, m.drawSignIn(r, other, "bob", o.visitor)) })
	}
	o.race = races[rapid.IntRange(0, len(races)-1).Draw(r, "at the same time")]
}

// begins notes that the row of a session is there.
func (m *machine) begins(s *sitting, id string) {
	if s.id = id; s.nobody {
		s.subject = token.Anonymous(id)
	}
	if !slices.Contains(m.sittings, s) {
		m.sittings = append(m.sittings, s)
	}
}

func (m *machine) signIn(r *rapid.T, o signIn) {
	h, s := o.who, o.s
	r.Logf("%s: start session %d of %q, client %q, %v, visitor %t %v%v", h.name, s.number, s.subject, s.client, o.login.Absolute, o.visitor != nil, o.onIssue, o.mishap)
	full := m.refuse && !s.nobody && len(m.others(s, h)) >= m.maxSessions
	inherits := o.visitor != nil && (o.raceAt == "Save" || m.usable(o.visitor, h))
	race := o.race
	if race != nil && o.raceAt == "Load" {
		race = func() {
			s.pending = true
			m.begins(s, h.store.newest())
			o.race()
		}
	}
	h.events, h.onIssue = nil, o.onIssue
	h.store.begin(o.mishap, o.raceAt, race)
	pair, err := h.m.Start(context.Background(), o.login)
	fired := h.store.end()
	h.onIssue = ""
	if inherits = inherits && m.usable(o.visitor, h); inherits {
		s.inherit(o)
	}
	want := m.foreseeSignIn(o, fired, full, classify(r, err))
	r.Logf("\t%s, inherits: %t", classify(r, err), inherits)
	expect(r, "a sign-in", err, want)
	m.reached[verdict("sign-in: "+want)]++
	if want != "nil" {
		m.sittings = slices.DeleteFunc(m.sittings, func(other *sitting) bool { return other == s })
		m.ghost(r, o, fired)
		if fired && inherits {
			m.settle(r, h, o.visitor.of)
		}
		if fired && !s.nobody {
			m.settle(r, h, m.tooMany(s, h)...)
		}
		return
	}
	m.begins(s, pair.SessionID)
	s.pending, s.scope = false, m.role(s.subject)
	if inherits {
		m.reached["heir"]++
		m.finish(o.visitor.of, h, knowsIt)
	}
	told := []writ.EventKind{writ.Started}
	for _, old := range m.tooMany(s, h) {
		m.reached["oldest ended"]++
		if fired {
			m.finish(old, h, mayKnow) // perhaps it had ended already when it was ended again
			continue
		}
		m.finish(old, h, knowsIt)
		told = append([]writ.EventKind{writ.Ended}, told...)
	}
	if !fired && !slices.Equal(h.events, told) {
		r.Fatalf("a sign-in was told as %v, want %v", h.events, told)
	}
	m.hold(r, s, pair, m.until(s, s.created))
	p := read(r, pair.Refresh)
	if p.ticket != (ticket{}) {
		r.Fatalf("a new session begins with %v", p.ticket)
	}
	s.given = []*paper{p}
	if chance(r, "lost", 10) {
		return // a session that was never used
	}
	s.jar = []filled{{m.base, p}}
}

// foreseeSignIn is what a sign-in answers.
func (m *machine) foreseeSignIn(o signIn, fired, full bool, got string) string {
	first := func(call string) bool { return fired && o.mishap.call == call && o.mishap.nth == 1 }
	switch h, s := o.who, o.s; {
	case m.refuse && !s.nobody && first("List"):
		return "unavailable"
	case full:
		return "too many"
	case first("Save"), s.ended, o.onIssue == "fails", o.onIssue == "" && m.ringStale(h), fired && o.visitor == nil:
		return "unavailable"
	case o.onIssue == "refuses":
		return "refused"
	case fired && o.mishap.on && got == "unavailable":
		return "unavailable" // a visitor's sign-in is tried twice, which helps sometimes
	case m.refuse && !s.nobody && len(slices.DeleteFunc(m.others(s, h), func(o *sitting) bool { return o.pending })) >= m.maxSessions:
		return "too many"
	}
	return "nil"
}

// inherit gives s what a visitor's session holds, unless the login has its own.
func (s *sitting) inherit(o signIn) {
	if o.login.Private == nil {
		s.private = o.visitor.of.private
	}
	if o.login.Claims.Data == nil {
		s.data = o.visitor.of.data
	}
}

// tooMany are the oldest sessions of s's subject, which end when s begins.
func (m *machine) tooMany(s *sitting, h *host) []*sitting {
	if m.maxSessions == 0 || m.refuse || s.nobody {
		return nil
	}
	age := func(a, b *sitting) int {
		if d := a.created.Compare(b.created); d != 0 {
			return d
		}
		return bytes.Compare(idBytes(a), idBytes(b))
	}
	older := slices.DeleteFunc(m.others(s, h), func(o *sitting) bool { return age(o, s) > 0 })
	slices.SortFunc(older, age)
	return older[:max(0, len(older)+1-m.maxSessions)]
}

func idBytes(s *sitting) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s.id)
	if err != nil {
		panic(err)
	}
	return b
}

// ghost finds a session whose sign-in failed, and which could not be ended either. Nobody will use it.
func (m *machine) ghost(r *rapid.T, o signIn, fired bool) {
	h, s := o.who, o.s
	if s.nobody {
		return // nobody can see it
	}
	list, err := h.m.Sessions(context.Background(), s.subject)
	if err != nil {
		r.Fatal(err)
	}
	at := slices.IndexFunc(list, func(is writ.Session) bool { return is.Label == s.label })
	if at < 0 {
		return
	}
	if !fired || !o.mishap.on && !m.ringStale(h) {
		r.Fatalf("session %d, whose sign-in failed, is alive", s.number)
	}
	m.reached["left alone"]++
	m.begins(s, list[at].ID)
	if s.pending = h.store.did(s.id) == 0; s.pending {
		s.private, s.data = string(o.login.Private), string(o.login.Claims.Data)
	} else {
		s.scope = m.role(s.subject)
	}
}

// settle takes over what a sign-in has ended before it failed. It could not know that it would fail.
func (m *machine) settle(r *rapid.T, h *host, perhaps ...*sitting) {
	for _, s := range perhaps {
		list, err := h.m.Sessions(context.Background(), s.subject)
		if err != nil {
			r.Fatal(err)
		}
		if m.alive(s, h) && !slices.ContainsFunc(list, func(is writ.Session) bool { return is.ID == s.id }) {
			m.finish(s, h, mayKnow)
		}
	}
}
