// Package writtest helps to test handlers: real keys, real tokens, a store in memory, no back door.
//
//	func TestProfile(t *testing.T) {
//		sessions := writtest.New(t, writ.Config{})
//		handler := app(sessions) // what main gives to http.ListenAndServe
//
//		req := httptest.NewRequest("GET", "/me", nil)
//		writtest.SignIn(t, sessions, req, writ.Login{Subject: "ada"})
//		rec := httptest.NewRecorder()
//		handler.ServeHTTP(rec, req)
//		...
//	}
//
// Everything is what a program has: a request without SignIn is refused, a session that was ended is
// refused, and a scope that the token lacks is missing. It works in the bubbles of testing/synctest,
// so that a test can wait for an access token to expire.
package writtest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

const issuer = "https://writ.test"

// New is a running Manager on a memory store, stopped when the test ends. What c leaves empty is
// filled in: the Issuer is https://writ.test, and the keys are in clear unless c has a Secret or a
// KeyWrapper. A Store that c names stays open.
func New(t testing.TB, c writ.Config) *writ.Manager {
	t.Helper()
	if c.Issuer == "" {
		c.Issuer = issuer
	}
	if c.Store == nil {
		store := memory.Open()
		t.Cleanup(func() { store.Close() })
		c.Store = store
	}
	if len(c.Secret) == 0 && c.KeyWrapper == nil {
		c.KeysInClear = true
	}
	m, err := writ.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	// Not the test's context, which ends before the first cleanup: those of the test may use m.
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		m.Run(ctx) // its error is that ctx ended
	}()
	t.Cleanup(func() {
		stop()
		<-stopped
	})
	return m
}

// SignIn starts a session and puts its access token on req, as a Bearer. For a request with cookies call
// Manager.Start instead, give the Pair to Cookies.Set with a httptest.ResponseRecorder, and add the
// recorder's cookies to the request: a guard refuses one that has both.
func SignIn(t testing.TB, m *writ.Manager, req *http.Request, l writ.Login) *token.Pair {
	t.Helper()
	pair, err := m.Start(t.Context(), l)
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+pair.Access)
	return pair
}

// Verified is a real checked token with these claims, good for ten minutes, for a handler or a
// function that takes one. An empty Subject becomes "user", an empty SessionID a new one, an empty
// ClientID the issuer, and an AuthTime of zero now. No Manager knows the session.
func Verified(t testing.TB, c token.Claims) *token.Verified {
	t.Helper()
	now := time.Now()
	if c.SessionID == "" {
		var id [16]byte
		rand.Read(id[:])
		c.SessionID = base64.RawURLEncoding.EncodeToString(id[:])
	}
	if c.Subject == "" {
		c.Subject = "user"
	}
	if c.AuthTime.IsZero() && !token.IsAnonymous(c.Subject) {
		c.AuthTime = now
	}
	ring, err := keys.Open(t.Context(), keys.Config{Issuer: issuer, Vault: writ.Vault(memory.Open()), InClear: true})
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	from, err := token.NewIssuer(token.IssuerConfig{Issuer: issuer, Audience: issuer, Keys: ring})
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	raw, err := from.Issue(c, now, now.Add(10*time.Minute), now.UnixMicro())
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: issuer, Keys: ring, UntilExpiry: true})
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	v, err := verifier.Verify(t.Context(), raw)
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	return v
}
