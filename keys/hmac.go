package keys

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// HS256, HS384 and HS512 are HMAC (RFC 7518 section 3.2) with SHA-2 of 256, 384 and 512 bits. They
// are for one service only: whoever can verify can also sign, so their keys are never published.
var (
	HS256 Algorithm = hs{"HS256", crypto.SHA256}
	HS384 Algorithm = hs{"HS384", crypto.SHA384}
	HS512 Algorithm = hs{"HS512", crypto.SHA512}
)

type hs struct {
	name string
	hash crypto.Hash
}

// maxHMACSecret, in bytes, is far more than HMAC makes use of.
const maxHMACSecret = 1024

var errSymmetric = errors.New("keys: a symmetric key has no public half: whoever verifies with it can also sign")

// FromSecret makes a key for HS256, HS384 or HS512 of random bytes. It refuses fewer than the hash
// has, 32, 48 or 64 (RFC 7518 section 3.2), over 1024, and what is plainly not random or is a key of
// another kind, such as a public key in PEM. It cannot tell whether the rest is random, so make it
// with a tool: openssl rand 64. The bytes are taken as they are; it decodes no base64.
func FromSecret(a Algorithm, secret []byte) (*Private, error) {
	h, ok := a.(hs)
	if !ok {
		return nil, errors.New("keys: a secret is for HS256, HS384 or HS512 only")
	}
	k, err := h.newKey(secret)
	if err != nil {
		return nil, err
	}
	if reason := notRandom(secret); reason != "" {
		return nil, h.refuse(reason)
	}
	return FromSigner(a, k)
}

// hmacKey is the private half of a symmetric key, and what stands in the place of a public one. It
// is bound to its algorithm.
type hmacKey struct {
	algorithm hs
	// Functions for the reason given at Private.
	secret func() []byte
	states func() *sync.Pool // of *hmacState
}

// hmacState is an HMAC that has taken in its key, which is half of the work for a short message.
type hmacState struct {
	hash.Hash
	sum [sha512.Size]byte
}

func (a hs) newKey(secret []byte) (crypto.Signer, error) {
	switch {
	case len(secret) < a.hash.Size():
		return nil, fmt.Errorf("keys: %s: the secret has %d bytes, at least %d are needed: make one with: openssl rand %[3]d",
			a.name, len(secret), a.hash.Size())
	case len(secret) > maxHMACSecret:
		return nil, fmt.Errorf("keys: %s: the secret has over %d bytes, and %d are enough", a.name, maxHMACSecret, a.hash.Size())
	}
	if reason := notSecret(secret); reason != "" {
		return nil, a.refuse(reason)
	}
	secret = bytes.Clone(secret)
	states := &sync.Pool{New: func() any { return &hmacState{Hash: hmac.New(a.hash.New, secret)} }}
	return &hmacKey{a, func() []byte { return secret }, func() *sync.Pool { return states }}, nil
}

func (a hs) refuse(reason string) error {
	return fmt.Errorf("keys: %s: the secret %s: make one with: openssl rand %d", a.name, reason, a.hash.Size())
}

// mac hands the HMAC of message to use, which must not keep it.
func (k *hmacKey) mac(message []byte, use func(sum []byte)) {
	s := k.states().Get().(*hmacState)
	s.Reset()
	s.Write(message)
	use(s.Sum(s.sum[:0]))
	k.states().Put(s)
}

// Public returns the key itself: it verifies with what it signs with.
func (k *hmacKey) Public() crypto.PublicKey { return k }

// Sign ignores its options: what it authenticates is the message itself.
func (k *hmacKey) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) (sum []byte, err error) {
	k.mac(message, func(s []byte) { sum = bytes.Clone(s) })
	return sum, nil
}

// Format is redacted for every verb.
func (k *hmacKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, "symmetric key (redacted)") }

func (a hs) Name() string { return a.name }

func (a hs) Generate() (crypto.Signer, error) {
	secret := make([]byte, a.hash.Size())
	rand.Read(secret) // never fails: it ends the program instead
	return a.newKey(secret)
}

func (a hs) Sign(key crypto.Signer, message []byte) ([]byte, error) {
	k, err := a.key(key)
	if err != nil {
		return nil, err
	}
	return k.Sign(nil, message, nil)
}

func (a hs) Verify(key crypto.PublicKey, message, signature []byte) error {
	k, err := a.key(key)
	if err != nil {
		return err
	}
	k.mac(message, func(sum []byte) {
		if !hmac.Equal(sum, signature) {
			err = ErrSignature
		}
	})
	return err
}

func (hs) MarshalJWK(crypto.PublicKey) ([]byte, error) { return nil, errSymmetric }

func (hs) ParseJWK([]byte) (crypto.PublicKey, error) { return nil, errSymmetric }

func (a hs) MarshalPrivateJWK(key crypto.Signer) ([]byte, error) {
	k, err := a.key(key)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"k":"%s","kty":"oct"}`, b64.EncodeToString(k.secret())), nil
}

// ParsePrivateJWK does not ask whether the secret looks random, as FromSecret does: a JWK is made by a
// tool, and seldom typed.
func (a hs) ParsePrivateJWK(jwk []byte) (crypto.Signer, error) {
	m, err := parseMembers(jwk, a.name, "sign")
	if err != nil {
		return nil, err
	}
	if err := m.exactly("kty", "oct"); err != nil {
		return nil, err
	}
	secret, err := m.octets("k")
	if err != nil {
		return nil, err
	}
	return a.newKey(secret)
}

// public makes the Public of a symmetric key, which has no JWK to be made by way of.
func (a hs) public(key crypto.PublicKey) (*Public, error) {
	k, err := a.key(key)
	if err != nil {
		return nil, err
	}
	jwk, err := a.MarshalPrivateJWK(k)
	if err != nil {
		return nil, err
	}
	id, err := thumbprint(jwk)
	if err != nil {
		return nil, err
	}
	return &Public{algorithm: a, key: k, id: id}, nil
}

// document is the member public of a ring's document. Of a symmetric key it must not hold the
// secret, so that what is left is its name.
func (k *Public) document() jsontext.Value {
	if k.Symmetric() {
		return fmt.Appendf(nil, `{"alg":%q,"kid":%q,"kty":"oct"}`, k.algorithm.Name(), k.id)
	}
	return k.jwk
}

// parsePublic is the reverse. The Public of a symmetric key verifies nothing; the ring replaces it
// with that of the private half.
func parsePublic(a Algorithm, document []byte) (*Public, error) {
	if _, ok := a.(hs); !ok {
		return ParseJWK(a, document)
	}
	m, err := publicMembers(document, a.Name())
	if err != nil {
		return nil, err
	}
	if err := m.exactly("kty", "oct"); err != nil {
		return nil, err
	}
	sum, err := m.bytes("kid", sha256.Size)
	if err != nil {
		return nil, err
	}
	return &Public{algorithm: a, id: b64.EncodeToString(sum)}, nil
}

// key takes any, because a symmetric key is both halves.
func (a hs) key(key any) (*hmacKey, error) {
	k, ok := key.(*hmacKey)
	if !ok || k == nil || k.algorithm != a {
		return nil, fmt.Errorf("keys: %s wants a symmetric key made for it", a.name)
	}
	return k, nil
}
