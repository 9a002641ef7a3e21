package mldsa

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/writ-go/writ/keys"
)

// MLDSA44 is ML-DSA-44 with an empty context, of NIST's security category 2. Its public keys, also
// those of a signer for keys.FromSigner, are *mldsa44.PublicKey of github.com/cloudflare/circl. It is a
// keys.Exporter.
var MLDSA44 keys.Algorithm = &algorithm[mldsa44.PublicKey, mldsa44.PrivateKey]{
	mldsa44.Scheme(), mldsa44.SignTo, mldsa44.Verify,
}

// MLDSA65 is ML-DSA-65 with an empty context, of NIST's security category 3. Its public keys, also
// those of a signer for keys.FromSigner, are *mldsa65.PublicKey of github.com/cloudflare/circl. It is a
// keys.Exporter. Its tokens fit no cookie.
var MLDSA65 keys.Algorithm = &algorithm[mldsa65.PublicKey, mldsa65.PrivateKey]{
	mldsa65.Scheme(), mldsa65.SignTo, mldsa65.Verify,
}

// algorithm is one parameter set. Its key types P and S are circl's, which hold what can be computed of
// a key once for all signatures.
type algorithm[P, S any] struct {
	scheme sign.Scheme
	signTo func(key *S, message, context []byte, randomized bool, signature []byte) error
	verify func(key *P, message, context, signature []byte) bool
}

func (a *algorithm[P, S]) Name() string { return a.scheme.Name() }

// Generate makes the 32 random bytes itself, since RFC 9964 knows no private key but its seed.
func (a *algorithm[P, S]) Generate() (crypto.Signer, error) {
	seed := make([]byte, a.scheme.SeedSize())
	if _, err := rand.Read(seed); err != nil {
		return nil, err
	}
	_, private := a.scheme.DeriveKey(seed)
	return private, nil
}

// Sign hedges: fresh randomness goes into the signature beside the key and the message, so that
// neither a fault of the machine nor a failure of the randomness alone reveals the key (FIPS 204
// section 3.4). Another signer than circl's decides for itself.
func (a *algorithm[P, S]) Sign(key crypto.Signer, message []byte) ([]byte, error) {
	if private, ok := any(key).(*S); ok && private != nil {
		signature := make([]byte, a.scheme.SignatureSize())
		return signature, a.signTo(private, message, nil, true, signature)
	}
	if key == nil {
		return nil, errors.New("mldsa: no signer given")
	}
	signature, err := key.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	if len(signature) != a.scheme.SignatureSize() {
		return nil, fmt.Errorf("mldsa: the signer's answer is not an %s signature", a.Name())
	}
	return signature, nil
}

func (a *algorithm[P, S]) Verify(key crypto.PublicKey, message, signature []byte) error {
	public, err := a.public(key)
	if err != nil {
		return err
	}
	if len(signature) != a.scheme.SignatureSize() || !a.verify(public, message, nil, signature) {
		return keys.ErrSignature
	}
	return nil
}

func (a *algorithm[P, S]) public(key crypto.PublicKey) (*P, error) {
	public, ok := key.(*P)
	if !ok || public == nil {
		return nil, fmt.Errorf("mldsa: %s wants a %T", a.Name(), public)
	}
	return public, nil
}
