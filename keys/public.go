package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

var errNoAlgorithm = errors.New("keys: no algorithm given: name one, for example keys.ES256")

// Public is a verification key bound to its one algorithm. It is immutable. Of a symmetric key it
// holds the secret, which it never shows; see Symmetric.
type Public struct {
	algorithm Algorithm
	key       crypto.PublicKey
	id        string
	jwk       []byte // nil if symmetric
}

// newPublic takes its own copy of key by way of its JWK, so that whatever ParseJWK refuses is
// refused here too.
func newPublic(a Algorithm, key crypto.PublicKey) (*Public, error) {
	if a == nil {
		return nil, errNoAlgorithm
	}
	if h, ok := a.(hs); ok {
		return h.public(key)
	}
	required, err := a.MarshalJWK(key)
	if err != nil {
		return nil, err
	}
	if key, err = a.ParseJWK(required); err != nil {
		return nil, err
	}
	id, err := thumbprint(required)
	if err != nil {
		return nil, err
	}
	if _, err := publicMembers(required, a.Name()); err != nil {
		return nil, err
	}
	jwk, err := labelled(required, a, id)
	if err != nil {
		return nil, err
	}
	return &Public{algorithm: a, key: key, id: id, jwk: jwk}, nil
}

// ID is the kid: the RFC 7638 SHA-256 thumbprint in base64url.
func (k *Public) ID() string { return k.id }

// Algorithm is the one algorithm that this key may be used with.
func (k *Public) Algorithm() Algorithm { return k.algorithm }

// Verify returns nil if signature is the key's over message, and ErrSignature otherwise.
func (k *Public) Verify(message, signature []byte) error {
	return k.algorithm.Verify(k.key, message, signature)
}

// Symmetric reports whether the key is a secret that signs as well as it verifies: HS256, HS384 and
// HS512. It must never be published, and cannot be: JWK returns nil, PEM an error.
func (k *Public) Symmetric() bool {
	_, ok := k.algorithm.(hs)
	return ok
}

// JWK is the key as a JSON Web Key with kid, alg and use "sig", or nil if it is symmetric.
func (k *Public) JWK() []byte { return bytes.Clone(k.jwk) }

// PEM is the key as a PKIX "PUBLIC KEY" block, which says nothing about the algorithm. It fails for
// a key type that crypto/x509 does not know, and for a symmetric key.
func (k *Public) PEM() ([]byte, error) {
	if k.Symmetric() {
		return nil, errSymmetric
	}
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("keys: PEM: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der}), nil
}

// String is the algorithm and the ID.
func (k *Public) String() string {
	if k == nil || k.algorithm == nil {
		return "no key"
	}
	return k.algorithm.Name() + " key " + k.id
}
