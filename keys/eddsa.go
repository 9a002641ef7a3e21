package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

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
	if err := m.exactly("kty", "OKP"); err != nil {
		return nil, err
	}
	if err := m.exactly("crv", "Ed25519"); err != nil {
		return nil, err
	}
	if _, ok := m["y"]; ok {
		return nil, errors.New("keys: JWK: an Ed25519 key has no y")
	}
	x, err := m.bytes("x", ed25519.PublicKeySize)
	if err != nil {
		return nil, err
	}
	return ed25519.PublicKey(x), nil
}

func (a eddsa) key(key crypto.PublicKey) (ed25519.PublicKey, error) {
	k, ok := key.(ed25519.PublicKey)
	if !ok || len(k) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("keys: %s wants an Ed25519 key", a.name)
	}
	return k, nil
}
