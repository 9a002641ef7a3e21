package faults_test

import (
	"context"
	"errors"
	"slices"

	"pgregory.net/rapid"

	"github.com/writ-go/writ/token"
)

// end ends a session by its ID: as its subject, or in vain as somebody else.
func (m *machine) end(r *rapid.T) {
	s := m.lively(r, m.known())
	h := m.host(r)
	subject := s.subject
	if chance(r, "stranger", 4) {
		subject = "mallory"
	}
	m.doEnd(r, h, s, subject, drawMishap(r, 4, "Load", "Save"))
}

func (m *machine) doEnd(r *rapid.T, h *host, s *sitting, subject string, f *mishap) {
	r.Logf("%s: end session %d as %s%v", h.name, s.number, kind(subject), f)
	m.ending(r, h, s, f, func(h *host) (string, error) {
		want := "nil"
		if s.purged || subject != s.subject {
			want = "not found"
		}
		return want, h.m.End(context.Background(), subject, s.id)
	})
}

// ending ends one session, and again if that failed.
func (m *machine) ending(r *rapid.T, h *host, s *sitting, f *mishap, end func(h *host) (want string, err error)) {
	h.store.begin(f, "", nil)
	want, err := end(h)
	failed := h.store.end()
	if failed {
		expect(r, "an end when the store fails", err, "unavailable")
		want, err = end(h)
	}
	expect(r, "an end", err, want)
	if want == "nil" {
		m.finishAgain(s, h)
	}
}

// revoke ends a session by one of its tokens.
func (m *machine) revoke(r *rapid.T) {
	h := m.host(r)
	f := drawMishap(r, 4, "Load", "Save")
	if len(m.tokens) > 0 && rapid.Bool().Draw(r, "by an access token") {
		a := pick(r, "access token", newest(m.tokens, 6))
		r.Logf("%s: revoke %s%v", h.name, a.name, f)
		m.ending(r, h, a.of, f, func(h *host) (string, error) {
			want, stale := "nil", m.ringStale(h)
			if !m.now(h).Before(a.expires.Add(modelSkew)) {
				want = "invalid"
			}
			err := h.m.Revoke(context.Background(), a.raw)
			if stale && a.keySteps > h.keySteps && errors.Is(err, token.ErrUnavailable) {
				want = "unavailable" // its key may be one that the node has not read
			}
			return want, err
		})
		return
	}
	s := m.lively(r, m.holding())
	p := pick(r, "token", newest(s.given, 6))
	if m.base.After(s.line.abs) {
		r.SkipNow() // its key may be gone
	}
	r.Logf("%s: revoke %v of session %d%v", h.name, p.ticket, s.number, f)
	m.ending(r, h, s, f, func(h *host) (string, error) { return "nil", h.m.Revoke(context.Background(), p.raw) })
}

// endAll ends all sessions of a subject, perhaps while another node uses one of them.
func (m *machine) endAll(r *rapid.T) {
	s := m.lively(r, m.known())
	h := m.host(r)
	m.doEndAll(r, h, s.subject, drawMishap(r, 4, "List", "Append", "Load", "Save"), m.racing(r, h, s))
}

// racing is perhaps something that another node does to a session of the subject at the same time.
func (m *machine) racing(r *rapid.T, h *host, s *sitting) func() {
	if !chance(r, "race", 3) {
		return nil
	}
	s = pick(r, "racing session", slices.DeleteFunc(m.known(), func(other *sitting) bool { return other.subject != s.subject }))
	return func() { m.inner(r, m.other(h), s) }
}

func (m *machine) doEndAll(r *rapid.T, h *host, subject string, f *mishap, race func()) {
	if race != nil {
		f = nil
	}
	r.Logf("%s: end all of %s%v", h.name, kind(subject), f)
	h.store.begin(f, "List", race)
	err := h.m.EndAll(context.Background(), subject)
	failed := h.store.end()
	if failed {
		expect(r, "ending all when the store fails", err, "unavailable")
		err = h.m.EndAll(context.Background(), subject)
	}
	expect(r, "ending all", err, "nil")
	if token.IsAnonymous(subject) {
		for _, s := range m.sittings {
			if s.subject == subject {
				m.finishAgain(s, h)
			}
		}
		return
	}
	m.endSubject("end all", h, subject, nil)
}

// endSubject ends the sessions of a subject but one, and revokes all that was issued to it.
func (m *machine) endSubject(why string, h *host, subject string, but *sitting) {
	for _, s := range m.sittings {
		if s.subject == subject && s != but {
			s.ended = true
		}
	}
	m.kill(why, h, knowsIt, func(a *accessToken) bool { return a.of.subject == subject })
}

// endOthers ends all sessions of a subject but that of an access token.
func (m *machine) endOthers(r *rapid.T) {
	h := m.host(r)
	a := pick(r, "access token", slices.DeleteFunc(newest(m.tokens, 12), func(a *accessToken) bool { return a.seen == nil }))
	f := drawMishap(r, 4, "Load", "List", "Save")
	race := m.racing(r, h, a.of)
	if chance(r, "others must refresh", 3) {
		race = func() { m.mustRefreshOthers(r, m.other(h), a.of) }
	}
	if race != nil {
		f = nil
	}
	onIssue := ""
	if f == nil {
		onIssue = rapid.SampledFrom([]string{"", "", "", "", "", "", "fails", "refuses"}).Draw(r, "OnIssue")
	}
	m.doEndOthers(r, h, a, onIssue, f, race)
}

