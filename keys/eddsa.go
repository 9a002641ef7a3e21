package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// EdDSA is Ed25519 under its RFC 8037 name, which most verifiers know.
var EdDSA Algorithm = eddsa{"EdDSA"}

// Ed25519 is the same signature under its fully specified name (RFC 9864). A key is bound to one of
// the two names; a token under the other is refused.
var Ed25519 Algorithm = eddsa{"Ed25519"}

type eddsa struct{ name string }

func (a eddsa) Name() string { return a.name }

func (eddsa) Generate() (crypto.Signer, error) {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	return k, err
}

func (a eddsa) Sign(key crypto.Signer, message []byte) ([]byte, error) {
	sig, err := key.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	if len(sig) != ed25519.SignatureSize {
		return nil, fmt.Errorf("keys: %s: the signer's answer is not an Ed25519 signature", a.name)
	}
	return sig, nil
}

func (a eddsa) Verify(key crypto.PublicKey, message, signature []byte) error {
	k, err := a.key(key)
	if err != nil {
		return err
	}
	if jwt.SigningMethodEdDSA.Verify(string(message), signature, k) != nil {
		return ErrSignature
	}
	return nil
}

func (a eddsa) MarshalJWK(key crypto.PublicKey) ([]byte, error) {
	k, err := a.key(key)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"crv":"Ed25519","kty":"OKP","x":"%s"}`, b64.EncodeToString(k)), nil
}

func (a eddsa) ParseJWK(jwk []byte) (crypto.PublicKey, error) {
	m, err := publicMembers(jwk, a.name)
	if err != nil {
		return nil, err
	}
	if err := m.okp(); err != nil {
		return nil, err
	}
	x, err := m.bytes("x", ed25519.PublicKeySize)
	if err != nil {
		return nil, err
	}
	if weakPoint(x) {
		return nil, errors.New("keys: JWK: x is not the one spelling of an Ed25519 key, or anyone can sign for it")
	}
	return ed25519.PublicKey(x), nil
}

// weakPoint reports whether x is a point of order 1, 2, 4 or 8, for which anyone can sign (32 bytes
// of zero are one), or has a y of 2^255 - 19 or more, which is a second spelling.
func weakPoint(x []byte) bool {
	y := slices.Clone(x) // RFC 8032 section 5.1.2: little-endian, then the sign of the other coordinate
	y[31] &= 0x7f
	slices.Reverse(y)
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	fromEnd := new(big.Int).Sub(p, new(big.Int).SetBytes(y))
	switch hex.EncodeToString(y) {
	case order8, strings.Repeat("00", 32), strings.Repeat("00", 31) + "01":
		return true
	}
	return fromEnd.Cmp(big.NewInt(1)) <= 0 || fromEnd.Text(16) == order8
}

// order8 is the y of two points of order 8; that of the other two is its negative.
const order8 = "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"

func (m members) okp() error {
	if err := m.exactly("kty", "OKP"); err != nil {
		return err
	}
	if _, ok := m["y"]; ok {
		return errors.New("keys: JWK: an Ed25519 key has no y")
	}
	return m.exactly("crv", "Ed25519")
}

func (a eddsa) MarshalPrivateJWK(key crypto.Signer) ([]byte, error) {
	k, ok := key.(ed25519.PrivateKey)
	if !ok || len(k) != ed25519.PrivateKeySize {
		return nil, errNotExportable
	}
	public, err := a.MarshalJWK(k.Public())
	if err != nil {
		return nil, err
	}
	return withMember(public, "d", k.Seed()), nil
}

func (a eddsa) ParsePrivateJWK(jwk []byte) (crypto.Signer, error) {
	m, err := parseMembers(jwk, a.name, "sign")
	if err != nil {
		return nil, err
	}
	if err := m.okp(); err != nil {
		return nil, err
	}
	d, err := m.bytes("d", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(d), nil
}

func (a eddsa) key(key crypto.PublicKey) (ed25519.PublicKey, error) {
	k, ok := key.(ed25519.PublicKey)
	if !ok || len(k) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("keys: %s wants an Ed25519 key", a.name)
	}
	return k, nil
}
