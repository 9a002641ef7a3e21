package faults_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// refreshing is one call of Refresh.
type refreshing struct {
	who     *host
	client  string
	agent   string
	answer  string // what becomes of it: "", "lost" or "late"
	mishap  *mishap
	onIssue string
	raceAt  string
	race    func() // on the other host
}

// refreshNewest is the honest client: it uses the token that it got last, and may lose the answer.
func (m *machine) refreshNewest(r *rapid.T) {
	s := m.lively(r, m.clients())
	o := m.drawRefreshing(r, s)
	o.answer = rapid.SampledFrom([]string{"", "", "lost", "late"}).Draw(r, "answer")
	m.refresh(r, s, s.jar[len(s.jar)-1].paper, o)
}

// refreshOld is somebody who has a token that the client would not use now: a thief, or another tab.
func (m *machine) refreshOld(r *rapid.T) {
	s := m.lively(r, m.holding())
	p := pick(r, "token", newest(s.given, 6))
	o := m.drawRefreshing(r, s)
	m.refresh(r, s, p, o)
}

// newest are the last n, the newest first.
func newest[T any](of []T, n int) []T {
	last := slices.Clone(of[max(0, len(of)-n):])
	slices.Reverse(last)
	return last
}

// rotate waits until a refresh makes a new generation, and refreshes.
func (m *machine) rotate(r *rapid.T) {
	s := m.lively(r, m.clients())
	o := m.drawRefreshing(r, s)
	o.answer = rapid.SampledFrom([]string{"", "", "", "lost", "late"}).Draw(r, "answer")
	if d := s.line.handed.Add(s.line.window).Sub(m.now(o.who)); d > 0 {
		m.pass(r, d)
	}
	m.refresh(r, s, s.jar[len(s.jar)-1].paper, o)
}

// duel lets several holders of one session's tokens use them in turn, in good time.
func (m *machine) duel(r *rapid.T) {
	s := m.lively(r, m.holding())
	h := m.host(r)
	for range rapid.IntRange(2, 6).Draw(r, "turns") {
		d := rapid.SampledFrom([]time.Duration{40 * time.Second, 20 * time.Second, modelWindow, 2 * modelWindow, time.Millisecond, 0}).Draw(r, "pause")
		if to := s.line.seen.Add(s.line.window).Sub(m.now(h)); to > 0 && rapid.Bool().Draw(r, "until the child has arrived") {
			d = to
		}
		m.pass(r, d)
		m.refresh(r, s, pick(r, "token", newest(s.given, 3)), refreshing{who: h, client: s.client, agent: "duel"})
	}
}

// holding are the sessions of which somebody holds a refresh token.
func (m *machine) holding() []*sitting {
	return slices.DeleteFunc(slices.Clone(m.sittings), func(s *sitting) bool { return len(s.given) == 0 })
}

// clients are the sessions that have an honest client.
func (m *machine) clients() []*sitting {
	return slices.DeleteFunc(m.holding(), func(s *sitting) bool { return len(s.jar) == 0 })
}

func (m *machine) drawRefreshing(r *rapid.T, s *sitting) refreshing {
	o := refreshing{who: m.host(r), client: s.client, agent: rapid.SampledFrom([]string{"one", "two"}).Draw(r, "agent")}
	switch rapid.IntRange(0, 15).Draw(r, "what else") {
	case 15:
		o.client = "stranger"
	case 14, 13, 12:
		o.mishap = &mishap{call: "Save", nth: 1, when: rapid.SampledFrom([]when{noWork, afterWork, noWork, beforeWork}).Draw(r, "when")}
	case 11:
		o.mishap = &mishap{call: "Load", nth: 1, when: beforeWork}
	case 10:
		o.onIssue = rapid.SampledFrom([]string{"fails", "refuses"}).Draw(r, "OnIssue")
	case 9, 8:
		o.raceAt = rapid.SampledFrom([]string{"Load", "Save"}).Draw(r, "race at")
		o.race = func() { m.inner(r, m.other(o.who), s) }
	}
	return o
}

// inner is what another node does to s, or to its subject, while an operation on s is under way.
func (m *machine) inner(r *rapid.T, h *host, s *sitting) {
	switch rapid.IntRange(0, 6).Draw(r, "at the same time") {
	case 0, 1:
		if len(s.given) > 0 {
			p := pick(r, "token", newest(s.given, 3))
			m.refresh(r, s, p, refreshing{who: h, client: s.client, agent: "three"})
		}
	case 2:
		if s.id != "" {
			m.doEnd(r, h, s, s.subject, nil)
		}
	case 3:
		m.doEndAll(r, h, s.subject, nil, nil)
	case 4:
		m.doMustRefresh(r, h, s.subject, nil, nil)
	case 5:
		if s.id != "" {
			m.doUpdate(r, h, s, nil, nil)
		}
	case 6:
		for _, a := range slices.Backward(m.tokens) {
			if a.of.subject == s.subject && a.seen != nil {
				m.doEndOthers(r, h, a, "", nil, nil)
				break
			}
		}
	}
}

