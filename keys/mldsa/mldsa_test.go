package mldsa_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/mldsa"
)

var algorithms = []keys.Algorithm{mldsa.MLDSA44, mldsa.MLDSA65}

// The test key of RFC 9964 appendix A has a seed of zeros. So has every key here that is not random.
var zeros [32]byte

func zeroKey(a keys.Algorithm) crypto.Signer {
	if a == mldsa.MLDSA44 {
		_, k := mldsa44.NewKeyFromSeed(&zeros)
		return k
	}
	_, k := mldsa65.NewKeyFromSeed(&zeros)
	return k
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func generate(t testing.TB, a keys.Algorithm) *keys.Private {
	t.Helper()
	k, err := keys.Generate(a)
	check(t, err)
	return k
}

// remote is a signer of a type that nobody knows, as of a KMS. Circl's own Sign is deterministic.
type remote struct{ crypto.Signer }

// RFC 9964 appendix A.1. The text is "It’s a dangerous business, Frodo, going out your door."; its
// signatures are compared by their SHA-256.
func TestTheVectorsOfRFC9964(t *testing.T) {
	const payload = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4"
	for _, c := range []struct {
		a                       keys.Algorithm
		thumbprint, signatureIs string
	}{
		{mldsa.MLDSA44, "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o", "8651ad35f71a6e01bf62569ad21822c635f1b6cf3c35037bb689074dca560bfa"},
		{mldsa.MLDSA65, "Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM", "2d3d1ba6581e89392226d707e2fe24e3326f80b9f7c6865707be9bd6f89d6ec6"},
	} {
		k, err := keys.FromSigner(c.a, remote{zeroKey(c.a)})
		check(t, err)
		if k.ID() != c.thumbprint {
			t.Errorf("%s: thumbprint %s, want %s", c.a.Name(), k.ID(), c.thumbprint)
		}
		header := fmt.Sprintf(`{"alg":"%s","kid":"%s"}`, c.a.Name(), k.ID())
		sig, err := k.Sign([]byte(base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload))
		check(t, err)
		if sum := sha256.Sum256(sig); hex.EncodeToString(sum[:]) != c.signatureIs {
			t.Errorf("%s: not the RFC's signature", c.a.Name())
		}
	}
}

func TestSignatures(t *testing.T) {
	m := []byte("message")
	for i, a := range algorithms {
		k, other := generate(t, a), generate(t, a)
		sig, err := k.Sign(m)
		check(t, err)
		if want := []int{2420, 3309}[i]; len(sig) != want {
			t.Fatalf("%s: a signature of %d bytes, want %d", a.Name(), len(sig), want)
		}
		check(t, k.Public().Verify(m, sig))
		hinted := bytes.Clone(sig)
		hinted[len(hinted)-1] ^= 1 // the count of hints, which has one spelling
		foreign, err := generate(t, algorithms[1-i]).Sign(m)
		check(t, err)
		for name, c := range map[string]struct {
			key      *keys.Public
			message  []byte
			sig      []byte
			accepted bool
		}{
			"as it is":                  {k.Public(), m, sig, true},
			"another key":               {other.Public(), m, sig, false},
			"another message":           {k.Public(), []byte("massage"), sig, false},
			"a message with more":       {k.Public(), append(bytes.Clone(m), 0), sig, false},
			"a message with less":       {k.Public(), m[:6], sig, false},
			"a byte more":               {k.Public(), m, append(bytes.Clone(sig), 0), false},
			"a byte less":               {k.Public(), m, sig[:len(sig)-1], false},
			"nothing":                   {k.Public(), m, nil, false},
			"zeros":                     {k.Public(), m, make([]byte, len(sig)), false},
			"its first byte changed":    {k.Public(), m, append([]byte{sig[0] ^ 1}, sig[1:]...), false},
			"its hints changed":         {k.Public(), m, hinted, false},
			"the other algorithm's":     {k.Public(), m, foreign, false},
			"over a hash, not the text": {k.Public(), func() []byte { s := sha256.Sum256(m); return s[:] }(), sig, false},
		} {
			err := c.key.Verify(c.message, c.sig)
			if c.accepted != (err == nil) || !c.accepted && !errors.Is(err, keys.ErrSignature) {
				t.Errorf("%s: %s: %v", a.Name(), name, err)
			}
		}
	}
}

// req 24
func TestSignaturesAreHedged(t *testing.T) {
	for _, a := range algorithms {
		k, err := keys.FromSigner(a, zeroKey(a))
		check(t, err)
		one, err := k.Sign([]byte("m"))
		check(t, err)
		two, err := k.Sign([]byte("m"))
		check(t, err)
		if bytes.Equal(one, two) {
			t.Errorf("%s: two signatures of one text are the same", a.Name())
		}
	}
}

func TestTheContextIsEmpty(t *testing.T) {
	public, private := mldsa44.NewKeyFromSeed(&zeros)
	for context, accepted := range map[string]bool{"": true, "writ": false} {
		sig := make([]byte, mldsa44.SignatureSize)
		check(t, mldsa44.SignTo(private, []byte("m"), []byte(context), true, sig))
		if err := mldsa.MLDSA44.Verify(public, []byte("m"), sig); accepted != (err == nil) {
			t.Errorf("a signature with the context %q: %v", context, err)
		}
	}
}

// liar says that it has another key than it signs with; mute answers something else than a signature.
type liar struct{ crypto.Signer }

func (liar) Public() crypto.PublicKey { return zeroKey(mldsa.MLDSA44).Public() }

type mute struct {
	crypto.Signer
	answer []byte
}

func (m mute) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return m.answer, nil }

