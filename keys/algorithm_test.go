package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/writ-go/writ/keys"
)

var (
	algorithms = keys.Algorithms()
	asymmetric = slices.DeleteFunc(keys.Algorithms(), isHMAC)
	hmacs      = slices.DeleteFunc(keys.Algorithms(), func(a keys.Algorithm) bool { return !isHMAC(a) })
)

func isHMAC(a keys.Algorithm) bool { return strings.HasPrefix(a.Name(), "HS") }
func isRSA(a keys.Algorithm) bool  { return strings.ContainsAny(a.Name()[:1], "RP") }

// signatureSizes are RFC 7518 section 3, with RSA keys of 2048 bits.
var signatureSizes = map[string]int{
	"ES256": 64, "ES384": 96, "ES512": 132, "EdDSA": 64, "Ed25519": 64, "RS256": 256, "RS384": 256, "RS512": 256,
	"PS256": 256, "PS384": 256, "PS512": 256, "HS256": 32, "HS384": 48, "HS512": 64,
}

func TestAlgorithmsAreEveryOneAndTheCallersOwn(t *testing.T) {
	for _, a := range algorithms {
		if signatureSizes[a.Name()] == 0 {
			t.Errorf("%s is not tested", a.Name())
		}
		if _, ok := a.(keys.Exporter); !ok {
			t.Errorf("%s is no Exporter", a.Name())
		}
	}
	if len(algorithms) != len(signatureSizes) {
		t.Errorf("%d algorithms, want %d", len(algorithms), len(signatureSizes))
	}
	clear(keys.Algorithms())
	if keys.Algorithms()[0] != keys.ES256 {
		t.Error("a caller changed the list for all")
	}
}

// rsaKey is one test key for all tests.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// signerOf makes a test key. Those of RSA are one and the same, because making them takes long.
func signerOf(t testing.TB, a keys.Algorithm) crypto.Signer {
	t.Helper()
	if isRSA(a) {
		return rsaKey()
	}
	s, err := a.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func generate(t testing.TB, a keys.Algorithm) *keys.Private {
	t.Helper()
	k, err := keys.FromSigner(a, signerOf(t, a))
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
			if len(sig) != signatureSizes[a.Name()] {
				t.Errorf("signature has %d bytes", len(sig))
			}
			flipped := bytes.Clone(sig)
			flipped[len(sig)*2/3] ^= 1
			for name, bad := range map[string][]byte{
				"flipped bit": flipped, "one byte short": sig[:len(sig)-1], "one byte long": append(bytes.Clone(sig), 0),
				"leading zero": append([]byte{0}, sig...), "empty": {}, "nil": nil, "all zero": make([]byte, len(sig)),
				"all ones": bytes.Repeat([]byte{0xff}, len(sig)), "half": sig[:len(sig)/2], "twice": append(bytes.Clone(sig), sig...),
			} {
				if err := k.Public().Verify(message, bad); !errors.Is(err, keys.ErrSignature) {
					t.Errorf("%s: %v, want ErrSignature", name, err)
				}
			}
			if err := k.Public().Verify([]byte("header.other"), sig); !errors.Is(err, keys.ErrSignature) {
				t.Errorf("other message: %v", err)
			}
			other, err := keys.Generate(a)
			check(t, err)
			if err := other.Public().Verify(message, sig); !errors.Is(err, keys.ErrSignature) {
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
	hs512, err := keys.HS512.Generate()
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
		"P-256 for ES384":   {keys.ES384, p256},
		"P-384 for ES512":   {keys.ES512, p384},
		"P-256 for RS256":   {keys.RS256, p256},
		"Ed25519 for PS256": {keys.PS256, ed},
		"RSA for ES256":     {keys.ES256, rsaKey()},
		"RSA for EdDSA":     {keys.EdDSA, rsaKey()},
		"RSA for HS256":     {keys.HS256, rsaKey()},
		"P-256 for HS256":   {keys.HS256, p256},
		"Ed25519 for HS512": {keys.HS512, ed},
		"HS512 for HS256":   {keys.HS256, hs512},
		"HS512 for RS256":   {keys.RS256, hs512},
		"HS512 for ES256":   {keys.ES256, hs512},
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

// req 3: what one algorithm signed, no other takes, even with the same key.
func TestASignatureIsOfOneAlgorithm(t *testing.T) {
	message := []byte("header.payload")
	signers := map[string]crypto.Signer{}
	for _, a := range algorithms {
		signers[a.Name()] = signerOf(t, a)
	}
	for _, a := range algorithms {
		sig, err := a.Sign(signers[a.Name()], message)
		check(t, err)
		for _, b := range algorithms {
			same := b == a || a.Name()[:2] == "Ed" && b.Name()[:2] == "Ed" // two names of one signature
			if err := b.Verify(signers[a.Name()].Public(), message, sig); (err == nil) != same {
				t.Errorf("%s takes the key and the signature of %s: %v", b.Name(), a.Name(), err)
			}
		}
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
	for _, a := range asymmetric {
		s := signerOf(t, a)
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
		"a length in two bytes":      func(b []byte) ([]byte, error) { return append([]byte{0x30, 0x81, b[1]}, b[2:]...), nil },
		"a length that is too short": func(b []byte) ([]byte, error) { b[1]--; return b, nil },
		"a length of no end":         func([]byte) ([]byte, error) { return []byte{0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0}, nil },
		"r is cut short":             func([]byte) ([]byte, error) { return []byte{0x30, 4, 2, 5, 1, 1}, nil },
		"there is no s":              func([]byte) ([]byte, error) { return []byte{0x30, 3, 2, 1, 1}, nil },
		"there is a third integer":   func([]byte) ([]byte, error) { return []byte{0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}, nil },
		"r and s are octet strings":  func([]byte) ([]byte, error) { return []byte{0x30, 6, 4, 1, 1, 4, 1, 1}, nil },
		"r has a leading zero":       func([]byte) ([]byte, error) { return []byte{0x30, 7, 2, 2, 0, 1, 2, 1, 1}, nil },
		"s is the order or more":     func([]byte) ([]byte, error) { return orderDER(), nil },
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
	for name, answer := range map[string]func([]byte) ([]byte, error){
		"a byte too long":  func(b []byte) ([]byte, error) { return append(b, 0), nil },
		"a byte too short": func(b []byte) ([]byte, error) { return b[1:], nil },
		"nothing":          func([]byte) ([]byte, error) { return nil, nil },
		"of other bytes":   func(b []byte) ([]byte, error) { return bytes.Repeat([]byte{1}, len(b)), nil },
	} {
		for _, a := range []keys.Algorithm{keys.RS256, keys.PS256} {
			if _, err := keys.FromSigner(a, faulty{rsaKey(), answer}); err == nil {
				t.Errorf("%s: an answer %s: accepted", a.Name(), name)
			}
		}
	}
}

func bigDER() []byte {
	n := append([]byte{2, 34, 0x7f}, make([]byte, 33)...)
	return append(append([]byte{0x30, 72}, n...), n...)
}

func orderDER() []byte {
	n := append([]byte{2, 33, 0}, elliptic.P256().Params().N.Bytes()...)
	return append([]byte{0x30, byte(3 + len(n)), 2, 1, 1}, n...)
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

// Published test keys.
const (
	rfc7515Key = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
	rfc8037Key = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)
