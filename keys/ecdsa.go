package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
)

// ES256 is ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4), the default.
var ES256 Algorithm = &ecdsaAlgorithm{"ES256", "P-256", elliptic.P256(), 32, crypto.SHA256}

// ES384 is ECDSA on P-384 with SHA-384.
var ES384 Algorithm = &ecdsaAlgorithm{"ES384", "P-384", elliptic.P384(), 48, crypto.SHA384}

// ES512 is ECDSA on P-521 with SHA-512.
var ES512 Algorithm = &ecdsaAlgorithm{"ES512", "P-521", elliptic.P521(), 66, crypto.SHA512}

type ecdsaAlgorithm struct {
	name  string
	crv   string
	curve elliptic.Curve
	size  int // of each of x, y, d, r and s, in bytes
	hash  crypto.Hash
}

func (a *ecdsaAlgorithm) Name() string { return a.name }

func (a *ecdsaAlgorithm) Generate() (crypto.Signer, error) {
	return ecdsa.GenerateKey(a.curve, rand.Reader)
}

// Sign hands the signer crypto/rand: Go's own keys then hedge the nonce with the key and the
// message, so that no failure of randomness alone reveals the key.
func (a *ecdsaAlgorithm) Sign(key crypto.Signer, message []byte) ([]byte, error) {
	der, err := key.Sign(rand.Reader, digest(a.hash, message, new([sha512.Size]byte)), a.hash)
	if err != nil {
		return nil, err
	}
	signature, ok := fromDER(der, a.size)
	n := a.curve.Params().N.FillBytes(make([]byte, a.size))
	if !ok || bytes.Compare(signature[:a.size], n) >= 0 || bytes.Compare(signature[a.size:], n) >= 0 {
		return nil, fmt.Errorf("keys: %s: the signer's answer is not a %s signature in ASN.1 DER", a.name, a.crv)
	}
	return signature, nil
}

func (a *ecdsaAlgorithm) Verify(key crypto.PublicKey, message, signature []byte) error {
	k, err := a.key(key)
	if err != nil {
		return err
	}
	if len(signature) != 2*a.size {
		return ErrSignature
	}
	var sum [sha512.Size]byte
	if !ecdsa.VerifyASN1(k, digest(a.hash, message, &sum), toDER(signature)) {
		return ErrSignature
	}
	return nil
}

func (a *ecdsaAlgorithm) MarshalJWK(key crypto.PublicKey) ([]byte, error) {
	k, err := a.key(key)
	if err != nil {
		return nil, err
	}
	point, err := k.Bytes()
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", a.name, err)
	}
	x, y := point[1:1+a.size], point[1+a.size:]
	return fmt.Appendf(nil, `{"crv":"%s","kty":"EC","x":"%s","y":"%s"}`, a.crv, b64.EncodeToString(x), b64.EncodeToString(y)), nil
}

func (a *ecdsaAlgorithm) ParseJWK(jwk []byte) (crypto.PublicKey, error) {
	m, err := publicMembers(jwk, a.name)
	if err != nil {
		return nil, err
	}
	if err := m.exactly("kty", "EC"); err != nil {
		return nil, err
	}
	if err := m.exactly("crv", a.crv); err != nil {
		return nil, err
	}
	x, err := m.bytes("x", a.size)
	if err != nil {
		return nil, err
	}
	y, err := m.bytes("y", a.size)
	if err != nil {
		return nil, err
	}
	point := append(append([]byte{4}, x...), y...)
	k, err := ecdsa.ParseUncompressedPublicKey(a.curve, point)
	if err != nil {
		return nil, fmt.Errorf("keys: JWK: x and y are not a point on %s", a.crv)
	}
	return k, nil
}

func (a *ecdsaAlgorithm) MarshalPrivateJWK(key crypto.Signer) ([]byte, error) {
	k, ok := key.(*ecdsa.PrivateKey)
	if !ok || k == nil {
		return nil, errNotExportable
	}
	public, err := a.MarshalJWK(&k.PublicKey)
	if err != nil {
		return nil, err
	}
	d, err := k.Bytes()
	if err != nil {
		return nil, errNotExportable
	}
	return withMember(public, "d", d), nil
}

func (a *ecdsaAlgorithm) ParsePrivateJWK(jwk []byte) (crypto.Signer, error) {
	m, err := parseMembers(jwk, a.name, "sign")
	if err != nil {
		return nil, err
	}
	if err := m.exactly("kty", "EC"); err != nil {
		return nil, err
	}
	d, err := m.bytes("d", a.size)
	if err != nil {
		return nil, err
	}
	k, err := ecdsa.ParseRawPrivateKey(a.curve, d)
	if err != nil {
		return nil, fmt.Errorf("keys: JWK: d is not a private key on %s", a.crv)
	}
	return k, nil
}

func (a *ecdsaAlgorithm) key(key crypto.PublicKey) (*ecdsa.PublicKey, error) {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok || k == nil || k.Curve != a.curve {
		return nil, fmt.Errorf("keys: %s wants an ECDSA key on %s", a.name, a.crv)
	}
	return k, nil
}