func TestSignersThatAreRefused(t *testing.T) {
	_, random, err := mldsa44.GenerateKey(nil)
	check(t, err)
	ed := generate(t, keys.EdDSA)
	jwk, err := ed.CleartextJWK()
	check(t, err)
	edSigner, err := keys.EdDSA.(keys.Exporter).ParsePrivateJWK(jwk)
	check(t, err)
	for name, s := range map[string]crypto.Signer{
		"none":                           nil,
		"an ML-DSA-65 key":               zeroKey(mldsa.MLDSA65),
		"an Ed25519 key":                 edSigner,
		"a key that was never set":       new(mldsa44.PrivateKey),
		"another key than its public":    liar{random},
		"a signature of no bytes":        mute{random, nil},
		"a signature with a byte more":   mute{random, make([]byte, 2421)},
		"a signature of the right size":  mute{random, make([]byte, 2420)},
		"an Ed25519 key as a remote one": remote{edSigner},
	} {
		if k, err := keys.FromSigner(mldsa.MLDSA44, s); err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, size := range []int{0, 2419, 2421} {
		if sig, err := mldsa.MLDSA44.Sign(mute{random, make([]byte, size)}, []byte("m")); err == nil || sig != nil {
			t.Errorf("a signer's answer of %d bytes is passed on", size)
		}
	}
	for name, key := range map[string]crypto.PublicKey{
		"nothing": nil, "a nil key": (*mldsa44.PublicKey)(nil), "a value": *zeroKey(mldsa.MLDSA44).Public().(*mldsa44.PublicKey),
		"an ML-DSA-65 key": zeroKey(mldsa.MLDSA65).Public(), "an Ed25519 key": edSigner.Public(),
	} {
		if err := mldsa.MLDSA44.Verify(key, []byte("m"), make([]byte, 2420)); err == nil || errors.Is(err, keys.ErrSignature) {
			t.Errorf("Verify with %s: %v", name, err)
		}
		if _, err := mldsa.MLDSA44.MarshalJWK(key); err == nil {
			t.Errorf("MarshalJWK with %s: accepted", name)
		}
	}
}

func TestARingKeepsItsKey(t *testing.T) {
	wrapper, err := keys.Secret([]byte("q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f")) // a test secret
	check(t, err)
	for _, a := range algorithms {
		for name, c := range map[string]keys.Config{"sealed": {Wrapper: wrapper}, "in clear": {InClear: true}} {
			c.Issuer, c.Algorithm, c.Vault = "https://app.example", a, keys.Dir(filepath.Join(t.TempDir(), "ring"))
			first, err := keys.Open(t.Context(), c)
			check(t, err)
			again, err := keys.Open(t.Context(), c)
			check(t, err)
			check(t, first.Reload(t.Context()))
			k, err := again.Signing()
			check(t, err)
			sig, err := k.Sign([]byte("m"))
			check(t, err)
			public, err := first.Public("https://app.example", k.ID())
			check(t, err)
			if err := public.Verify([]byte("m"), sig); err != nil || public.Algorithm() != a {
				t.Errorf("%s %s: %v", a.Name(), name, err)
			}
			published, err := keys.ParseJWK(a, public.JWK())
			check(t, err)
			if published.ID() != k.ID() || published.Verify([]byte("m"), sig) != nil {
				t.Errorf("%s %s: the published key does not verify", a.Name(), name)
			}
			doc, _, err := c.Vault.Load(t.Context())
			check(t, err)
			if clear := bytes.Contains(doc, []byte("private_in_clear")); clear != c.InClear {
				t.Errorf("%s %s: the private half is in clear: %v", a.Name(), name, clear)
			}
		}
	}
}

// req 100
func TestNothingPrintsThePrivateHalf(t *testing.T) {
	for _, a := range algorithms {
		k := generate(t, a)
		jwk, err := k.CleartextJWK()
		check(t, err)
		text := string(member(t, jwk, "priv"))
		seed, err := base64.RawURLEncoding.DecodeString(text)
		check(t, err)
		var out bytes.Buffer
		for _, value := range []any{k, *k, struct{ k *keys.Private }{k}, a} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
				fmt.Fprintf(&out, verb+"\n", value)
			}
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", value)
		}
		for _, form := range []string{string(seed), text, hex.EncodeToString(seed), strings.Trim(fmt.Sprint(seed), "[]")} {
			if strings.Contains(out.String(), form) {
				t.Fatalf("%s: a private key was printed", a.Name())
			}
		}
		if !strings.Contains(out.String(), k.ID()) {
			t.Errorf("%s: the kid is not printed", a.Name())
		}
	}
}

func TestOneKeyManyGoroutines(t *testing.T) {
	for _, a := range algorithms {
		k := generate(t, a)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				m := []byte{byte(i)}
				sig, err := k.Sign(m)
				if err == nil {
					err = k.Public().Verify(m, sig)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func member(t testing.TB, jwk []byte, name string) []byte {
	t.Helper()
	var m map[string]string
	check(t, json.Unmarshal(jwk, &m))
	return []byte(m[name])
}
