package interop

import (
	"context"
	"crypto/x509"
	"encoding/json" // as users of the peers have it
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// provider is an issuer that is not writ, with tokens in its manner, and what one has to give up for them.
type provider struct {
	path     string // of its issuer, below its host
	keys     string // where its set is; empty: where writ looks by itself
	audience string
	foreign  token.Foreign
	access   map[string]any // without iss, iat and exp
	id       map[string]any // of the same sign-in, for the client
	life     time.Duration
	want     claims // without issuer and dates
}

// providers have what the documentation of each shows, with names of nobody.
var providers = map[string]provider{
	"Keycloak": {
		path: "/realms/demo", keys: "/realms/demo/protocol/openid-connect/certs", audience: audience, life: 5 * time.Minute,
		foreign: token.Foreign{TypeJWT: true, WithoutStamp: true, WithoutClientID: true},
		access: map[string]any{
			"jti": "onrtac:0b1c5a2e-3f8d-4f6b-9a52-6d6c7a1f2e11", "aud": []string{audience, "account"}, "sub": "8f6f2c1e-7d0b-4f4a-8b52-1d7d5c3a9e10",
			"typ": "Bearer", "azp": "web", "sid": "c7b1d6a0-5a5e-4b1f-9a0c-2f3e4d5c6b7a", "acr": "1", "allowed-origins": []string{"https://web.example"},
			"realm_access":    map[string]any{"roles": []string{"offline_access", "notes"}},
			"resource_access": map[string]any{"account": map[string]any{"roles": []string{"manage-account"}}},
			"scope":           "openid email profile", "email_verified": true, "name": "Alice Liddell", "preferred_username": "alice",
		},
		id: map[string]any{
			"jti": "5a0e1f4c-9f35-4c0d-8a37-7f2d6a1b3c4d", "aud": "web", "sub": "8f6f2c1e-7d0b-4f4a-8b52-1d7d5c3a9e10",
			"typ": "ID", "azp": "web", "sid": "c7b1d6a0-5a5e-4b1f-9a0c-2f3e4d5c6b7a", "at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng", "acr": "1",
			"email_verified": true, "preferred_username": "alice",
		},
		want: claims{
			Subject: "8f6f2c1e-7d0b-4f4a-8b52-1d7d5c3a9e10", ID: "onrtac:0b1c5a2e-3f8d-4f6b-9a52-6d6c7a1f2e11", ClientID: "web",
			SessionID: "c7b1d6a0-5a5e-4b1f-9a0c-2f3e4d5c6b7a", Scope: []string{"openid", "email", "profile"},
		},
	},
	"Auth0": {
		path: "/", audience: audience, life: 24 * time.Hour,
		foreign: token.Foreign{TypeJWT: true, WithoutStamp: true, WithoutID: true, WithoutClientID: true, MaxTTL: 24 * time.Hour},
		access: map[string]any{
			"sub": "auth0|65f0c1d2e3a4b5c6d7e8f901", "aud": []string{audience, "https://tenant.example/userinfo"},
			"azp": "mU3rW9xK2pQ7", "scope": "openid read:notes", "gty": "password", "permissions": []string{"read:notes"},
		},
		id: map[string]any{
			"sub": "auth0|65f0c1d2e3a4b5c6d7e8f901", "aud": "mU3rW9xK2pQ7", "nickname": "alice", "sid": "Zq8vN2xT5bK7", "nonce": "dGVzdA",
		},
		want: claims{Subject: "auth0|65f0c1d2e3a4b5c6d7e8f901", ClientID: "mU3rW9xK2pQ7", Scope: []string{"openid", "read:notes"}},
	},
}

func TestFollowingAProviderThatIsNotWrit(t *testing.T) {
	for name, p := range providers {
		t.Run(name, func(t *testing.T) {
			server := serveProvider(t, p)
			raw := server.sign(t, p.access, p.life)
			got, err := server.follow(t, p.foreign).Verify(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, claims{
				Subject: got.Subject(), ID: got.ID(), ClientID: got.ClientID(), SessionID: got.SessionID(), Scope: got.Scopes(),
			}, p.want)
			if life := got.ExpiresAt().Sub(got.IssuedAt()); life != p.life || got.Issuer() != server.issuer {
				t.Errorf("life %s", life)
			}
			for _, lesser := range withoutEach(p.foreign) {
				if _, err := server.follow(t, lesser).Verify(t.Context(), raw); !errors.Is(err, token.ErrType) && !errors.Is(err, token.ErrMalformed) {
					t.Errorf("with no more than %+v: %v", lesser, err)
				}
			}

			// With TypeJWT nothing but the audience tells it from an access token.
			if _, err := server.follow(t, p.foreign).Verify(t.Context(), server.sign(t, p.id, p.life)); !errors.Is(err, token.ErrAudience) {
				t.Errorf("an ID token: %v", err)
			}
		})
	}
}

// What a provider does not have is given up by name only.
func TestAProviderWithoutAFeedIsFollowedUntilExpiryOnly(t *testing.T) {
	p := providers["Keycloak"]
	server := serveProvider(t, p)
	c := server.config(p.foreign)
	c.UntilExpiry = false
	f, err := writ.Follow(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), server.sign(t, p.access, p.life)); !errors.Is(err, token.ErrStale) || f.Ready() == nil {
		t.Errorf("err = %v, want that it cannot be told", err)
	}
	c.Foreign = providers["Auth0"].foreign
	if _, err := writ.Follow(t.Context(), c); err == nil || !strings.Contains(err.Error(), "MaxTTL") {
		t.Errorf("tokens that live longer than revocations are kept: %v", err)
	}
}

