package pkcs11_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	p11 "github.com/miekg/pkcs11"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/pkcs11"
	"github.com/writ-go/writ/token"
)

const (
	ringIssuer   = "https://app.example"
	ringAudience = "https://api.example"
	testSecret   = "q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f" // a test secret
)

// TestARingOfTheTokensKeys lives three days of a ring whose keys sign for twelve hours each.
func TestARingOfTheTokensKeys(t *testing.T) {
	tokenConfig, _ := softToken(t)
	custodian := open(t, tokenConfig)
	wrapper, err := keys.Secret([]byte(testSecret))
	check(t, err)
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	home := filepath.Join(t.TempDir(), "ring")
	wiped := map[string]bool{}
	config := keys.Config{
		Issuer: ringIssuer, Vault: keys.Dir(home), Wrapper: wrapper, Custodian: custodian,
		Period: 12 * time.Hour,
		Now:    func() time.Time { return now },
		Observe: func(e keys.RingEvent) {
			if e.Kind == keys.KeyWiped && e.Ref != "" {
				wiped[e.Ref] = true
			}
		},
	}
	ring, err := keys.Open(t.Context(), config)
	check(t, err)

	type issued struct {
		raw     string
		expires time.Time
	}
	var live []issued
	kids := map[string]bool{}
	for end := now.Add(72 * time.Hour); now.Before(end); now = now.Add(20 * time.Minute) {
		_, err := ring.Step(t.Context())
		check(t, err)
		k, err := ring.Signing()
		check(t, err)
		kids[k.ID()] = true
		issuer, err := token.NewIssuer(token.IssuerConfig{Issuer: ringIssuer, Audience: ringAudience, Keys: ring})
		check(t, err)
		raw, err := issuer.Issue(token.Claims{Subject: "alice"}, now, now.Add(time.Hour), now.UnixMicro())
		check(t, err)
		live = append(live, issued{raw, now.Add(time.Hour)})
		verifier, err := token.NewVerifier(token.VerifierConfig{Issuer: ringIssuer, Audience: ringAudience, Keys: ring, UntilExpiry: true,
			CacheBytes: -1, Now: func() time.Time { return now }})
		check(t, err)
		for _, i := range live {
			if _, err := verifier.Verify(t.Context(), i.raw); err != nil && now.Before(i.expires) {
				t.Errorf("%v before its end, a token: %v", i.expires.Sub(now), err)
			}
		}
	}
	if len(kids) < 5 {
		t.Errorf("%d keys signed in three days, want at least 5", len(kids))
	}
	if len(wiped) < 3 {
		t.Errorf("%d keys were reported as dropped, want at least 3", len(wiped))
	}
	document, err := os.ReadFile(filepath.Join(home, "ring.json"))
	check(t, err)
	if n := strings.Count(string(document), `"pkcs11:token=`); n == 0 || strings.Contains(string(document), testPIN) {
		t.Errorf("the document names %d keys of the token", n)
	}
	for ref := range wiped {
		check(t, custodian.Destroy(t.Context(), ref))
	}

	// Another process has another Custodian.
	_, err = ring.Step(t.Context())
	check(t, err)
	before, err := ring.Signing()
	check(t, err)
	check(t, custodian.Close())
	config.Custodian = open(t, tokenConfig)
	ring, err = keys.Open(t.Context(), config)
	check(t, err)
	after, err := ring.Signing()
	check(t, err)
	if after.ID() != before.ID() {
		t.Error("opened again, the ring signs with another key")
	}
	check(t, signs(after))
	r := rawToken(t, tokenConfig)
	if n := len(r.find(t, p11.CKO_PRIVATE_KEY)); n > 2 {
		t.Errorf("%d keys are left in the token, want the active one and the pending one", n)
	}

	// Without the token the ring verifies, but does not sign.
	message := []byte("header.payload")
	signature, err := after.Sign(message)
	check(t, err)
	check(t, config.Custodian.(*pkcs11.Custodian).Close())
	public, err := ring.Public(ringIssuer, after.ID())
	check(t, err)
	check(t, public.Verify(message, signature))
	if signs(after) == nil {
		t.Error("it signs without the token")
	}
}
