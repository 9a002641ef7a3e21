package keys

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
)

// Algorithm is one JWS algorithm (RFC 7518 section 3.1). Algorithms has those of this package;
// another package may offer its own, which takes effect only where a Config names it. Low-level:
// most users only pass the values on.
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
	// another type. None of them may be secret: a symmetric algorithm refuses every key.
	MarshalJWK(key crypto.PublicKey) ([]byte, error)

	// ParseJWK reads a public key. It must refuse whatever is not one canonical spelling of a valid
	// key.
	ParseJWK(jwk []byte) (crypto.PublicKey, error)
}

// Exporter is what an Algorithm also is if its software keys can be written down. Every algorithm
// of this package is one. Low-level: use Private.CleartextJWK and ParsePrivateJWK, which check what
// is the same for every type. Without it, keys of a type that crypto/x509 does not know cannot stand
// in a Ring.
type Exporter interface {
	// MarshalPrivateJWK writes the whole private JWK: kty, the public and the private members,
	// without kid and use. Whoever reads it can forge tokens. It refuses every key but a software
	// key of the algorithm's type.
	MarshalPrivateJWK(key crypto.Signer) ([]byte, error)

	// ParsePrivateJWK is the reverse. It refuses a key of another type.
	ParsePrivateJWK(jwk []byte) (crypto.Signer, error)
}

// Algorithms returns a new slice of every algorithm of this package.
func Algorithms() []Algorithm {
	return []Algorithm{
		ES256, ES384, ES512, EdDSA, Ed25519,
		RS256, RS384, RS512, PS256, PS384, PS512,
		HS256, HS384, HS512,
	}
}

// algorithmNamed finds an algorithm of this package, or one of also, by its exact name.
func algorithmNamed(name string, also []Algorithm) (Algorithm, bool) {
	for _, list := range [][]Algorithm{also, Algorithms()} {
		for _, a := range list {
			if a.Name() == name {
				return a, true
			}
		}
	}
	return nil, false
}

// digest hashes message into buf, which saves the caller an allocation.
func digest(h crypto.Hash, message []byte, buf *[sha512.Size]byte) []byte {
	switch h {
	case crypto.SHA256:
		sum := sha256.Sum256(message)
		return buf[:copy(buf[:], sum[:])]
	case crypto.SHA384:
		sum := sha512.Sum384(message)
		return buf[:copy(buf[:], sum[:])]
	default: // there is only SHA512
		*buf = sha512.Sum512(message)
		return buf[:]
	}
}
