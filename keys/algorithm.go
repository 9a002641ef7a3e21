package keys

import "crypto"

// Algorithm is one JWS algorithm (RFC 7518 section 3.1). The values of this package are ES256,
// EdDSA and Ed25519; another package may offer its own, which takes effect only where a Config
// names it. Low-level: most users only pass the values on.
type Algorithm interface {
	// Name is the JOSE "alg", compared case-sensitively.
	Name() string

	// Generate makes a key from crypto/rand.
	Generate() (crypto.Signer, error)

	// Sign signs message, not its hash, in the form that JWS wants. The key may be any
	// crypto.Signer of the right type: software, KMS, HSM.
	Sign(key crypto.Signer, message []byte) ([]byte, error)

	// Verify returns nil only if signature is the key's over message, in the one form that JWS
	// allows.
	Verify(key crypto.PublicKey, message, signature []byte) error

	// MarshalJWK writes exactly the members that RFC 7638 section 3.2 hashes, and refuses a key of
	// another type.
	MarshalJWK(key crypto.PublicKey) ([]byte, error)

	// ParseJWK reads a public key. It must refuse whatever is not one canonical spelling of a valid
	// key.
	ParseJWK(jwk []byte) (crypto.PublicKey, error)
}

// algorithmNamed finds an algorithm of this package, or the one extra (nil for none), by its exact
// name.
func algorithmNamed(name string, extra Algorithm) (Algorithm, bool) {
	for _, a := range []Algorithm{extra, ES256, EdDSA, Ed25519} {
		if a != nil && a.Name() == name {
			return a, true
		}
	}
	return nil, false
}
