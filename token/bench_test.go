package token_test

import (
	"context"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

var algorithms = []keys.Algorithm{keys.ES256, keys.EdDSA}

func benchClaims() token.Claims {
	return token.Claims{
		Subject: "user-0123456789", SessionID: "0123456789abcdefghijkl", Scope: []string{"read", "write"}, AuthTime: start,
		Data: []byte(`{"name":"Alice Example","tenant":"acme","role":"editor"}`),
	}
}

// BenchmarkVerify/first is a token that was never seen before: everything is checked.
func BenchmarkVerify(b *testing.B) {
	for _, a := range algorithms {
		b.Run("first/"+a.Name(), func(b *testing.B) {
			k := newKey(b, a)
			v := verifier(b, token.VerifierConfig{Keys: k})
			raw := issue(b, k, benchClaims())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIssue(b *testing.B) {
	for _, a := range algorithms {
		b.Run(a.Name(), func(b *testing.B) {
			i := newIssuer(b, newKey(b, a))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Issue(benchClaims(), start, start.Add(10*time.Minute), start.UnixMicro()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRaw is the cryptography alone, over as many bytes, for comparison within one run.
func BenchmarkRaw(b *testing.B) {
	message := make([]byte, 500)
	for _, a := range algorithms {
		k := newKey(b, a)
		signature, err := k.Sign(message)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("verify/"+a.Name(), func(b *testing.B) {
			public := k.Private.Public()
			for b.Loop() {
				if err := public.Verify(message, signature); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("sign/"+a.Name(), func(b *testing.B) {
			for b.Loop() {
				if _, err := k.Sign(message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
