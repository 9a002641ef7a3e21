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

// check is what holds after every action: each node judges each access token, and lists each
// subject's sessions, as the model does.
func (m *machine) check(r *rapid.T) {
	for _, a := range m.tokens {
		for _, h := range m.hosts {
			m.verify(r, h, a)
		}
	}
	m.tokens = slices.DeleteFunc(m.tokens, func(a *accessToken) bool {
		return a.late || m.forgotten(a, m.base)
	})
	of := map[*sitting]int{}
	for _, a := range slices.Backward(m.tokens) {
		of[a.of]++
		if of[a.of] > 6 { // enough: each is verified after every action
			a.late = true
		}
	}
	m.tokens = slices.DeleteFunc(m.tokens, func(a *accessToken) bool { return a.late })
	for _, h := range m.hosts {
		for _, subject := range m.subjects() {
			m.list(r, h, subject)
		}
		if err := h.m.Ready(); (err != nil) != (m.listStale(h) || m.ringStale(h)) {
			r.Fatalf("Ready on %s: %v", h.name, err)
		}
	}
}

// forgotten reports whether a token may be so old that its key has left the ring.
func (m *machine) forgotten(a *accessToken, now time.Time) bool {
	return m.keySteps > a.keySteps && now.After(a.expires.Add(30*time.Second))
}

func (m *machine) verify(r *rapid.T, h *host, a *accessToken) {
	now := m.now(h)
	if m.forgotten(a, now) {
		return
	}
	dead := knowsNot
	why := ""
	for _, k := range a.by {
		if h.knows[k] > dead {
			dead, why = h.knows[k], k.what
		}
	}
	v, err := h.m.Verify(context.Background(), a.raw)
	classify(r, err)
	if m.ringStale(h) && a.keySteps > h.keySteps && errors.Is(err, token.ErrUnavailable) {
		return // its key may be one that the node has not read
	}
	got := errors.Is(err, token.ErrRevoked)
	switch late := !now.Before(a.expires.Add(modelSkew)); {
	case late:
		if !errors.Is(err, token.ErrExpired) {
			r.Fatalf("%s, which has expired, on %s: %v", a.name, h.name, err)
		}
		if h == m.hosts[1] && !m.now(m.hosts[0]).Before(a.expires.Add(modelSkew)) {
			a.late = true
		}
		return
	case dead == knowsIt && !got:
		r.Fatalf("%s, which was revoked (%s), on %s: %v", a.name, why, h.name, err)
	case m.asks(h) && !m.listStale(h) && !m.usable(a, h):
		if !got {
			r.Fatalf("%s, which was revoked in the store that %s asks: %v", a.name, h.name, err)
		}
		return
	case dead == knowsNot && got:
		r.Fatalf("%s, which is good as far as %s knows: %v", a.name, h.name, err)
	case got:
		return
	case m.listStale(h):
		if !errors.Is(err, token.ErrUnavailable) {
			r.Fatalf("%s on %s, which has not followed the log for too long: %v", a.name, h.name, err)
		}
		return
	case err != nil:
		r.Fatalf("%s, which is good, on %s: %v", a.name, h.name, err)
	}
	a.seen = v
	if v.Subject() != a.of.subject || v.SessionID() != a.of.id || v.Anonymous() != a.of.nobody ||
		v.ClientID() != clientID(a.of.client) || !slices.Equal(v.Scopes(), a.scope) || string(v.RawData()) != a.data {
		r.Fatalf("%s says something else than it was given", a.name)
	}
	if !v.ExpiresAt().Equal(a.expires) {
		r.Fatalf("%s expires at %v, want %v", a.name, v.ExpiresAt(), a.expires)
	}
}

// usable reports whether the store says that a token is good.
func (m *machine) usable(a *accessToken, h *host) bool {
	return m.alive(a.of, h) && !slices.ContainsFunc(a.by, func(k *killing) bool { return !k.lost })
}

func clientID(id string) string {
	if id == "" {
		return issuer
	}
	return id
}

func (m *machine) list(r *rapid.T, h *host, subject string) {
	got, err := h.m.Sessions(context.Background(), subject)
	if err != nil {
		r.Fatalf("the sessions of %s on %s: %v", kind(subject), h.name, err)
	}
	if !slices.IsSortedFunc(got, func(a, b writ.Session) int { return b.Created.Compare(a.Created) }) {
		r.Fatalf("the sessions of %s are not the newest first", kind(subject))
	}
	left := map[string]writ.Session{}
	for _, s := range got {
		left[s.ID] = s
	}
	for _, s := range m.known() {
		if s.subject != subject {
			continue
		}
		is, listed := left[s.id]
		delete(left, s.id)
		if alive := m.alive(s, h); listed != alive {
			r.Fatalf("session %d is listed on %s: %t, and alive: %t", s.number, h.name, listed, alive)
		}
		if listed {
			s.same(r, is)
		}
	}
	if len(left) > 0 {
		r.Fatalf("%d sessions of %s are listed on %s that nobody has started", len(left), kind(subject), h.name)
	}
}

func kind(subject string) string {
	if token.IsAnonymous(subject) {
		return "a visitor"
	}
	return subject
}

// same compares what the application sees.
func (s *sitting) same(r *rapid.T, is writ.Session) {
	for _, field := range []struct {
		what  string
		wrong bool
	}{
		{"subject", is.Claims.Subject != s.subject},
		{"client", is.Claims.ClientID != clientID(s.client) || is.SignedIn.ID != s.client},
		{"scope", !slices.Equal(is.Claims.Scope, s.scope)},
		{"private", string(is.Private) != s.private},
		{"data", string(is.Claims.Data) != s.data},
		{"label", is.Label != s.label},
		{"agent", is.LastSeen.UserAgent != s.agent},
		{"created", !is.Created.Equal(s.created)},
		{"renewed", !is.Renewed.Equal(s.renewed)},
		{"expires", !is.Expires.Equal(s.line.abs)},
		{"authtime", is.Claims.AuthTime.IsZero() != s.nobody},
	} {
		if field.wrong {
			r.Fatalf("session %d: %s is not what it should be", s.number, field.what)
		}
	}
}
