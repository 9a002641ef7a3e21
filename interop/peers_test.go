package interop

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json" // as users of the peers have it
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
)

// peer is another library.
type peer struct {
	name    string
	unknown []string // algorithms that it does not know, of those that package keys has

	// reader reads tokens that are signed under alg with a key of the set.
	reader func(t testing.TB, set []byte, alg string) (reader, error)

	// issue signs a payload with a key of the peer's making, named by its thumbprint, and returns
	// the set that verifies it. The set of a symmetric key is secret. nil: it only reads.
	issue func(t testing.TB, alg string, payload map[string]any) (set []byte, raw string)
}

// reader verifies a token, by its library's rules for issuer, audience and time, and reads its claims.
type reader func(raw string) (claims, error)

// claims are what writ and its peers must read alike. Dates are in seconds.
type claims struct {
	Issuer, Subject              string
	Audience                     []string
	Expires, NotBefore, IssuedAt int64
	ID, ClientID, SessionID      string
	Scope                        []string
}

// private are the claims that a library reads by the names that its user gives.
type private struct {
	ClientID  string `json:"client_id"`
	SessionID string `json:"sid"`
	Scope     string `json:"scope"`
}

var (
	goJose = peer{"go-jose", []string{"Ed25519"}, readGoJose, issueGoJose}
	jwx    = peer{"jwx", nil, readJWX, issueJWX}
	goOIDC = peer{"go-oidc", []string{"Ed25519", "HS256", "HS384", "HS512"}, readGoOIDC, nil}
)

// errSet is all that is said of a key set that a peer refuses: its own error may quote a secret key.
var errSet = errors.New("it refuses the key set")

func readGoJose(_ testing.TB, set []byte, alg string) (reader, error) {
	var s jose.JSONWebKeySet
	if json.Unmarshal(set, &s) != nil {
		return nil, errSet
	}
	return func(raw string) (c claims, err error) {
		signed, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		if err != nil {
			return c, err
		}
		named := s.Key(signed.Headers[0].KeyID)
		if len(named) != 1 {
			return c, fmt.Errorf("%d keys have the kid", len(named))
		}
		var registered josejwt.Claims
		var p private
		if err := signed.Claims(named[0], &registered, &p); err != nil {
			return c, err
		}
		expected := josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: now}
		if err := registered.ValidateWithLeeway(expected, leeway); err != nil {
			return c, err
		}
		return claims{
			Issuer: registered.Issuer, Subject: registered.Subject, Audience: registered.Audience,
			Expires: seconds(registered.Expiry), NotBefore: seconds(registered.NotBefore), IssuedAt: seconds(registered.IssuedAt),
			ID: registered.ID, ClientID: p.ClientID, SessionID: p.SessionID, Scope: words(p.Scope),
		}, nil
	}, nil
}

func seconds(d *josejwt.NumericDate) int64 {
	if d == nil {
		return 0
	}
	return int64(*d)
}

// words are the scopes of a text. Only a space parts them (RFC 6749 section 3.3).
func words(scope string) []string {
	return slices.DeleteFunc(strings.Split(scope, " "), func(w string) bool { return w == "" })
}

func issueGoJose(t testing.TB, alg string, payload map[string]any) ([]byte, string) {
	t.Helper()
	key := jose.JSONWebKey{Key: newKey(t, alg), KeyID: "secret", Algorithm: alg, Use: "sig"}
	if !symmetric(alg) { // go-jose makes no thumbprint of a secret
		thumbprint, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal("go-jose makes no thumbprint of its key")
		}
		key.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	}
	raw := signGoJose(t, key, payload)
	public := key
	if !symmetric(alg) {
		public = key.Public()
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})
	if err != nil {
		t.Fatal("go-jose does not write its key set")
	}
	return set, raw
}

func signGoJose(t testing.TB, key jose.JSONWebKey, payload map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("at+jwt")
	if symmetric(key.Algorithm) {
		options.WithHeader("kid", key.KeyID) // go-jose does not name a secret
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, options)
	if err != nil {
		t.Fatal("go-jose does not take its key")
	}
	raw, err := josejwt.Signed(signer).Claims(payload).Serialize()
	if err != nil {
		t.Fatal("go-jose does not sign")
	}
	return raw
}

