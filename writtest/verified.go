package writtest

import (
	"crypto/rand"
	"encoding/base64"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

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