// foresee is what a refresh answers, and the record after it.
func (m *machine) foresee(s *sitting, p *paper, o refreshing) (verdict, line) {
	now := m.now(o.who)
	switch {
	case s.purged, o.client != s.client:
		return verdictInvalid, s.line
	case s.ended:
		return verdictRevoked, s.line
	}
	v, next := s.line.present(p.ticket, now)
	switch v {
	case verdictRepeat, verdictAdopt, verdictRotate, verdictRecover:
	default:
		return v, next
	}
	switch {
	case o.onIssue == "fails":
		return verdictUnavailable, s.line
	case o.onIssue == "refuses":
		return verdictRefused, s.line
	case m.until(s, now).Unix() <= now.Unix():
		return verdictExpired, s.line
	case m.ringStale(o.who):
		return verdictUnavailable, s.line
	}
	return v, next
}

func (m *machine) refresh(r *rapid.T, s *sitting, p *paper, o refreshing) {
	h := o.who
	if m.ringStale(h) && o.race == nil {
		o.answer = "" // there is none
	}
	honest := len(s.jar) > 0 && p.ticket == s.jar[len(s.jar)-1].ticket && o.client == s.client
	if o.mishap != nil && o.mishap.when == noWork {
		if v, _ := m.foresee(s, p, o); v == verdictTheft || v == verdictRefused {
			o.mishap = nil // what a node knows and the store does not is another test
		}
	}
	r.Logf("%s: refresh session %d with %v, %+v%v", h.name, s.number, p.ticket, o.answer+o.onIssue, o.mishap)
	first := *s
	killed := len(m.killings)
	h.events, h.onIssue = nil, o.onIssue
	h.store.begin(o.mishap, o.raceAt, o.race)
	pair, err := h.m.Refresh(context.Background(), p.raw, token.Client{ID: o.client, UserAgent: o.agent})
	fired := h.store.end()
	h.onIssue = ""
	events := h.events

	// What was read before the race and not written after it counts as done before.
	old := o.raceAt == "Load" && h.store.count("Load") == 1 && h.store.count("Save") == 0
	asOf := s
	if old {
		asOf = &first
	}
	v, next := m.foresee(asOf, p, o)
	r.Logf("\t%s, %s", v, classify(r, err))
	m.reached[v]++

	if fired && o.mishap.when != noWork {
		expect(r, "a refresh when the store fails", err, "unavailable")
		if o.mishap.when != afterWork {
			return
		}
	} else {
		want, ok := map[verdict]string{
			verdictRepeat: "nil", verdictAdopt: "nil", verdictRotate: "nil", verdictRecover: "nil",
			verdictLater: "unavailable", verdictUnavailable: "unavailable",
		}[v]
		if !ok {
			want = "invalid"
		}
		gone := m.base.After(s.line.abs) // its key may have left the ring
		if gone && h.failed && errors.Is(err, token.ErrUnavailable) {
			want = "unavailable" // the ring could not be read a moment ago, and is not read again so soon
		}
		expect(r, "a refresh that is to "+string(v), err, want)
		if want := told[v]; v != verdictUnavailable && !gone && !slices.Equal(events, want) {
			r.Fatalf("a refresh that is to %s was told as %v, want %v", v, events, want)
		}
	}
	if honest && !s.shared && v == verdictTheft {
		r.Fatalf("the honest client of session %d is taken for a thief", s.number)
	}
	if !honest && v != verdictInvalid {
		s.shared = true
	}
	answered := err == nil
	switch v {
	case verdictTheft, verdictRefused:
		if fired {
			m.finish(s, h, knowsNot) // h was not told
		} else {
			m.finish(s, h, knowsIt)
		}
		return
	case verdictRepeat, verdictAdopt, verdictRotate, verdictRecover:
	default:
		return
	}
	was := *s
	if !old {
		s.line, s.agent, s.scope = next, o.agent, m.role(s.subject)
		if v == verdictRotate || v == verdictRecover {
			s.renewed = m.now(h)
		}
	}
	if !answered {
		return
	}
	a := m.hold(r, s, pair, m.until(s, m.now(h)))
	a.scope = m.role(s.subject)
	if old {
		a.data = first.data
		for _, k := range m.killings[killed:] { // it was issued before them
			if k.matches(a) {
				a.by = append(a.by, k)
			}
		}
	}
	if (pair.Refresh != "") != (v == verdictRotate || v == verdictRecover) {
		r.Fatalf("a refresh that is to %s has a refresh token: %t", v, pair.Refresh != "")
	}
	if pair.Refresh != "" {
		m.handOut(r, s, pair, next.newest, honest, o.answer)
	}
	if fired && o.mishap.when == noWork {
		s.line, s.agent, s.scope, s.renewed = was.line, was.agent, was.scope, was.renewed
		if s.failures++; s.failures > 2 {
			s.shared = true // more than is promised
		}
	}
}