// foreseeOthers is what EndOthers answers.
func (m *machine) foreseeOthers(h *host, s *sitting, a *accessToken, onIssue string) verdict {
	switch now := m.now(h); {
	case !m.alive(s, h):
		return verdictInvalid
	case onIssue == "fails":
		return verdictUnavailable
	case onIssue == "refuses":
		return verdictRefused
	case a.expires.Unix() <= now.Unix(), s.line.abs.Unix() <= now.Unix():
		return verdictInvalid
	case m.ringStale(h):
		return verdictUnavailable
	}
	return verdictRotate
}

func (m *machine) doEndOthers(r *rapid.T, h *host, a *accessToken, onIssue string, f *mishap, race func()) {
	s := a.of
	first := *s
	raceAt := "List"
	if race != nil {
		raceAt = rapid.SampledFrom([]string{"Save", "List", "Load"}).Draw(r, "race at")
	}
	r.Logf("%s: end others but session %d %v%v", h.name, s.number, onIssue, f)
	h.onIssue = onIssue
	h.store.begin(f, raceAt, race)
	pair, err := h.m.EndOthers(context.Background(), a.seen)
	failed := h.store.end()
	asOf := s
	if raceAt != "Save" && h.store.count("Load") == 1 && h.store.count("Save") == 0 {
		asOf = &first
	}
	if failed {
		expect(r, "ending others when the store fails", err, "unavailable")
		pair, err = h.m.EndOthers(context.Background(), a.seen)
	}
	h.onIssue = ""
	v := m.foreseeOthers(h, asOf, a, onIssue)
	r.Logf("\t%s, %s", v, classify(r, err))
	switch v {
	case verdictUnavailable:
		expect(r, "ending others", err, "unavailable")
	case verdictInvalid:
		expect(r, "ending others", err, "invalid")
	case verdictRefused:
		expect(r, "ending others", err, "invalid")
		if m.finish(s, h, knowsIt); !s.nobody {
			m.endSubject("end others", h, s.subject, nil)
		}
	default:
		expect(r, "ending others", err, "nil")
		if !s.nobody {
			m.endSubject("end others", h, s.subject, s)
		}
		s.scope = m.role(s.subject)
		if pair.Refresh != "" {
			r.Fatal("EndOthers gives a refresh token")
		}
		until := a.expires
		if most := m.until(s, m.now(h)); most.Before(until) {
			until = most // the node that issued a has a clock that is ahead
		}
		m.narrow(m.hold(r, s, pair, until), a)
	}
}

// narrow has what EndOthers gives for a token do no more than that could: what the session has got since comes
// with the next refresh.
func (m *machine) narrow(held, from *accessToken) {
	scope := slices.DeleteFunc(slices.Clone(held.scope), func(s string) bool { return !slices.Contains(from.scope, s) })
	if len(scope) < len(held.scope) {
		held.scope, held.data = scope, ""
	}
}

// mustRefresh revokes a subject's access tokens.
func (m *machine) mustRefresh(r *rapid.T) {
	s := m.lively(r, m.known())
	h := m.host(r)
	m.doMustRefresh(r, h, s.subject, drawMishap(r, 4, "List", "Load", "Save"), m.racing(r, h, s))
}

func (m *machine) doMustRefresh(r *rapid.T, h *host, subject string, f *mishap, race func()) {
	if race != nil {
		f = nil
	}
	r.Logf("%s: %s must refresh%v", h.name, kind(subject), f)
	listed := map[*sitting]bool{} // the others have ended, and are left alone
	for _, s := range m.sittings {
		listed[s] = s.subject == subject && m.alive(s, h)
	}
	h.store.begin(f, "List", race)
	err := h.m.MustRefresh(context.Background(), subject)
	if h.store.end() {
		expect(r, "MustRefresh when the store fails", err, "unavailable")
		err = h.m.MustRefresh(context.Background(), subject)
	}
	expect(r, "MustRefresh", err, "nil")
	m.kill("must refresh", h, knowsIt, func(a *accessToken) bool { return listed[a.of] && m.alive(a.of, h) })
}

// mustRefreshOthers is a MustRefresh that does not get to one of the sessions. The others go on with new
// access tokens.
func (m *machine) mustRefreshOthers(r *rapid.T, h *host, but *sitting) {
	r.Logf("%s: %s must refresh, and that fails for session %d", h.name, kind(but.subject), but.number)
	alive := m.alive(but, h)
	h.store.begin(&mishap{call: "Load", row: but.id, when: beforeWork}, "", nil)
	err := h.m.MustRefresh(context.Background(), but.subject)
	if h.store.end() {
		expect(r, "MustRefresh when the store fails", err, "unavailable")
	} else {
		expect(r, "MustRefresh", err, "nil")
	}
	m.kill("must refresh", h, knowsIt, func(a *accessToken) bool {
		return a.of.subject == but.subject && a.of != but && m.alive(a.of, h)
	})
	for _, s := range m.holding() {
		if alive && s != but && s.subject == but.subject && m.alive(s, h) {
			m.refresh(r, s, s.given[len(s.given)-1], refreshing{who: h, client: s.client, agent: "four"})
		}
	}
}
