package interop

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
	"github.com/writ-go/writ/token"
)

const (
	issuer   = "https://login.example"
	audience = "https://api.example"
	leeway   = 5 * time.Second
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// keySet is an issuer's keys by kid.
type keySet map[string]*keys.Public

func (s keySet) Public(iss, kid string) (*keys.Public, error) {
	if k, ok := s[kid]; ok && iss == issuer {
		return k, nil
	}
	return nil, keys.ErrUnknown
}

// signingKey is a key that signs now.
type signingKey struct{ *keys.Private }

func (k signingKey) Signing() (*keys.Private, error) { return k.Private, nil }

// writReader is writ as a reader. It leaves out audience and nbf, which a Verified does not tell.
func writReader(t testing.TB, set keySet) reader {
	t.Helper()
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: audience, Keys: set, UntilExpiry: true, Leeway: leeway, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(raw string) (claims, error) {
		v, err := verifier.Verify(context.Background(), raw)
		if err != nil {
			return claims{}, err
		}
		return claims{
			Issuer: v.Issuer(), Subject: v.Subject(), Expires: v.ExpiresAt().Unix(), IssuedAt: v.IssuedAt().Unix(),
			ID: v.ID(), ClientID: v.ClientID(), SessionID: v.SessionID(), Scope: words(strings.Join(v.Scopes(), " ")),
		}, nil
	}
}

// compare says which claims differ, which are no secrets here.
func compare(t testing.TB, got, want claims) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v, want\n%+v", got, want)
	}
}

// asymmetric are the algorithms of package keys that a key set may publish.
func asymmetric() []keys.Algorithm {
	return slices.DeleteFunc(keys.Algorithms(), func(a keys.Algorithm) bool { return symmetric(a.Name()) })
}

func TestGoJose(t *testing.T) { agree(t, goJose) }

func TestJWX(t *testing.T) { agree(t, jwx) }

func TestGoOIDC(t *testing.T) { agree(t, goOIDC) }

func TestJose(t *testing.T) { agree(t, startNode(t).peer()) }

// subject has what JSON must, may and need not escape.
const subject = "zoë \"q\" \\ / \u2028 😀 </script> \t\x7f"

// agree has writ and the peer read each other's tokens, with each other's key sets, under every
// algorithm that the peer knows.
func agree(t *testing.T, p peer) {
	for _, a := range keys.Algorithms() {
		if !slices.Contains(p.unknown, a.Name()) {
			agreeOn(t, p, a)
		}
	}
}

func agreeOn(t *testing.T, p peer, a keys.Algorithm) {
	t.Run(p.name+" reads "+a.Name(), func(t *testing.T) {
		key := writKey(t, a)
		raw := issue(t, key)
		want := wanted(t, key, raw)
		read, err := p.reader(t, setOf(t, key), a.Name())
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(raw)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, got, want)
	})
	if p.issue == nil {
		return
	}
	t.Run("writ reads "+a.Name()+" of "+p.name, func(t *testing.T) {
		set, raw := p.issue(t, a.Name(), payload())
		got, err := writReader(t, readSet(t, set, a))(raw)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, got, claims{
			Issuer: issuer, Subject: subject, Expires: now.Unix() + 600, IssuedAt: now.Unix(),
			ID: "j1", ClientID: "app", SessionID: "s1", Scope: []string{"read", "write:all"},
		})
	})
}

// payload is what peers sign.
func payload() map[string]any {
	return map[string]any{
		"iss": issuer, "sub": subject, "aud": audience, "exp": now.Unix() + 600, "nbf": now.Unix() - 1, "iat": now.Unix(),
		"jti": "j1", "client_id": "app", "sid": "s1", "scope": "read write:all", "ist": now.UnixMicro(),
	}
}

// wanted is what writ reads of a token that it issued, and so must its peers.
func wanted(t testing.TB, key *keys.Private, raw string) claims {
	t.Helper()
	want, err := writReader(t, keySet{key.ID(): key.Public()})(raw)
	if err != nil {
		t.Fatalf("writ does not read its own token: %v", err)
	}
	want.Audience, want.NotBefore = []string{audience}, now.Unix()
	return want
}

// writKey makes a test key.
func writKey(t testing.TB, a keys.Algorithm) *keys.Private {
	t.Helper()
	s, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.FromSigner(a, s) // saves the time that a new RSA key takes
	if err != nil {
		key, err = keys.Generate(a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue has writ issue a token.
func issue(t testing.TB, key *keys.Private) string {
	t.Helper()
	i, err := token.NewIssuer(token.IssuerConfig{Issuer: issuer, Audience: audience, Keys: signingKey{key}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := i.Issue(token.Claims{
		Subject: subject, SessionID: "s1", ClientID: "app", Scope: []string{"read", "write:all"},
	}, now, now.Add(10*time.Minute), now.UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// setOf is what a peer gets to verify with: the published set or, for a symmetric key, a set of the
// secret, which writ itself never makes.
func setOf(t testing.TB, key *keys.Private) []byte {
	t.Helper()
	if !key.Public().Symmetric() {
		return jwks.Marshal([]*keys.Public{key.Public()})
	}
	jwk, err := key.CleartextJWK()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"keys":[%s]}`, jwk)
}

// readSet has writ read a peer's key set: a published one as a set, a secret as the one JWK in it.
// req 33
func readSet(t testing.TB, set []byte, a keys.Algorithm) keySet {
	t.Helper()
	if symmetric(a.Name()) {
		return readSecret(t, set, a)
	}
	allowed := asymmetric()
	if !slices.Contains(allowed, a) {
		allowed = append(allowed, a)
	}
	s, err := jwks.Parse(set, allowed...)
	if err != nil {
		t.Fatal(err)
	}
	for kid, key := range s.Keys {
		if kid != key.ID() {
			t.Errorf("a kid is %s, and the thumbprint is %s", kid, key.ID())
		}
	}
	return s.Keys
}

func readSecret(t testing.TB, set []byte, a keys.Algorithm) keySet {
	t.Helper()
	var s struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if json.Unmarshal(set, &s) != nil || len(s.Keys) != 1 {
		t.Fatal("the set has not one key")
	}
	var named struct {
		KID string `json:"kid"`
	}
	if json.Unmarshal(s.Keys[0], &named) != nil {
		t.Fatal("the key has no kid")
	}
	key, err := keys.ParsePrivateJWK(a, s.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	return keySet{named.KID: key.Public()}
}
