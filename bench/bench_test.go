package main

import (
	"testing"

	"github.com/writ-go/writ/keys"
)

func BenchmarkVerify(b *testing.B) {
	for _, a := range algorithms {
		b.Run(a.Name(), func(b *testing.B) {
			t, err := openMatch(b, a).verifying(b.Context())
			benchmark(b, t, err)
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, a := range algorithms {
		b.Run(a.Name(), func(b *testing.B) { benchmark(b, openMatch(b, a).signing(), nil) })
	}
}

func BenchmarkMiddleware(b *testing.B) {
	m := openMatch(b, keys.EdDSA)
	h := &host{}
	defer h.close()
	doors, _, err := doors(b.Context(), h, m.suite)
	if err != nil {
		b.Fatal(err)
	}
	t, err := m.middleware(doors)
	benchmark(b, t, err)
}

func BenchmarkLive(b *testing.B) {
	t, err := openMatch(b, keys.EdDSA).live(b.Context(), 1_000_000, 1, 1_000, 100_000)
	benchmark(b, t, err)
}

func openMatch(b *testing.B, a keys.Algorithm) *match {
	s, err := newSuite(a)
	if err != nil {
		b.Fatal(err)
	}
	m, err := newMatch(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func benchmark(b *testing.B, t *table, err error) {
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range t.rows {
		b.Run(r.name, r.bench)
	}
}
