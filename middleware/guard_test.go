package middleware_test

import (
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func TestNewRefusesWhatDoesNotAddUp(t *testing.T) {
	l := newLogin()
	s := newSessions(l)
	from := func(s ...middleware.Source) []middleware.Source { return s }
	for _, c := range []struct {
		name   string
		config middleware.Config
		want   string // in the error; empty: none
	}{
		{"a verifier is enough", middleware.Config{Verifier: l.verifier}, ""},
		{"header, pages and a refresher", middleware.Config{Verifier: l.verifier, Refresher: s, From: from(middleware.Bearer(), middleware.Cookies{})}, ""},
		{"cookies of two names", middleware.Config{Verifier: l.verifier, From: from(middleware.Cookies{}, middleware.Cookies{Name: "__Host-old"})}, ""},
		{"no verifier", middleware.Config{}, "Verifier"},
		{"Bearer twice", middleware.Config{Verifier: l.verifier, From: from(middleware.Bearer(), middleware.Bearer())}, "Authorization header twice"},
		{"a cookie twice, with different attributes", middleware.Config{Verifier: l.verifier, From: from(middleware.Cookies{}, middleware.Cookies{Partitioned: true})}, "__Host-access twice"},
		{"a nil source", middleware.Config{Verifier: l.verifier, From: from(nil)}, "nil Source"},
		{"cookies that do not add up", middleware.Config{Verifier: l.verifier, From: from(middleware.Cookies{Name: "x"})}, "__Host-"},
		{"cookies without access token", middleware.Config{Verifier: l.verifier, From: from(middleware.Cookies{RefreshOnly: true})}, "RefreshOnly"},
		{"a refresher without cookies", middleware.Config{Verifier: l.verifier, Refresher: s}, "exactly one Cookies"},
		{"a refresher with two cookies", middleware.Config{Verifier: l.verifier, Refresher: s, From: from(middleware.Cookies{}, middleware.Cookies{Name: "__Host-old"})}, "exactly one Cookies"},
		{"a refresher and a refresh cookie that pages do not get", middleware.Config{Verifier: l.verifier, Refresher: s, From: from(middleware.Cookies{RefreshPath: "/auth"})}, "RefreshPath"},
		{"a trusted origin with a path", middleware.Config{Verifier: l.verifier, TrustedOrigins: []string{"https://app.example/x"}}, "trusted origin"},
		{"a sign-in page", middleware.Config{Verifier: l.verifier, SignInPage: "/login?next=/me#top"}, ""},
		{"a sign-in page elsewhere", middleware.Config{Verifier: l.verifier, SignInPage: "https://evil.example/"}, "SignInPage"},
		{"a sign-in page on another host", middleware.Config{Verifier: l.verifier, SignInPage: "//evil.example"}, "SignInPage"},
		{"a sign-in page on another host, for browsers", middleware.Config{Verifier: l.verifier, SignInPage: `/\evil.example`}, "SignInPage"},
		{"a sign-in page with a tab, which browsers drop", middleware.Config{Verifier: l.verifier, SignInPage: "/\t/evil.example"}, "SignInPage"},
		{"a sign-in page with a line break", middleware.Config{Verifier: l.verifier, SignInPage: "/\r\nX: y"}, "SignInPage"},
		{"a relative sign-in page", middleware.Config{Verifier: l.verifier, SignInPage: "login"}, "SignInPage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := middleware.New(c.config)
			if c.want == "" {
				if err != nil || g == nil {
					t.Errorf("New: %v", err)
				}
				return
			}
			if err == nil || g != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New: guard %t, error %v", g != nil, err)
			}
		})
	}
}