// What a user may do stands in a claim of the provider's own.
func TestAGuardDecidesByAClaimOfTheProvider(t *testing.T) {
	type realm struct {
		Roles []string `json:"roles"`
	}
	for name, test := range map[string]struct {
		rule   func(*token.Verified) error
		claim  string
		others any // what a user has who may not
	}{
		"Keycloak": {needs("notes", func(v *token.Verified) ([]string, error) {
			got, err := token.Claim[realm](v, "realm_access")
			return got.Roles, err
		}), "realm_access", realm{[]string{"offline_access"}}},
		"Auth0": {needs("read:notes", func(v *token.Verified) ([]string, error) {
			return token.Claim[[]string](v, "permissions")
		}), "permissions", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := providers[name]
			server := serveProvider(t, p)
			p.foreign.Claims = []string{test.claim}
			follower := server.follow(t, p.foreign)
			guarded := follower.Guard().Require(test.rule).Func(func(w http.ResponseWriter, _ *http.Request, v *token.Verified) {
				w.Write([]byte(v.Subject()))
			})
			without := func(claim any) string {
				access := maps.Clone(p.access)
				access[test.claim] = claim
				return server.sign(t, access, p.life)
			}
			for name, ask := range map[string]struct {
				raw  string
				want int
			}{
				"with the role":       {server.sign(t, p.access, p.life), 200},
				"with others":         {without(test.others), 403},
				"with null":           {without(nil), 403},
				"with something else": {without("notes"), 403},
				"spoilt":              {without(test.others) + "A", 401},
			} {
				r := httptest.NewRequest("GET", "/notes", nil)
				r.Header.Set("Authorization", "Bearer "+ask.raw)
				w := httptest.NewRecorder()
				guarded.ServeHTTP(w, r)
				if w.Code != ask.want {
					t.Errorf("%s: status %d, want %d", name, w.Code, ask.want)
				}
			}
		})
	}
}

// needs is a rule that wants a role.
func needs(role string, roles func(*token.Verified) ([]string, error)) func(*token.Verified) error {
	return func(v *token.Verified) error {
		has, err := roles(v)
		if err != nil {
			return fmt.Errorf("%w: %w", middleware.ErrForbidden, err)
		}
		if !slices.Contains(has, role) {
			return middleware.ErrForbidden
		}
		return nil
	}
}

// withoutEach are f with one waiver less, each.
func withoutEach(f token.Foreign) (list []token.Foreign) {
	for i := range reflect.TypeFor[token.Foreign]().NumField() {
		lesser := f
		reflect.ValueOf(&lesser).Elem().Field(i).SetZero()
		if !reflect.DeepEqual(lesser, f) {
			list = append(list, lesser)
		}
	}
	return list
}

// providerServer publishes a provider's keys with TLS, and signs with one of them.
type providerServer struct {
	provider
	server *httptest.Server
	issuer string
	key    jose.JSONWebKey
}

// serveProvider has a set as providers do: names that are no thumbprints, and a key to encrypt with.
func serveProvider(t *testing.T, p provider) *providerServer {
	t.Helper()
	key := jose.JSONWebKey{Key: newKey(t, "RS256"), KeyID: "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE", Algorithm: "RS256", Use: "sig"} // a test key
	public := key.Public()
	encrypting := public
	encrypting.KeyID, encrypting.Algorithm, encrypting.Use = "for-encryption", "RSA-OAEP", "enc"
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{encrypting, public}})
	if err != nil {
		t.Fatal("go-jose does not write its key set")
	}
	path := p.keys
	if path == "" {
		path = "/.well-known/jwks.json"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(set)
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	return &providerServer{p, server, server.URL + p.path, key}
}

func (s *providerServer) config(f token.Foreign) writ.FollowConfig {
	c := writ.FollowConfig{
		Issuer: s.issuer, Audience: s.audience, UntilExpiry: true, Foreign: f, Algorithms: []keys.Algorithm{keys.RS256}, RootCAs: x509.NewCertPool(),
	}
	if s.keys != "" {
		c.KeysURL = s.server.URL + s.keys
	}
	c.RootCAs.AddCert(s.server.Certificate())
	return c
}

func (s *providerServer) follow(t *testing.T, f token.Foreign) *writ.Follower {
	t.Helper()
	follower, err := writ.Follow(context.Background(), s.config(f))
	if err != nil {
		t.Fatal(err)
	}
	return follower
}

func (s *providerServer) sign(t *testing.T, payload map[string]any, life time.Duration) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: s.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal("go-jose does not take its key")
	}
	at := time.Now()
	payload = maps.Clone(payload)
	payload["iss"] = s.issuer
	payload["iat"], payload["exp"] = at.Unix(), at.Add(life).Unix()
	raw, err := josejwt.Signed(signer).Claims(payload).Serialize()
	if err != nil {
		t.Fatal("go-jose does not sign")
	}
	return raw
}
