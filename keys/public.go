package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

var errNoAlgorithm = errors.New("keys: no algorithm given: name one, for example keys.ES256")

// Public is a verification key bound to its one algorithm. It is immutable.
type Public struct {
	algorithm Algorithm
	key       crypto.PublicKey
	id        string
	jwk       []byte
}

// newPublic takes its own copy of key by way of its JWK, so that whatever ParseJWK refuses is
// refused here too.
func newPublic(a Algorithm, key crypto.PublicKey) (*Public, error) {
	if a == nil {
		return nil, errNoAlgorithm
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
	m, err := publicMembers(required, a.Name())
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"alg": a.Name(), "kid": id, "use": "sig"} {
		if m[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	jwk, err := json.Marshal(m, json.Deterministic(true))
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

// JWK is the key as a JSON Web Key with kid, alg and use "sig".
func (k *Public) JWK() []byte { return append([]byte(nil), k.jwk...) }

// PEM is the key as a PKIX "PUBLIC KEY" block, which says nothing about the algorithm. It fails for
// a key type that crypto/x509 does not know.
func (k *Public) PEM() ([]byte, error) {
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
