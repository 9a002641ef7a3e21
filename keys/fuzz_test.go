package keys_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

func FuzzParseJWK(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add([]byte(v.JWK))
	}
	for _, seed := range []string{ecJWK, edJWK, rfc7638Key, with(ecJWK, `"alg":"ES256","use":"sig","key_ops":["verify"],"kid":"x"`), `{"kty":"oct","k":""}`, `{}`, `[]`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, a := range algorithms {
			k, err := keys.ParseJWK(a, data)
			if err == nil {
				assertSameKey(t, a, k)
			}
			if p, err := keys.ParsePrivateJWK(a, data); err == nil {
				assertSameKey(t, a, p.Public())
			}
		}
	})
}

func FuzzParsePEM(f *testing.F) {
	for _, a := range asymmetric {
		k := generate(f, a)
		public, err := k.Public().PEM()
		check(f, err)
		private, err := k.CleartextPEM()
		check(f, err)
		f.Add(public)
		f.Add(private)
	}
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, a := range algorithms {
			if k, err := keys.ParsePEM(a, data); err == nil {
				assertSameKey(t, a, k)
			}
			if p, err := keys.ParsePrivatePEM(a, data); err == nil {
				assertSameKey(t, a, p.Public())
			}
		}
	})
}

// assertSameKey checks that an accepted key survives both formats, or has none if it is symmetric.
func assertSameKey(t *testing.T, a keys.Algorithm, k *keys.Public) {
	if isHMAC(a) {
		if _, err := k.PEM(); err == nil || k.JWK() != nil || !k.Symmetric() || k.Algorithm() != a {
			t.Fatal("a symmetric key has a public half")
		}
		return
	}
	again, err := keys.ParseJWK(a, k.JWK())
	check(t, err)
	block, err := k.PEM()
	check(t, err)
	pem, err := keys.ParsePEM(a, block)
	check(t, err)
	if again.ID() != k.ID() || pem.ID() != k.ID() || k.Algorithm() != a {
		t.Fatal("the key changed on its way")
	}
}

// FuzzVerify offers any bytes as a signature of a key that has signed nothing.
func FuzzVerify(f *testing.F) {
	var public []*keys.Public
	for _, a := range algorithms {
		k := generate(f, a)
		public = append(public, k.Public())
		sig, err := k.Sign([]byte("another message"))
		check(f, err)
		f.Add(sig)
		f.Add(make([]byte, len(sig)))
	}
	f.Fuzz(func(t *testing.T, sig []byte) {
		for _, k := range public {
			if err := k.Verify([]byte("m"), sig); !errors.Is(err, keys.ErrSignature) {
				t.Fatalf("%s: %v", k.Algorithm().Name(), err)
			}
		}
	})
}

// req 44: whatever the document, a ring that opens has a key that signs and verifies, and a MAC
// key, and so it has after a step, of which every other process can read the result.
func FuzzRingDocument(f *testing.F) {
	for _, a := range algorithms {
		_, c := newRing(f, func(c *keys.Config) { inClear(c); c.Algorithm = a })
		doc, _, err := c.Vault.Load(context.Background())
		check(f, err)
		f.Add(doc)
		f.Add(documentOf(f, c, func(doc object) { doc["keys"] = append(doc["keys"].([]any), firstKey(doc)) }))
		f.Add(documentOf(f, c, func(doc object) { delete(firstKey(doc), "private_in_clear") }))
		f.Add(documentOf(f, c, func(doc object) { firstKey(doc)["activate_at"] = "9999-01-01T00:00:00Z" }))
	}
	rotated := newFleet(f, inClear)
	r := rotated.open(f)
	for range 2 {
		rotated.stepped(f, period-lead, r)
		rotated.stepped(f, lead, r)
		rotated.stepped(f, stale, r)
		f.Add(rotated.copy())
	}
	second(r.Replace(f.Context(), signs(f, r)))
	f.Add(rotated.copy())
	f.Add([]byte(`{"ring":{"v":1,"issuer":"https://app.example","keys":[{}],"mac":[{}]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		f := newFleet(t, inClear)
		f.put(doc)
		r, err := keys.Open(context.Background(), f.Config)
		if err != nil {
			if r != nil {
				t.Fatal("a ring with an error")
			}
			return
		}
		works := func(r *keys.Ring) {
			k, err := r.Signing()
			if errors.Is(err, keys.ErrUnavailable) && strings.Contains(err.Error(), "Custodian") {
				return
			}
			check(t, err)
			sig, err := k.Sign([]byte("m"))
			check(t, err)
			p, err := r.Public(issuer, k.ID())
			check(t, err)
			check(t, p.Verify([]byte("m"), sig))
			_, err = r.SigningMAC()
			check(t, err)
		}
		works(r)
		if _, err := r.Step(context.Background()); err == nil {
			works(r)
			works(f.open(t))
			if changed, err := r.Step(context.Background()); changed || err != nil {
				t.Fatalf("the same step again: changed %v, %v", changed, err)
			}
		}
	})
}