// told is what Config.Observe gets.
var told = map[verdict][]writ.EventKind{
	verdictAdopt: {writ.Regressed}, verdictRotate: {writ.Renewed}, verdictRecover: {writ.Recovered},
	verdictTheft: {writ.Reused}, verdictExpired: {writ.Expired}, verdictRefused: {writ.Ended},
}

// handOut gives a new refresh token to who asked.
func (m *machine) handOut(r *rapid.T, s *sitting, pair *token.Pair, want ticket, honest bool, answer string) {
	p := read(r, pair.Refresh)
	if p.ticket != want {
		r.Fatalf("session %d got the refresh token %v, want %v", s.number, p.ticket, want)
	}
	switch {
	case answer == "lost":
	case honest && answer == "late":
		s.flights = append(s.flights, flight{m.base, p})
	case honest:
		s.jar = append(s.jar, filled{m.base, p})
	}
	s.given = append(s.given, p)
}

// deliver brings a late answer, if it is not too late.
func (m *machine) deliver(r *rapid.T) {
	s := m.lively(r, slices.DeleteFunc(m.holding(), func(s *sitting) bool { return len(s.flights) == 0 }))
	f := s.flights[0]
	s.flights = s.flights[1:]
	if m.base.Sub(f.sent) <= modelDelay {
		r.Logf("session %d gets %v late", s.number, f.ticket)
		s.jar = append(s.jar, filled{m.base, f.paper})
	}
}

// crashClient brings back what a client's jar held at some time that is not longer ago than it may
// take until a jar is on disk, and loses the answers under way.
func (m *machine) crashClient(r *rapid.T) {
	s := m.lively(r, m.clients())
	from := len(s.jar) - 1
	for from > 0 && m.base.Sub(s.jar[from].at) <= modelFlush {
		from--
	}
	p := s.jar[rapid.IntRange(from, len(s.jar)-1).Draw(r, "jar")].paper
	s.jar, s.flights = append(s.jar, filled{m.base, p}), nil
	r.Logf("the client of session %d has %v again", s.number, p.ticket)
}

// storm asks with a parent until that is too often.
func (m *machine) storm(r *rapid.T) {
	if !m.inMemory() {
		r.SkipNow() // slow
	}
	h := m.host(r)
	s := m.lively(r, slices.DeleteFunc(m.holding(), func(s *sitting) bool { return s.ended || s.line.newest.gen == 0 }))
	at := slices.IndexFunc(s.given, func(p *paper) bool {
		v, _ := m.foresee(s, p, refreshing{who: h, client: s.client})
		return v == verdictRecover
	})
	if at < 0 {
		r.SkipNow()
	}
	p := s.given[at]
	for range 70 {
		o := refreshing{who: h, client: s.client, agent: "storm"}
		v, _ := m.foresee(s, p, o)
		m.refresh(r, s, p, o)
		if v != verdictRecover {
			return
		}
	}
}

// garbage is nobody's token. Nothing comes of it.
func (m *machine) garbage(r *rapid.T) {
	s := m.lively(r, m.holding())
	h, raw := m.host(r), []byte(s.given[len(s.given)-1].raw)
	reads := false
	switch rapid.IntRange(0, 4).Draw(r, "garbage") {
	case 0: // another MAC
		raw[len(raw)-5] ^= 1
	case 1: // another generation
		raw[4+27] ^= 1
	case 2: // a key that nobody has
		copy(raw[4:], "AAAA")
		reads = true
	case 3:
		raw = raw[:len(raw)-1]
	case 4:
		raw = append(raw, '=')
	}
	want := "invalid"
	var f *mishap
	if reads {
		if chance(r, "mishap", 3) {
			f = &mishap{call: "Ring", nth: 1, when: beforeWork}
		}
		failed, stale := h.failed, m.ringStale(h)
		if m.now(h).Sub(h.asked) >= 10*time.Second { // readings that strangers cause are rare
			failed, stale = f != nil, stale && f != nil
		}
		if failed || stale {
			want = "unavailable"
		}
	}
	r.Logf("%s: garbage%v", h.name, f)
	h.store.begin(f, "", nil)
	_, err := h.m.Refresh(context.Background(), string(raw), token.Client{ID: s.client})
	h.store.end()
	expect(r, "a refresh with garbage", err, want)
	if !reads {
		expect(r, "revoking garbage", h.m.Revoke(context.Background(), string(raw)), "invalid")
	}
	if altered := m.altered(r); !m.ringStale(h) {
		expect(r, "revoking an altered access token", h.m.Revoke(context.Background(), altered), "invalid")
	}
}

// altered is somebody's access token with another signature or payload.
func (m *machine) altered(r *rapid.T) string {
	if len(m.tokens) == 0 {
		return "a.b.c"
	}
	raw := []byte(m.tokens[rapid.IntRange(0, len(m.tokens)-1).Draw(r, "access token")].raw)
	if at := len(raw) - 10; raw[at] == 'A' {
		raw[at] = 'B'
	} else {
		raw[at] = 'A'
	}
	return string(raw)
}
