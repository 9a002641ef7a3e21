package interop

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"go/build"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
	"github.com/writ-go/writ/keys/mldsa"
)

// Every library fetches what a ring publishes, from where it publishes it, and reads its tokens.
func TestPeersFetchAPublishedRing(t *testing.T) {
	for _, a := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.PS256} {
		t.Run(a.Name(), func(t *testing.T) {
			ring, err := keys.Open(context.Background(), keys.Config{
				Issuer: issuer, Vault: keys.Dir(t.TempDir() + "/ring"), InClear: true, Algorithm: a,
			})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(jwks.Handler(ring))
			t.Cleanup(server.Close)
			key, err := ring.Signing()
			if err != nil {
				t.Fatal(err)
			}
			raw := issue(t, key)
			want := wanted(t, key, raw)

			readers := map[string]reader{"go-oidc": readRemote(server.URL, a.Name())}
			set := get(t, server.URL)
			for _, p := range []peer{goJose, jwx} {
				if readers[p.name], err = p.reader(t, set, a.Name()); err != nil {
					t.Fatalf("%s: %v", p.name, err)
				}
			}
			for name, read := range readers {
				got, err := read(raw)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				compare(t, got, want)
			}
			t.Run("jose", func(t *testing.T) {
				got, err := startNode(t).reader(map[string]any{"url": server.URL, "alg": a.Name()})(raw)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, got, want)
			})
		})
	}
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return b
}

// Every library has the same thumbprint for every published key.
// req 33
func TestThumbprints(t *testing.T) {
	for _, a := range asymmetric() {
		key := writKey(t, a).Public()
		var g jose.JSONWebKey
		if err := json.Unmarshal(key.JWK(), &g); err != nil {
			t.Fatal(err)
		}
		fromGoJose, err := g.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		j, err := jwk.ParseKey(key.JWK())
		if err != nil {
			t.Fatal(err)
		}
		fromJWX, err := j.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string][]byte{"go-jose": fromGoJose, "jwx": fromJWX} {
			if base64.RawURLEncoding.EncodeToString(got) != key.ID() {
				t.Errorf("%s: %s has another thumbprint", a.Name(), name)
			}
		}
	}
}

// A key of a kind that a library does not know must not take the others of the set from it (RFC 7517
// section 5). Two libraries refuse the whole set all the same: where one of them verifies, a ring
// must not move to ML-DSA.
func TestASetWithAKeyOfAnUnknownKind(t *testing.T) {
	known, unknown := writKey(t, keys.ES256), writKey(t, mldsa.MLDSA44)
	set := jwks.Marshal([]*keys.Public{unknown.Public(), known.Public()})
	raw := issue(t, known)
	want := wanted(t, known, raw)
	peers := map[string]struct {
		peer   peer
		refuse bool
	}{
		"go-jose": {goJose, !slices.Contains(build.Default.ReleaseTags, "go1.27")}, // with which it knows ML-DSA
		"jwx":     {jwx, true},                                                     // unless its user sets jwk.WithStrictKeySetParsing(false)
		"go-oidc": {goOIDC, false},
		"jose":    {peer{}, false},
	}
	for name, test := range peers {
		t.Run(name, func(t *testing.T) {
			if name == "jose" {
				test.peer = startNode(t).peer()
			}
			read, err := test.peer.reader(t, set, "ES256")
			if refused := err != nil; refused != test.refuse {
				t.Fatalf("the set is refused: %v, want %v", refused, test.refuse)
			}
			if test.refuse {
				return
			}
			got, err := read(raw)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
		})
	}
	t.Run("writ", func(t *testing.T) {
		s, err := jwks.Parse(set, keys.ES256)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writReader(t, s.Keys)(raw); err != nil {
			t.Error(err)
		}
		if len(s.Skipped) != 1 {
			t.Errorf("%d keys are skipped, want 1", len(s.Skipped))
		}
	})
}

// A set names its keys as its publisher likes.
func TestAKidThatIsNoThumbprint(t *testing.T) {
	signer := newKey(t, "ES256")
	key := jose.JSONWebKey{Key: signer, KeyID: "2026-11/signing#1", Algorithm: "ES256", Use: "sig"}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := jwks.Parse(set, keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writReader(t, s.Keys)(signGoJose(t, key, payload())); err != nil {
		t.Error(err)
	}
}
