package writtest_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

func TestAServiceFollowsAnIssuer(t *testing.T) {
	for what, issuer := range map[string]string{
		"over TLS":                     "",
		"over TLS, at a port and path": "https://127.0.0.1:0/realms/demo",
		"without TLS":                  "http://127.0.0.1",
		"by a name of this machine":    "http://localhost:0/",
		"in memory":                    name,
	} {
		t.Run(what, func(t *testing.T) {
			i := writtest.NewIssuer(t, writ.Config{Issuer: issuer})
			f := follow(t, i.FollowConfig(api))
			if err := f.Ready(); err != nil {
				t.Fatal(err)
			}
			raw := i.Issue(writtest.Token{Claims: token.Claims{Subject: "ada"}})
			want(t, "a good token", verdict(t, f, raw), nil)
			if err := i.Manager.EndAll(t.Context(), "ada"); err != nil {
				t.Fatal(err)
			}
			soon(t, "the service refuses it", func() bool { return errors.Is(verdict(t, f, raw), token.ErrRevoked) })
			res, err := i.Client().Get(strings.TrimSuffix(i.URL, "/") + "/.well-known/jwks.json")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("Client gets the key set with status %d", res.StatusCode)
			}
		})
	}
}

func TestAnIssuerRevokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := writtest.NewIssuer(t, writ.Config{Issuer: name})
		f := follow(t, i.FollowConfig(api))
		v := i.Manager.Verifier()
		for what, revoke := range map[string]func(v *token.Verified, raw string) error{
			"a token":       func(v *token.Verified, _ string) error { i.Revoke(revocation.Token, v.ID()); return nil },
			"a session":     func(v *token.Verified, _ string) error { i.Revoke(revocation.Session, v.SessionID()); return nil },
			"a subject":     func(v *token.Verified, _ string) error { i.Revoke(revocation.Subject, v.Subject()); return nil },
			"by Revoke":     func(_ *token.Verified, raw string) error { return i.Manager.Revoke(t.Context(), raw) },
			"by End":        func(v *token.Verified, _ string) error { return i.Manager.End(t.Context(), "ada", v.SessionID()) },
			"by EndAll":     func(v *token.Verified, _ string) error { return i.Manager.EndAll(t.Context(), "ada") },
			"a foreign one": func(v *token.Verified, _ string) error { i.Revoke(revocation.Session, "s-of-another-form"); return nil },
		} {
			claims := token.Claims{Subject: "ada"}
			if what == "a foreign one" {
				claims.SessionID = "s-of-another-form"
			}
			raw, other := i.Issue(writtest.Token{Claims: claims}), i.Issue(writtest.Token{Claims: token.Claims{Subject: "bob"}})
			good, err := v.Verify(t.Context(), raw)
			if err != nil {
				t.Fatalf("%s: before: %v", what, err)
			}
			want(t, what+", before", verdict(t, f, raw), nil)
			if err := revoke(good, raw); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			time.Sleep(time.Second)
			want(t, what+", at the issuer", verdict(t, v, raw), token.ErrRevoked)
			want(t, what+", at the service", verdict(t, f, raw), token.ErrRevoked)
			want(t, what+", somebody else's", verdict(t, f, other), nil)
			want(t, what+", the next one", verdict(t, f, i.Issue(writtest.Token{Claims: token.Claims{Subject: "ada"}})), nil)
		}
	})
}

func TestAnIssuerChangesItsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := writtest.NewIssuer(t, writ.Config{Issuer: name, KeyPeriod: 3 * time.Hour})
		f := follow(t, i.FollowConfig(api))
		unit := unitVerifier(t, i.VerifierConfig(api))
		keyOf := func(raw string) string {
			t.Helper()
			v, err := unit.Verify(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			return v.KeyID()
		}
		first := i.Issue(writtest.Token{})

		staged := i.StageKey()
		if got := keyOf(i.Issue(writtest.Token{})); got == staged.ID() {
			t.Error("a key that was only published signs")
		}
		time.Sleep(3*time.Hour + time.Minute)
		asPlanned := i.Issue(writtest.Token{})
		if got := keyOf(asPlanned); got != staged.ID() {
			t.Error("the published key does not sign when its time has come")
		}
		want(t, "the published key", verdict(t, f, asPlanned), nil)

		rotated := i.RotateKey()
		for what, raw := range map[string]string{"a token": i.Issue(writtest.Token{}), "a changed one": i.Issue(writtest.Token{TTL: time.Minute})} {
			if got := keyOf(raw); got != rotated.ID() {
				t.Errorf("%s is not signed by the new key", what)
			}
		}
		atOnce := i.Issue(writtest.Token{})
		want(t, "a new key, at first", verdict(t, f, atOnce), token.ErrUnavailable)
		time.Sleep(10 * time.Second)
		want(t, "a new key that was asked for", verdict(t, f, atOnce), nil)
		want(t, "the key before", verdict(t, f, asPlanned), nil)

		replaced := i.ReplaceKey()
		last := i.Issue(writtest.Token{})
		if got := keyOf(last); got != replaced.ID() {
			t.Error("the key that replaces the compromised one does not sign")
		}
		want(t, "the compromised key, without revocations", verdict(t, unit, atOnce), token.ErrUnknownKey)
		time.Sleep(time.Second)
		if verdict(t, f, atOnce) == nil {
			t.Error("the compromised key is good at the service")
		}
		time.Sleep(20 * time.Second)
		want(t, "the compromised key, at the service", verdict(t, f, atOnce), token.ErrInvalid)
		want(t, "the key in its place", verdict(t, f, last), nil)
		want(t, "the first key's token", verdict(t, f, first), token.ErrExpired)
	})
}

func TestAnIssuersKeysRotateByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := writtest.NewIssuer(t, writ.Config{Issuer: name, KeyPeriod: 3 * time.Hour})
		v := unitVerifier(t, i.VerifierConfig(api))
		kids := map[string]bool{}
		for range 3 {
			changed, unchanged := i.Issue(writtest.Token{TTL: time.Minute}), i.Issue(writtest.Token{})
			for _, raw := range []string{changed, unchanged} {
				got, err := v.Verify(t.Context(), raw)
				if err != nil {
					t.Fatal(err)
				}
				kids[got.KeyID()] = true
			}
			time.Sleep(3*time.Hour + time.Minute)
		}
		if len(kids) != 3 {
			t.Errorf("%d keys have signed in three periods", len(kids))
		}
	})
}

// In a bubble no time passes between two changes, unless they take care of it.
func TestKeysChangeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 8 {
			i := writtest.NewIssuer(t, writ.Config{Issuer: name})
			for _, change := range []func() *keys.Public{i.RotateKey, i.ReplaceKey, i.ReplaceKey, i.RotateKey} {
				k := change()
				v, err := i.Manager.Verify(t.Context(), i.Issue(writtest.Token{}))
				if err != nil {
					t.Fatal(err)
				}
				if v.KeyID() != k.ID() {
					t.Error("another key signs")
				}
			}
		}
	})
}

