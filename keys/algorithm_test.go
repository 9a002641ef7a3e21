package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

var algorithms = []keys.Algorithm{keys.ES256, keys.EdDSA, keys.Ed25519}

func generate(t testing.TB, a keys.Algorithm) *keys.Private {
	t.Helper()
	k, err := keys.Generate(a)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAKeyVerifiesWhatItSignedAndNothingElse(t *testing.T) {
	message := []byte("header.payload")
	for _, a := range algorithms {
		t.Run(a.Name(), func(t *testing.T) {
			k := generate(t, a)
			sig, err := k.Sign(message)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Public().Verify(message, sig); err != nil {
				t.Fatal(err)
			}
			if len(sig) != 64 {
				t.Errorf("signature has %d bytes, want 64", len(sig))
			}
			flipped := bytes.Clone(sig)
			flipped[40] ^= 1
			for name, bad := range map[string][]byte{
				"flipped bit": flipped, "one byte short": sig[:63], "one byte long": append(bytes.Clone(sig), 0),
				"leading zero": append([]byte{0}, sig...), "empty": {}, "nil": nil, "all zero": make([]byte, 64),
			} {
				if err := k.Public().Verify(message, bad); !errors.Is(err, keys.ErrSignature) {
					t.Errorf("%s: %v, want ErrSignature", name, err)
				}
			}
			if err := k.Public().Verify([]byte("header.other"), sig); !errors.Is(err, keys.ErrSignature) {
				t.Errorf("other message: %v", err)
			}
			if err := generate(t, a).Public().Verify(message, sig); !errors.Is(err, keys.ErrSignature) {
				t.Errorf("other key: %v", err)
			}
		})
	}
}

// req 3
func TestAnAlgorithmRefusesKeysOfAnotherType(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		a keys.Algorithm
		s crypto.Signer
	}{
		"P-384 for ES256":   {keys.ES256, p384},
		"Ed25519 for ES256": {keys.ES256, ed},
		"P-256 for EdDSA":   {keys.EdDSA, p256},
		"no algorithm":      {nil, p256},
		"no signer":         {keys.ES256, nil},
	} {
		if k, err := keys.FromSigner(c.a, c.s); err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := keys.ES256.Verify(&p384.PublicKey, []byte("m"), make([]byte, 64)); err == nil || errors.Is(err, keys.ErrSignature) {
		t.Errorf("ES256.Verify with a P-384 key: %v", err)
	}
	if err := keys.EdDSA.Verify(ed25519.PublicKey("short"), []byte("m"), make([]byte, 64)); err == nil {
		t.Error("EdDSA.Verify took a short key")
	}
	if _, err := keys.Generate(nil); err == nil {
		t.Error("Generate(nil) succeeded")
	}
}

// opaque is what a KMS client looks like: a crypto.Signer of no known type.
type opaque struct {
	crypto.Signer
	random *io.Reader
}

func (o opaque) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	*o.random = r
	return o.Signer.Sign(r, digest, opts)
}

// req 24, req 98: every signer is handed crypto/rand, with which Go's ECDSA hedges its nonces.
func TestAnySignerWorksAndIsHandedCryptoRand(t *testing.T) {
	for _, a := range algorithms {
		s, err := a.Generate()
		if err != nil {
			t.Fatal(err)
		}
		var random io.Reader
		k, err := keys.FromSigner(a, opaque{s, &random})
		if err != nil {
			t.Fatalf("%s: %v", a.Name(), err)
		}
		if random != rand.Reader {
			t.Errorf("%s: the signer did not get crypto/rand.Reader", a.Name())
		}
		sig, err := k.Sign([]byte("m"))
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Public().Verify([]byte("m"), sig); err != nil {
			t.Error(err)
		}
		if _, err := k.CleartextPEM(); err == nil {
			t.Errorf("%s: exported a signer's private half", a.Name())
		}
		if _, err := k.CleartextJWK(); err == nil {
			t.Errorf("%s: exported a signer's private half", a.Name())
		}
	}
}

// faulty signs as answer says, for the public key of Signer.
type faulty struct {
	crypto.Signer
	answer func(der []byte) ([]byte, error)
}

func (f faulty) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := f.Signer.Sign(r, digest, opts)
	if err != nil {
		return nil, err
	}
	return f.answer(der)
}

func TestASignerThatDoesNotWorkIsRefusedAtOnce(t *testing.T) {
	for name, answer := range map[string]func([]byte) ([]byte, error){
		"it fails":                   func([]byte) ([]byte, error) { return nil, errors.New("no") },
		"it answers nothing":         func([]byte) ([]byte, error) { return nil, nil },
		"it answers garbage":         func([]byte) ([]byte, error) { return []byte("garbage"), nil },
		"it appends to the answer":   func(b []byte) ([]byte, error) { return append(b, 0), nil },
		"r and s are negative":       func([]byte) ([]byte, error) { return []byte{0x30, 6, 2, 1, 0xff, 2, 1, 0xff}, nil },
		"r and s are over 256 bits":  func([]byte) ([]byte, error) { return bigDER(), nil },
		"it signs for another key":   func([]byte) ([]byte, error) { return otherSignature(t), nil },
		"r and s are zero":           func([]byte) ([]byte, error) { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0}, nil },
		"the answer is not ASN.1 at": func([]byte) ([]byte, error) { return make([]byte, 64), nil },
	} {
		s, err := keys.ES256.Generate()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.FromSigner(keys.ES256, faulty{s, answer}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	s, err := keys.EdDSA.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.FromSigner(keys.EdDSA, faulty{s, func(b []byte) ([]byte, error) { return b[:63], nil }}); err == nil {
		t.Error("a short Ed25519 signature: accepted")
	}
}

func bigDER() []byte {
	n := append([]byte{2, 34, 0x7f}, make([]byte, 33)...)
	return append(append([]byte{0x30, 72}, n...), n...)
}

func otherSignature(t *testing.T) []byte {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := ecdsa.SignASN1(rand.Reader, k, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// TestPublishedVectors runs RFC 7515 A.3 and RFC 8037 A.4, whose keys are published test keys.
func TestPublishedVectors(t *testing.T) {
	for name, v := range map[string]struct {
		a          keys.Algorithm
		jwk, token string
	}{
		"RFC 7515 A.3": {keys.ES256, rfc7515Key, "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
		"RFC 8037 A.4": {keys.EdDSA, rfc8037Key, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
	} {
		k, err := keys.ParsePrivateJWK(v.a, []byte(v.jwk))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		dot := strings.LastIndexByte(v.token, '.')
		sig, err := base64.RawURLEncoding.DecodeString(v.token[dot+1:])
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Public().Verify([]byte(v.token[:dot]), sig); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Published test keys.
const (
	rfc7515Key = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
	rfc8037Key = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)
