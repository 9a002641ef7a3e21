package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/writ-go/writ/keys"
)

var benchMessage = make([]byte, 500)

func BenchmarkSign(b *testing.B) {
	for _, a := range algorithms {
		k := generate(b, a)
		b.Run(a.Name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign(benchMessage); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify has beside each algorithm the standard library's part of it.
func BenchmarkVerify(b *testing.B) {
	for _, a := range algorithms {
		s := signerOf(b, a)
		k, err := keys.FromSigner(a, s)
		check(b, err)
		sig, err := k.Sign(benchMessage)
		check(b, err)
		b.Run(a.Name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := k.Public().Verify(benchMessage, sig); err != nil {
					b.Fatal(err)
				}
			}
		})
		bare := bareVerify(b, a, k, s.Public(), sig)
		b.Run(a.Name()+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !bare() {
					b.Fatal("does not verify")
				}
			}
		})
	}
}

func bareVerify(b *testing.B, a keys.Algorithm, k *keys.Private, public crypto.PublicKey, sig []byte) func() bool {
	h := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[a.Name()[2:]]
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		half := len(sig) / 2
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:])})
		check(b, err)
		return func() bool { return ecdsa.VerifyASN1(public, sum(h, benchMessage), der) }
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(public, benchMessage, sig) }
	case *rsa.PublicKey:
		if a.Name()[0] == 'R' {
			return func() bool { return rsa.VerifyPKCS1v15(public, h, sum(h, benchMessage), sig) == nil }
		}
		opts := &rsa.PSSOptions{SaltLength: h.Size()}
		return func() bool { return rsa.VerifyPSS(public, h, sum(h, benchMessage), sig, opts) == nil }
	}
	jwk, err := k.CleartextJWK()
	check(b, err)
	var secret struct{ K string }
	check(b, json.Unmarshal(jwk, &secret))
	mac := hmac.New(h.New, decode(b, secret.K))
	return func() bool {
		mac.Reset()
		mac.Write(benchMessage)
		return hmac.Equal(mac.Sum(nil), sig)
	}
}

func BenchmarkRingLookup(b *testing.B) {
	r, _ := newRing(b, nil)
	kid := r.Publics()[0].ID()
	b.Run("Public", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Public(issuer, kid); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Signing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Signing(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