// The feed's signature and the key set go together: whoever follows does not lose touch.
func TestAServiceOutlivesItsIssuersRotations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := writtest.NewIssuer(t, writ.Config{Issuer: name, Algorithm: keys.EdDSA})
		f := follow(t, i.FollowConfig(api))
		for range 30 {
			i.RotateKey()
			time.Sleep(time.Minute)
			want(t, "after a rotation", verdict(t, f, i.Issue(writtest.Token{})), nil)
			if err := f.Ready(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAnIssuerThatIsDown(t *testing.T) { // req 62
	const jwks, feed = "/.well-known/jwks.json", "/.well-known/revocations"
	for what, down := range map[string]func(*writtest.Issuer){
		"fails":           func(i *writtest.Issuer) { i.Fail(http.StatusServiceUnavailable) },
		"is disconnected": (*writtest.Issuer).Disconnect,
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := writtest.NewIssuer(t, writ.Config{Issuer: name})
				f := follow(t, i.FollowConfig(api))
				raw, revoked := i.Issue(writtest.Token{}), i.Issue(writtest.Token{Claims: token.Claims{Subject: "bob"}})
				want(t, "before", verdict(t, f, raw), nil)
				if i.Requests(jwks) == 0 || i.Requests(feed) == 0 || i.Requests("/") != 0 {
					t.Errorf("%d requests for keys, %d for revocations", i.Requests(jwks), i.Requests(feed))
				}
				down(i)
				if _, err := writ.Follow(t.Context(), i.FollowConfig(api)); err == nil {
					t.Error("a service starts without keys")
				}
				if err := i.Manager.EndAll(t.Context(), "bob"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(30 * time.Second)
				want(t, "what was revoked meanwhile", verdict(t, f, revoked), nil)
				want(t, "while revocations are young enough", verdict(t, f, raw), nil)
				time.Sleep(time.Minute)
				want(t, "when they are too old", verdict(t, f, raw), token.ErrStale)
				i.Recover()
				time.Sleep(30 * time.Second)
				want(t, "when the issuer is back", verdict(t, f, raw), nil)
				want(t, "what was revoked, when it is heard", verdict(t, f, revoked), token.ErrRevoked)
				if err := f.Ready(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAnIssuerOnASocketGoesDownAndComesBack(t *testing.T) {
	i := writtest.NewIssuer(t, writ.Config{})
	ask := func() (status int) {
		t.Helper()
		res, err := i.Client().Get(i.URL + "/.well-known/jwks.json")
		if err != nil {
			return 0
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := ask(); got != http.StatusOK {
		t.Errorf("at first: status %d", got)
	}
	i.Fail(http.StatusTeapot)
	if got := ask(); got != http.StatusTeapot {
		t.Errorf("Fail: status %d", got)
	}
	i.Disconnect()
	if got := ask(); got != 0 {
		t.Errorf("Disconnect: status %d", got)
	}
	i.Recover()
	if got := ask(); got != http.StatusOK {
		t.Errorf("Recover: status %d", got)
	}
	if got := i.Requests("/.well-known/jwks.json"); got != 3 {
		t.Errorf("%d requests, want 3: none while it was disconnected", got)
	}
}

func TestAnIssuerServesWhatIsAdded(t *testing.T) {
	i := writtest.NewIssuer(t, writ.Config{Issuer: name})
	i.Mux.Handle("/realms/demo/protocol/openid-connect/certs", i.Manager.Endpoints().Keys)
	c := i.FollowConfig(api)
	c.Issuer, c.KeysURL, c.UntilExpiry = name+"/realms/demo", name+"/realms/demo/protocol/openid-connect/certs", true
	raw := i.Issue(writtest.Token{Payload: map[string]any{"iss": c.Issuer}})
	want(t, "another name and place", verdict(t, follow(t, c), raw), nil)
}

func TestAnIssuerKeepsWhatTheConfigSays(t *testing.T) {
	secret := make([]byte, 32)
	rand.Read(secret)
	i := writtest.NewIssuer(t, writ.Config{
		Issuer: name, Audience: "https://mine.example", Algorithm: keys.EdDSA, Secret: secret,
		FeedAllow: func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer feed" },
	})
	raw := i.Issue(writtest.Token{})
	v, err := unitVerifier(t, i.VerifierConfig("https://mine.example")).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if i.RotateKey().Algorithm() != keys.EdDSA || v.Issuer() != name {
		t.Error("another algorithm or issuer")
	}
	c := i.FollowConfig("https://mine.example")
	if f := follow(t, c); f.Ready() == nil {
		t.Error("the feed is public")
	}
	c.Authorize = func(r *http.Request) error { r.Header.Set("Authorization", "Bearer feed"); return nil }
	want(t, "with leave", verdict(t, follow(t, c), raw), nil)
}
