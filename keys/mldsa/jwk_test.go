package mldsa_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/mldsa/mldsa44"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/mldsa"
)

// zeroJWK is the public half of the test key.
func zeroJWK(t testing.TB, a keys.Algorithm) string {
	t.Helper()
	jwk, err := a.MarshalJWK(zeroKey(a).Public())
	check(t, err)
	return string(jwk)
}

// with adds members to a JWK.
func with(jwk, members string) string { return strings.TrimSuffix(jwk, "}") + "," + members + "}" }

// req 33: RFC 9964 section 6
func TestTheJWKHasTheMembersOfTheThumbprint(t *testing.T) {
	for _, a := range algorithms {
		k := generate(t, a)
		jwk := string(k.Public().JWK())
		for _, part := range []string{`"kty":"AKP"`, `"alg":"` + a.Name() + `"`, `"use":"sig"`, `"kid":"` + k.ID() + `"`, `"pub":"`} {
			if !strings.Contains(jwk, part) {
				t.Errorf("%s: the JWK lacks %s", a.Name(), part)
			}
		}
		if strings.Contains(jwk, "priv") || strings.Count(jwk, `":`) != 5 {
			t.Errorf("%s: the public JWK has other members", a.Name())
		}
		if again, err := keys.ParseJWK(a, []byte(jwk)); err != nil || again.ID() != k.ID() {
			t.Errorf("%s: the JWK does not read back: %v", a.Name(), err)
		}
	}
}