func TestARuleThatRequiresNothingIsRefused(t *testing.T) {
	g := newGuard(middleware.Config{Verifier: newLogin().verifier})
	for name, f := range map[string]func(){
		"Scope without names":    func() { g.Scope() },
		"Fresh without age":      func() { g.Fresh(0) },
		"Require without a rule": func() { g.Require(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestRulesAddUpAndLeaveTheGuardAlone(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier})
	check := func(g *middleware.Guard, raw string) error {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+raw)
		v, err := g.Check(httptest.NewRecorder(), r)
		if (v == nil) == (err == nil) {
			t.Errorf("token %v with error %v", v, err)
		}
		return err
	}
	no := g.Require(func(*token.Verified) error { return fmt.Errorf("not today: %w", middleware.ErrForbidden) })
	odd := g.Require(func(*token.Verified) error { return errors.New("a fault") })
	unsure := g.Require(func(*token.Verified) error { return fmt.Errorf("database: %w", token.ErrUnavailable) })
	read := l.token("read")
	for _, c := range []struct {
		name   string
		guard  *middleware.Guard
		raw    string
		status int // 0: passes
	}{
		{"no rule", g, read, 0},
		{"a scope that it has", g.Scope("read"), read, 0},
		{"a scope that it lacks", g.Scope("write"), read, 403},
		{"one scope of two", g.Scope("read").Scope("write"), read, 403},
		{"two scopes of two", g.Scope("read").Scope("write"), l.token("write", "read"), 0},
		{"a scope whose name holds the other's", g.Scope("rea"), read, 403},
		{"a rule that says no", no, read, 403},
		{"a rule that fails", odd, read, 500},
		{"a rule that cannot tell", unsure, read, 503},
		{"a rule beside a scope that it lacks", g.Scope("write").Require(func(*token.Verified) error { return nil }), read, 403},
		{"the first guard still has no rule", g, l.token(), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := check(c.guard, c.raw)
			if (err == nil) != (c.status == 0) || err != nil && middleware.Status(err) != c.status {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("two copies of one guard do not share rules", func(t *testing.T) {
		ok := func(*token.Verified) error { return nil }
		base := g.Require(ok).Require(ok).Require(ok) // leaves room in a slice that grows by doubling
		passes := base.Require(ok)
		base.Require(func(*token.Verified) error { return middleware.ErrForbidden })
		if err := check(passes, read); err != nil {
			t.Errorf("error %v", err)
		}
	})
}

func TestFreshAsksForARecentAndStrongSignIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		signed time.Duration // ago; negative: unknown
		acr    string
		want   []string
		ok     bool
	}{
		{"just in time", 5 * time.Minute, "", nil, true},
		{"a second too old", 5*time.Minute + time.Second, "", nil, false},
		{"unknown", -1, "", nil, false},
		{"strong enough", time.Minute, "mfa", []string{"phr", "mfa"}, true},
		{"not strong enough", time.Minute, "pwd", []string{"mfa"}, false},
		{"of unknown strength", time.Minute, "", []string{"mfa"}, false},
		{"strong but too old", time.Hour, "mfa", []string{"mfa"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLogin()
				claims := token.Claims{ACR: c.acr}
				if c.signed >= 0 {
					claims.AuthTime = time.Now().Add(-c.signed)
				}
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Authorization", "Bearer "+l.issue(claims, time.Now(), 10*time.Minute))
				g := newGuard(middleware.Config{Verifier: l.verifier})
				_, err := g.Fresh(5*time.Minute, c.want...).Check(httptest.NewRecorder(), r)
				if (err == nil) != c.ok || err != nil && !errors.Is(err, middleware.ErrNotFresh) {
					t.Errorf("error %v", err)
				}
				if _, err := g.Fresh(math.MaxInt64).Check(httptest.NewRecorder(), r); (err == nil) != (c.signed >= 0) {
					t.Errorf("of any age: error %v", err)
				}
			})
		})
	}
}

func TestFreshGoesByTheClockOfTheConfig(t *testing.T) {
	l := newLogin()
	later := func() time.Time { return time.Now().Add(6 * time.Minute) }
	raw := l.issue(token.Claims{AuthTime: time.Now()}, time.Now(), 10*time.Minute)
	g := newGuard(middleware.Config{Verifier: l.verifier, Now: later}).Fresh(5 * time.Minute)
	if got := do(g.Func(hello), "GET", "/", "Authorization", "Bearer "+raw).StatusCode; got != 401 {
		t.Errorf("status %d", got)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{middleware.ErrNone, 401}, {middleware.ErrAmbiguous, 400}, {middleware.ErrCrossOrigin, 403}, {middleware.ErrScope, 403},
		{middleware.ErrForbidden, 403}, {middleware.ErrNotFresh, 401}, {token.ErrExpired, 401}, {token.ErrStale, 503},
		{errors.Join(token.ErrIssuer, token.ErrStale), 503}, {errors.New("other"), 500}, {nil, 500},
	} {
		if got := middleware.Status(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}
