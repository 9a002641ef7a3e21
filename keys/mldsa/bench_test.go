package mldsa_test

import "testing"

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

func BenchmarkVerify(b *testing.B) {
	for _, a := range algorithms {
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
