package keys_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

// vector is an example of an RFC, with its published test key.
type vector struct {
	Name  string
	Alg   string
	JWK   json.RawMessage
	Token string
}

// readVectors reads RFC 7515 A.1 to A.4, RFC 7520 section 4.1 to 4.4 and RFC 8037 A.4.
func readVectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/rfc.json")
	check(t, err)
	var set []vector
	check(t, json.Unmarshal(data, &set))
	if len(set) != 9 {
		t.Fatalf("%d vectors, want 9", len(set))
	}
	return set
}

func named(t testing.TB, name string) keys.Algorithm {
	t.Helper()
	for _, a := range algorithms {
		if a.Name() == name {
			return a
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			a := named(t, v.Alg)
			k, err := keys.ParsePrivateJWK(a, v.JWK)
			check(t, err)
			dot := strings.LastIndexByte(v.Token, '.')
			message, sig := []byte(v.Token[:dot]), decode(t, v.Token[dot+1:])
			check(t, k.Public().Verify(message, sig))
			for i := range sig {
				bad := bytes.Clone(sig)
				bad[i] ^= 0x10
				if i%13 == 0 && k.Public().Verify(message, bad) == nil {
					t.Errorf("byte %d of the signature changed: verifies", i)
				}
			}
			for i := range message {
				bad := bytes.Clone(message)
				bad[i] ^= 0x10
				if i%40 == 0 && k.Public().Verify(bad, sig) == nil {
					t.Errorf("byte %d of the message changed: verifies", i)
				}
			}
			again, err := k.Sign(message)
			check(t, err)
			random := v.Alg[:2] == "ES" || v.Alg[:2] == "PS"
			if same := bytes.Equal(again, sig); same == random {
				t.Errorf("signing again gives the same signature: %t", same)
			}
			whole, err := k.CleartextJWK()
			check(t, err)
			var got, want map[string]string
			check(t, json.Unmarshal(whole, &got))
			check(t, json.Unmarshal(v.JWK, &want))
			for name, value := range want {
				if name != "kid" && got[name] != value {
					t.Errorf("the member %s changed", name)
				}
			}
		})
	}
}

// req 33
func TestThumbprintsAsPublished(t *testing.T) {
	for name, c := range map[string]struct {
		a         keys.Algorithm
		jwk, want string
	}{
		"RFC 7638 section 3.1": {keys.RS256, rfc7638Key, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		"RFC 8037 A.3":         {keys.EdDSA, edJWK, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		k, err := keys.ParseJWK(c.a, []byte(c.jwk))
		check(t, err)
		if k.ID() != c.want {
			t.Errorf("%s: %s, want %s", name, k.ID(), c.want)
		}
	}
}

// rfc7638Key is a published public key, whose kid and alg are not those of this package.
const rfc7638Key = `{"kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}`
