package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	peermldsa "filippo.io/mldsa"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
	"github.com/writ-go/writ/keys/mldsa"
)

// filippo.io/mldsa knows no JOSE, so header and key set are written by hand here, from RFC 9964.
func TestMLDSA(t *testing.T) {
	b64 := base64.RawURLEncoding
	for _, test := range []struct {
		algorithm  keys.Algorithm
		parameters peermldsa.Parameters
	}{
		{mldsa.MLDSA44, peermldsa.MLDSA44()},
		{mldsa.MLDSA65, peermldsa.MLDSA65()},
	} {
		name := test.algorithm.Name()
		t.Run("filippo.io/mldsa reads "+name, func(t *testing.T) {
			key := writKey(t, test.algorithm)
			var jwk struct{ Alg, Kty, Pub, Priv string }
			private, err := key.CleartextJWK()
			if err != nil || json.Unmarshal(private, &jwk) != nil {
				t.Fatal("the private JWK is no JSON")
			}
			if jwk.Alg != name || jwk.Kty != "AKP" {
				t.Fatalf("alg %q and kty %q", jwk.Alg, jwk.Kty)
			}
			seed, err := b64.DecodeString(jwk.Priv)
			if err != nil {
				t.Fatal("priv is not in base64url")
			}
			fromSeed, err := peermldsa.NewPrivateKey(test.parameters, seed)
			if err != nil {
				t.Fatal("the peer does not take the seed")
			}
			public, err := b64.DecodeString(jwk.Pub)
			if err != nil || !bytes.Equal(public, fromSeed.PublicKey().Bytes()) {
				t.Error("the peer makes another public key of the seed")
			}
			raw := issue(t, key)
			dot := strings.LastIndexByte(raw, '.')
			signature, err := b64.DecodeString(raw[dot+1:])
			if err != nil {
				t.Fatal(err)
			}
			if err := peermldsa.Verify(fromSeed.PublicKey(), []byte(raw[:dot]), signature, nil); err != nil {
				t.Error(err)
			}
		})
		t.Run("writ reads "+name+" of filippo.io/mldsa", func(t *testing.T) {
			key, err := peermldsa.GenerateKey(test.parameters)
			if err != nil {
				t.Fatal(err)
			}
			body, err := json.Marshal(payload())
			if err != nil {
				t.Fatal(err)
			}
			raw := b64.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"kid":"k","typ":"at+jwt"}`, name)) + "." + b64.EncodeToString(body)
			signature, err := key.Sign(nil, []byte(raw), nil)
			if err != nil {
				t.Fatal("the peer does not sign")
			}
			raw += "." + b64.EncodeToString(signature)
			set := fmt.Appendf(nil, `{"keys":[{"alg":%q,"kid":"k","kty":"AKP","pub":%q}]}`, name, b64.EncodeToString(key.PublicKey().Bytes()))
			s, err := jwks.Parse(set, test.algorithm)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := writReader(t, s.Keys)(raw); err != nil {
				t.Error(err)
			}
		})
		t.Run("jose", func(t *testing.T) {
			n := startNode(t)
			err := n.do("issue", map[string]any{"alg": name, "payload": payload()}, new(any))
			if err != nil && err.Error() == "NotSupportedError" {
				t.Skip("this Node.js knows no ML-DSA; 24 and later do")
			}
			agreeOn(t, n.peer(), test.algorithm)
		})
	}
}