func TestParseJWKRefuses(t *testing.T) {
	a := mldsa.MLDSA44
	good := zeroJWK(t, a)
	if _, err := keys.ParseJWK(a, []byte(with(good, `"kid":"x","use":"sig","key_ops":["verify"],"x5u":"https://evil.example"`))); err != nil {
		t.Errorf("members that every JWK may have: %v", err)
	}
	pub := string(member(t, []byte(good), "pub"))
	other := string(member(t, []byte(zeroJWK(t, mldsa.MLDSA65)), "pub"))
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	cases := map[string]string{
		"nothing":                            ``,
		"null":                               `null`,
		"an array":                           `[` + good + `]`,
		"two objects":                        good + good,
		"a member twice":                     with(good, `"kty":"AKP"`),
		"no kty":                             change(`"kty":"AKP",`, ``),
		"another kty":                        change(`AKP`, `OKP`),
		"kty of another case":                change(`AKP`, `akp`),
		"kty of the drafts":                  change(`AKP`, `ML-DSA`),
		"no alg":                             change(`"alg":"ML-DSA-44",`, ``),
		"alg null":                           change(`"ML-DSA-44"`, `null`),
		"alg of another case: req 2":         change(`ML-DSA-44`, `ml-dsa-44`),
		"the other alg: req 3":               change(`ML-DSA-44`, `ML-DSA-65`),
		"the other algorithm's key: req 3":   zeroJWK(t, mldsa.MLDSA65),
		"no pub":                             `{"kty":"AKP","alg":"ML-DSA-44"}`,
		"pub null":                           `{"kty":"AKP","alg":"ML-DSA-44","pub":null}`,
		"pub empty":                          change(pub, ``),
		"pub a byte less":                    change(pub, pub[:len(pub)-2]),
		"pub a byte more":                    change(pub, pub+"A"),
		"pub of ML-DSA-65's length":          change(pub, other),
		"pub with padding":                   change(pub, pub+"="),
		"pub with a line end":                change(pub, pub[:20]+`\n`+pub[20:]),
		"pub with bits left over: req 7":     change(pub, pub[:len(pub)-1]+string(pub[len(pub)-1]+1)),
		"pub in the other base64 alphabet":   change(pub, strings.NewReplacer("-", "+", "_", "/").Replace(pub)),
		"the private half: req 32":           with(good, `"priv":"`+strings.Repeat("A", 43)+`"`),
		"the private half null: req 32":      with(good, `"priv":null`),
		"the private half of drafts":         with(good, `"seed":"AA"`),
		"the other private half of drafts":   with(good, `"priv_exp":"AA"`),
		"a member of a symmetric key":        with(good, `"k":"AAAA"`),
		"a member of a private EC key":       with(good, `"d":"AAAA"`),
		"a member of an EC key":              with(good, `"crv":"P-256"`),
		"a member of an RSA key":             with(good, `"n":"AQAB"`),
		"an Ed25519 key":                     `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"10,000 levels, where unknown, deep": with(good, `"z":`+strings.Repeat("[", 10001)+strings.Repeat("]", 10001)),
	}
	for name, jwk := range cases {
		if k, err := keys.ParseJWK(a, []byte(jwk)); err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		}
		if k, err := a.ParseJWK([]byte(jwk)); err == nil || k != nil {
			t.Errorf("%s: accepted by the Algorithm", name)
		}
	}
}

func TestPrivateJWK(t *testing.T) {
	for _, a := range algorithms {
		k, err := keys.FromSigner(a, zeroKey(a))
		check(t, err)
		jwk, err := k.CleartextJWK()
		check(t, err)
		if string(member(t, jwk, "priv")) != strings.Repeat("A", 43) {
			t.Errorf("%s: priv is not the seed: RFC 9964 section 4", a.Name())
		}
		again, err := keys.ParsePrivateJWK(a, jwk)
		check(t, err)
		sig, err := again.Sign([]byte("m"))
		check(t, err)
		if err := k.Public().Verify([]byte("m"), sig); err != nil || again.ID() != k.ID() {
			t.Errorf("%s: the key changed on its way: %v", a.Name(), err)
		}
	}
}

func TestParsePrivateJWKRefuses(t *testing.T) {
	a := mldsa.MLDSA44
	public := zeroJWK(t, a)
	zero := strings.Repeat("A", 43)
	good := with(public, `"priv":"`+zero+`"`)
	for name, jwk := range map[string]string{
		"a public key":                       public,
		"another key's private half":         with(public, `"priv":"`+"B"+zero[1:]+`"`),
		"another key's public half":          with(string(generate(t, a).Public().JWK()), `"priv":"`+zero+`"`),
		"no public half":                     `{"kty":"AKP","alg":"ML-DSA-44","priv":"` + zero + `"}`,
		"a short private half":               with(public, `"priv":"`+zero[2:]+`"`),
		"a long private half":                with(public, `"priv":"`+zero+`A"`),
		"a private half with padding":        with(public, `"priv":"`+zero+`="`),
		"a private half with bits left over": with(public, `"priv":"`+zero[1:]+`B"`),
		"the expanded form of drafts":        with(public, `"priv":"`+strings.Repeat("A", 3414)+`"`),
		"a private half null":                with(public, `"priv":null`),
		"the private half twice":             with(good, `"priv":"`+zero+`"`),
		"a private half of another type":     with(good, `"d":"`+zero+`"`),
		"the other algorithm's name":         strings.Replace(good, "ML-DSA-44", "ML-DSA-65", 1),
		"nothing":                            ``,
	} {
		if k, err := keys.ParsePrivateJWK(a, []byte(jwk)); err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), zero[:20]) {
			t.Errorf("%s: the error holds the key", name)
		}
		if s, err := a.(keys.Exporter).ParsePrivateJWK([]byte(jwk)); err == nil || s != nil {
			t.Errorf("%s: accepted by the Exporter", name)
		}
	}
}

func TestKeysThatAreNotExported(t *testing.T) {
	var packed [mldsa44.PrivateKeySize]byte
	zeroKey(mldsa.MLDSA44).(*mldsa44.PrivateKey).Pack(&packed)
	seedless := new(mldsa44.PrivateKey)
	seedless.Unpack(&packed)
	k, err := keys.FromSigner(mldsa.MLDSA44, seedless)
	check(t, err) // it signs all the same
	if _, err := k.CleartextJWK(); err == nil {
		t.Error("a key without its seed was exported")
	}
	k, err = keys.FromSigner(mldsa.MLDSA44, remote{zeroKey(mldsa.MLDSA44)})
	check(t, err)
	if _, err := k.CleartextJWK(); err == nil {
		t.Error("a remote key was exported")
	}
	for _, f := range []func() ([]byte, error){k.Public().PEM, k.CleartextPEM} {
		if _, err := f(); err == nil {
			t.Error("PEM was written")
		}
	}
}

func FuzzParseJWK(f *testing.F) {
	for _, a := range algorithms {
		f.Add([]byte(zeroJWK(f, a)))
		f.Add([]byte(with(zeroJWK(f, a), `"priv":"`+strings.Repeat("A", 43)+`"`)))
	}
	f.Add([]byte(`{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, a := range algorithms {
			if k, err := keys.ParseJWK(a, data); err == nil {
				again, err := keys.ParseJWK(a, k.JWK())
				if err != nil || again.ID() != k.ID() || !bytes.Equal(again.JWK(), k.JWK()) {
					t.Fatal(fmt.Errorf("the key changed on its way: %w", err))
				}
			}
			if k, err := keys.ParsePrivateJWK(a, data); err == nil && k.Algorithm() != a {
				t.Fatal("another algorithm")
			}
		}
	})
}
