package keys_test

import (
	"testing"

	"github.com/writ-go/writ/keys"
)

var benchMessage = make([]byte, 500)

func BenchmarkSign(b *testing.B) {
	for _, a := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
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

func BenchmarkVerify(b *testing.B) {
	for _, a := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		k := generate(b, a)
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
