package interop

import (
	"errors"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// req 25, 26, 27, 29, 30
func TestWycheproofJWK(t *testing.T) {
	var got tally
	for _, g := range load(t, "json_web_key_test.json").Groups {
		if _, err := jwks.Parse(g.Private, asymmetric()...); err == nil {
			t.Errorf("%s: a set with secrets is taken for a published one", g.Comment)
		}
		for _, test := range g.Tests {
			got.judge(t, test, verifyWithSet(t, g, test.JWS), false)
		}
	}
	got.check(t, tally{total: 26, accepted: 5, refused: 21})
}

// verifyWithSet finds a token's key in a group's set, then verifies.
func verifyWithSet(t *testing.T, g group, raw string) error {
	t.Helper()
	m, err := jws.Parse(raw)
	if err != nil {
		t.Errorf("these tests are about keys, and the token is %v", err)
		return err
	}
	key, err := keyOfSet(t, g, m.Header.KeyID)
	if err != nil {
		return err
	}
	_, err = m.Verify(key)
	return err
}

// keyOfSet has jwks.Parse read a public set. writ reads no set of secrets, but each secret by itself;
// so of such a set, if it has nothing else, it gets the one key that the token names.
func keyOfSet(t *testing.T, g group, kid string) (*keys.Public, error) {
	t.Helper()
	if g.Public != nil {
		s, err := jwks.Parse(g.Public, asymmetric()...)
		if err != nil {
			return nil, err
		}
		key, ok := s.Keys[kid]
		if !ok {
			return nil, keys.ErrUnknown
		}
		return key, nil
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if json.Unmarshal(g.Private, &set) != nil {
		t.Fatal("the set is no JSON")
	}
	type head struct {
		KID       string `json:"kid"`
		Type      string `json:"kty"`
		Algorithm string `json:"alg"`
	}
	var named []jsontext.Value
	var algorithms []string
	for _, jwk := range set.Keys {
		var h head
		if json.Unmarshal(jwk, &h) != nil {
			t.Fatal("a key is no JSON")
		}
		if h.Type != "oct" {
			return nil, errors.New("the set has secrets and other keys")
		}
		if h.KID == kid {
			named, algorithms = append(named, jwk), append(algorithms, h.Algorithm)
		}
	}
	if len(named) != 1 {
		return nil, errors.New("not one key has the kid")
	}
	a, err := algorithm(algorithms[0])
	if err != nil {
		return nil, err
	}
	key, err := keys.ParsePrivateJWK(a, named[0])
	if err != nil {
		return nil, err
	}
	return key.Public(), nil
}
