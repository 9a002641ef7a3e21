package writtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

func TestAClockHasATokenExpireOverASocket(t *testing.T) {
	var clock writtest.Clock
	sessions := writtest.New(t, writ.Config{Now: clock.Now})
	server := httptest.NewTLSServer(app(sessions))
	defer server.Close()
	b := writtest.NewBrowser(t, server)
	b.SignIn(sessions, writ.Login{Subject: "ada"})
	bearer := httptest.NewRequest("GET", "/me", nil)
	writtest.SignIn(t, sessions, bearer, writ.Login{Subject: "bob"})

	for range 3 {
		clock.Advance(t, 11*time.Minute, sessions)
		if rec := get(app(sessions), bearer); rec.Code != http.StatusUnauthorized {
			t.Errorf("an expired Bearer: %d", rec.Code)
		}
		if status, _ := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusOK {
			t.Errorf("an expired cookie, which is refreshed: %d", status)
		}
	}
	clock.Advance(t, 15*24*time.Hour, sessions)
	if status, _ := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusUnauthorized {
		t.Errorf("after 15 idle days: %d", status)
	}
	b.SignIn(sessions, writ.Login{Subject: "ada"})
	if status, _ := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusOK {
		t.Errorf("signed in anew: %d", status)
	}
}

// How long it takes can be measured where no time passes but what is waited for.
func TestAClockIsSoonObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock writtest.Clock
		sessions := writtest.New(t, writ.Config{Now: clock.Now})
		for range 10 {
			before := time.Now()
			clock.Advance(t, time.Hour, sessions)
			if waited := time.Since(before); waited > time.Second || sessions.Ready() != nil {
				t.Errorf("after %s: %v", waited, sessions.Ready())
			}
		}
	})
}

func TestAClockOnAStoreOfOnesOwn(t *testing.T) {
	t.Parallel() // it waits for some seconds
	var clock writtest.Clock
	store := memory.Open()
	defer store.Close()
	sessions := writtest.New(t, writ.Config{Now: clock.Now, Store: store})
	clock.Advance(t, time.Hour, sessions)
	req := httptest.NewRequest("GET", "/me", nil)
	writtest.SignIn(t, sessions, req, writ.Login{Subject: "ada"})
	if rec := get(app(sessions), req); rec.Code != http.StatusOK {
		t.Errorf("%d", rec.Code)
	}
}

// What the documentation of Clock says of Followers.
func TestAFollowersClock(t *testing.T) {
	i := writtest.NewIssuer(t, writ.Config{})
	var clock writtest.Clock
	c := i.FollowConfig(api)
	c.Now = clock.Now
	f := follow(t, c)
	raw := i.Issue(writtest.Token{})
	want(t, "at first", verdict(t, f, raw), nil)
	clock.Advance(t, 2*time.Minute)
	want(t, "with a clock ahead", verdict(t, f, raw), token.ErrStale)
	clock.Advance(t, 10*time.Minute)
	want(t, "with a clock further ahead", verdict(t, f, raw), token.ErrExpired)
}

func TestAVerifiersClock(t *testing.T) {
	var clock writtest.Clock
	i := writtest.NewIssuer(t, writ.Config{Issuer: name, Now: clock.Now})
	v := unitVerifier(t, i.VerifierConfig(api))
	raw := i.Issue(writtest.Token{})
	want(t, "at first", verdict(t, v, raw), nil)
	clock.Advance(t, 11*time.Minute, i.Manager)
	want(t, "later", verdict(t, v, raw), token.ErrExpired)
	want(t, "a new one", verdict(t, v, i.Issue(writtest.Token{TTL: time.Minute})), nil)
	k := thiefs(t)
	want(t, "an unknown key", verdict(t, v, i.Issue(writtest.Token{Header: map[string]any{"kid": k.Public().ID()}})), token.ErrUnknownKey)
}

func TestAClockTellsOfAManagerThatDoesNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if said := fmt.Sprint(recover()); !strings.Contains(said, "does it run?") {
				t.Errorf("it says %q", said)
			}
		}()
		var clock writtest.Clock
		m, err := writ.Open(t.Context(), writ.Config{Issuer: name, Store: memory.Open(), KeysInClear: true, Now: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		inTest(func(t testing.TB) { clock.Advance(t, time.Hour, m) })
	})
}
