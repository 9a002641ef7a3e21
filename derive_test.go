package writ_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

func TestADerivedTokenIsTheSessionsWithLess(t *testing.T) {
	c := newClock()
	m := open(t, memory.Open(), c, writ.Config{})
	p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Claims: token.Claims{
		Scope: []string{"read", "write"}, ACR: "mfa", Actor: "support", Data: []byte(`{"plan":"gold"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	parent := verified(t, m, p.Access)
	for _, test := range []struct {
		name  string
		ttl   time.Duration
		scope []string
		lives time.Duration
	}{
		{"a minute, and to read", time.Minute, []string{"read"}, time.Minute},
		{"no scope is none", 2 * time.Second, nil, 2 * time.Second},
		{"never longer than what it comes from", 24 * time.Hour, []string{"write", "read"}, parent.ExpiresAt().Sub(c.now())},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw, expires, err := m.Derive(parent, test.ttl, test.scope...)
			if err != nil {
				t.Fatal(err)
			}
			child := verified(t, m, raw)
			if child.Subject() != "alice" || child.SessionID() != parent.SessionID() || child.ACR() != "mfa" || child.Actor() != "support" ||
				!child.AuthTime().Equal(parent.AuthTime()) || child.Stamp() != parent.Stamp() {
				t.Error("it is of another session, or says another sign-in")
			}
			if child.ID() == parent.ID() || len(child.RawData()) != 0 || !slices.Equal(child.Scopes(), test.scope) {
				t.Errorf("scopes %v, data %d bytes", child.Scopes(), len(child.RawData()))
			}
			if !child.ExpiresAt().Equal(expires) || expires.After(c.now().Add(test.lives)) || expires.Before(c.now().Add(test.lives-time.Second)) {
				t.Errorf("it lives until %s", expires)
			}
		})
	}
	for name, f := range map[string]func() error{
		"a scope that it does not have": func() error { _, _, err := m.Derive(parent, time.Minute, "read", "admin"); return err },
		"less than a second":            func() error { _, _, err := m.Derive(parent, time.Millisecond); return err },
		"no token":                      func() error { _, _, err := m.Derive(nil, time.Minute); return err },
		"a token of another issuer": func() error {
			other := open(t, memory.Open(), c, writ.Config{Issuer: "https://other.example"})
			_, _, err := m.Derive(verified(t, other, start(t, other, "alice").Access), time.Minute)
			return err
		},
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestADerivedTokenDiesWithItsSession(t *testing.T) {
	for name, end := range map[string]func(m *writ.Manager, v *token.Verified) error{
		"End":           func(m *writ.Manager, v *token.Verified) error { return m.End(t.Context(), "alice", v.SessionID()) },
		"EndAll":        func(m *writ.Manager, v *token.Verified) error { return m.EndAll(t.Context(), "alice") },
		"MustRefresh":   func(m *writ.Manager, v *token.Verified) error { return m.MustRefresh(t.Context(), "alice") },
		"EndEverything": func(m *writ.Manager, v *token.Verified) error { return m.EndEverything(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			// Derived by a node that has not heard, after the end.
			store, c := memory.Open(), newClock()
			m := open(t, store, c, writ.Config{})
			parent := verified(t, m, start(t, m, "alice").Access)
			deaf := open(t, store, c, writ.Config{})
			if err := end(m, parent); err != nil {
				t.Fatal(err)
			}
			c.advance(time.Second)
			raw, _, err := deaf.Derive(verified(t, deaf, mustDerive(t, deaf, parent)), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Verify(t.Context(), raw); !errors.Is(err, token.ErrRevoked) {
				t.Errorf("error %v", err)
			}
			if _, _, err := m.Derive(parent, time.Minute); !errors.Is(err, token.ErrRevoked) {
				t.Errorf("derived of a dead token: %v", err)
			}
		})
	}
}

func TestADerivedTokenIsExchangedForNoMore(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Claims: token.Claims{Scope: []string{"read", "write"}, Data: []byte(`{"plan":"gold"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	derived, _, err := m.Derive(verified(t, m, p.Access), time.Minute, "read")
	if err != nil {
		t.Fatal(err)
	}
	child := verified(t, m, derived)
	next, err := m.EndOthers(t.Context(), child)
	if err != nil {
		t.Fatal(err)
	}
	got := verified(t, m, next.Access)
	if !slices.Equal(got.Scopes(), []string{"read"}) || len(got.RawData()) != 0 || got.ExpiresAt().After(child.ExpiresAt()) {
		t.Errorf("scopes %v until %s", got.Scopes(), got.ExpiresAt())
	}
}

func mustDerive(t *testing.T, m *writ.Manager, v *token.Verified) string {
	t.Helper()
	raw, _, err := m.Derive(v, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAGuardTakesTheCookiesThatSignInSets(t *testing.T) {
	cookies := middleware.Cookies{Name: "__Host-a", RefreshName: "__Host-r"}
	m := open(t, memory.Open(), newClock(), writ.Config{Cookies: cookies})
	raw := start(t, m, "alice").Access
	for name, g := range map[string]*middleware.Guard{
		"as they are":    m.Guard(cookies),
		"the zero value": m.Guard(middleware.Cookies{}, middleware.Query{}),
	} {
		if answer := call(g.Handler(hello), "GET", "/", func(r *http.Request) { r.Header.Set("Cookie", "__Host-a="+raw) }); answer.StatusCode != 200 {
			t.Errorf("%s: status %d", name, answer.StatusCode)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("other cookies are no mistake")
		}
	}()
	m.Guard(middleware.Cookies{Name: "__Host-b"})
}
