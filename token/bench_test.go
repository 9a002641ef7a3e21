package token_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

func benchClaims() token.Claims {
	return token.Claims{
		Subject: "user-0123456789", SessionID: "0123456789abcdefghijkl", Scope: []string{"read", "write"}, AuthTime: start,
		Data: []byte(`{"name":"Alice Example","tenant":"acme","role":"editor"}`),
	}
}

// raw is one algorithm by the standard library alone: what no JWT library can be faster than.
type raw struct {
	key    key
	sign   func(message []byte) []byte
	verify func(message, signature []byte) bool
}

func (r raw) name() string { return r.key.Algorithm().Name() }

func raws(b *testing.B) []raw {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	check(b, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(b, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	check(b, err)
	secret := make([]byte, 32)
	rand.Read(secret)
	mac := func(message []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(message)
		return h.Sum(nil)
	}
	hs, err := keys.FromSecret(keys.HS256, secret)
	check(b, err)
	signer := func(a keys.Algorithm, s crypto.Signer) key {
		k, err := keys.FromSigner(a, s)
		check(b, err)
		return key{k}
	}
	digest := func(message []byte) []byte { d := sha256.Sum256(message); return d[:] }
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return []raw{
		{signer(keys.EdDSA, ed), func(m []byte) []byte { return ed25519.Sign(ed, m) }, func(m, s []byte) bool { return ed25519.Verify(ed.Public().(ed25519.PublicKey), m, s) }},
		{signer(keys.ES256, ec), func(m []byte) []byte { s, _ := ecdsa.SignASN1(rand.Reader, ec, digest(m)); return s }, func(m, s []byte) bool { return ecdsa.VerifyASN1(&ec.PublicKey, digest(m), s) }},
		{signer(keys.RS256, rs), func(m []byte) []byte { s, _ := rsa.SignPKCS1v15(rand.Reader, rs, crypto.SHA256, digest(m)); return s }, func(m, s []byte) bool { return rsa.VerifyPKCS1v15(&rs.PublicKey, crypto.SHA256, digest(m), s) == nil }},
		{signer(keys.PS256, rs), func(m []byte) []byte { s, _ := rsa.SignPSS(rand.Reader, rs, crypto.SHA256, digest(m), pss); return s }, func(m, s []byte) bool { return rsa.VerifyPSS(&rs.PublicKey, crypto.SHA256, digest(m), s, pss) == nil }},
		{key{hs}, mac, func(m, s []byte) bool { return hmac.Equal(mac(m), s) }},
	}
}

func check(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRaw is the cryptography alone, over what is signed of a real token: compare within one
// run.
func BenchmarkRaw(b *testing.B) {
	for _, r := range raws(b) {
		text := issue(b, r.key, benchClaims())
		message := []byte(text[:strings.LastIndexByte(text, '.')])
		signature := r.sign(message)
		b.Run("verify/"+r.name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !r.verify(message, signature) {
					b.Fatal("it does not verify")
				}
			}
		})
		b.Run("sign/"+r.name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.sign(message)
			}
		})
	}
}

// BenchmarkVerify/first is a token that was never seen before: everything is checked.
// BenchmarkVerify/again is one of a thousand that were: what can change is checked again.
// BenchmarkVerify/remember is first with a running cache, whose every token is new to it.
func BenchmarkVerify(b *testing.B) {
	all := raws(b)
	for _, r := range all {
		b.Run("first/"+r.name(), func(b *testing.B) {
			v := verifier(b, token.VerifierConfig{Keys: r.key, CacheBytes: -1})
			text := issue(b, r.key, benchClaims())
			b.ReportAllocs()
			for b.Loop() {
				mustVerify(b, v, text)
			}
		})
	}
	for _, r := range all {
		b.Run("again/"+r.name(), func(b *testing.B) {
			v := verifier(b, token.VerifierConfig{Keys: r.key, Now: time.Now})
			run(b, v)
			texts := fresh(b, r.key, 1000)
			for range 3 {
				for _, text := range texts {
					mustVerify(b, v, text)
				}
				time.Sleep(100 * time.Millisecond) // ristretto takes entries in when it gets round to it
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				mustVerify(b, v, texts[n%len(texts)])
			}
		})
	}
	for _, r := range all {
		if r.name() == "RS256" || r.name() == "PS256" {
			continue // a thousand times slower to sign than to verify
		}
		b.Run("remember/"+r.name(), func(b *testing.B) {
			v := verifier(b, token.VerifierConfig{Keys: r.key, Now: time.Now})
			run(b, v)
			texts := fresh(b, r.key, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for _, text := range texts {
				mustVerify(b, v, text)
			}
		})
	}
}

// fresh makes n tokens that live an hour from now.
func fresh(b *testing.B, k key, n int) []string {
	i := newIssuer(b, k)
	texts := make([]string, n)
	now := time.Now()
	for n := range texts {
		c := benchClaims()
		c.SessionID = fmt.Sprintf("%022d", n)
		var err error
		texts[n], err = i.Issue(c, now, now.Add(time.Hour), now.UnixMicro())
		check(b, err)
	}
	return texts
}

func mustVerify(b *testing.B, v *token.Verifier, text string) {
	if _, err := v.Verify(context.Background(), text); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkIssue(b *testing.B) {
	for _, r := range raws(b) {
		b.Run(r.name(), func(b *testing.B) {
			i := newIssuer(b, r.key)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Issue(benchClaims(), start, start.Add(10*time.Minute), start.UnixMicro()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