func readJWX(_ testing.TB, set []byte, _ string) (reader, error) {
	s, err := jwk.Parse(set)
	if err != nil {
		return nil, errSet
	}
	return func(raw string) (c claims, err error) {
		token, err := jwxjwt.ParseString(raw, jwxjwt.WithKeySet(s), jwxjwt.WithIssuer(issuer), jwxjwt.WithAudience(audience),
			jwxjwt.WithClock(jwxjwt.ClockFunc(func() time.Time { return now })), jwxjwt.WithAcceptableSkew(leeway))
		if err != nil {
			return c, err
		}
		c.Issuer, _ = token.Issuer()
		c.Subject, _ = token.Subject()
		c.Audience, _ = token.Audience()
		c.ID, _ = token.JwtID()
		for to, get := range map[*int64]func() (time.Time, bool){
			&c.Expires: token.Expiration, &c.NotBefore: token.NotBefore, &c.IssuedAt: token.IssuedAt,
		} {
			if date, ok := get(); ok {
				*to = date.Unix()
			}
		}
		var scope string
		for name, to := range map[string]*string{"client_id": &c.ClientID, "sid": &c.SessionID, "scope": &scope} {
			if token.Has(name) {
				if err := token.Get(name, to); err != nil {
					return claims{}, err
				}
			}
		}
		c.Scope = words(scope)
		return c, nil
	}, nil
}

func issueJWX(t testing.TB, alg string, payload map[string]any) ([]byte, string) {
	t.Helper()
	key, err := jwk.Import(newKey(t, alg))
	if err != nil {
		t.Fatal("jwx does not take the key")
	}
	a, ok := jwa.LookupSignatureAlgorithm(alg)
	if !ok {
		t.Fatalf("jwx does not know %s", alg)
	}
	if jwk.AssignKeyID(key) != nil || key.Set(jwk.AlgorithmKey, a) != nil || key.Set(jwk.KeyUsageKey, jwk.ForSignature) != nil {
		t.Fatal("jwx does not name its key")
	}
	token := jwxjwt.New()
	for name, value := range payload {
		if err := token.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "at+jwt"); err != nil {
		t.Fatal(err)
	}
	raw, err := jwxjwt.Sign(token, jwxjwt.WithKey(a, key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal("jwx does not sign")
	}
	set := jwk.NewSet()
	if !symmetric(alg) {
		if key, err = jwk.PublicKeyOf(key); err != nil {
			t.Fatal("jwx finds no public half")
		}
	}
	if set.AddKey(key) != nil {
		t.Fatal("jwx makes no set of its key")
	}
	out, err := json.Marshal(set)
	if err != nil {
		t.Fatal("jwx does not write its key set")
	}
	return out, string(raw)
}

// readGoOIDC fetches the set over HTTP, which is the only way that go-oidc has.
func readGoOIDC(t testing.TB, set []byte, alg string) (reader, error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Write(set)
	}))
	t.Cleanup(server.Close)
	return readRemote(server.URL, alg), nil
}

// readRemote is go-oidc with the key set at url.
func readRemote(url, alg string) reader {
	verifier := oidc.NewVerifier(issuer, oidc.NewRemoteKeySet(context.Background(), url), &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: []string{alg}, Now: func() time.Time { return now },
	})
	return func(raw string) (c claims, err error) {
		token, err := verifier.Verify(context.Background(), raw)
		if err != nil {
			return c, err
		}
		var p struct {
			private
			NotBefore int64  `json:"nbf"`
			ID        string `json:"jti"`
		}
		if err := token.Claims(&p); err != nil {
			return c, err
		}
		return claims{
			Issuer: token.Issuer, Subject: token.Subject, Audience: token.Audience,
			Expires: token.Expiry.Unix(), NotBefore: p.NotBefore, IssuedAt: token.IssuedAt.Unix(),
			ID: p.ID, ClientID: p.ClientID, SessionID: p.SessionID, Scope: words(p.Scope),
		}, nil
	}
}

func symmetric(alg string) bool { return strings.HasPrefix(alg, "HS") }

// rsaKey is made once: one for all algorithms, which a peer's key set then binds it to.
var rsaKey = sync.OnceValues(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// newKey makes a test key with Go's own packages, in the types that peers take.
func newKey(t testing.TB, alg string) any {
	t.Helper()
	curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
	var key any
	err := errors.New("no such algorithm")
	switch {
	case curves[alg] != nil:
		key, err = ecdsa.GenerateKey(curves[alg], rand.Reader)
	case alg == "EdDSA" || alg == "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case strings.HasPrefix(alg, "RS"), strings.HasPrefix(alg, "PS"):
		key, err = rsaKey()
	case symmetric(alg):
		secret := make([]byte, 64)
		rand.Read(secret)
		key, err = secret, nil
	}
	if err != nil {
		t.Fatalf("making a key for %s: %v", alg, err)
	}
	return key
}
