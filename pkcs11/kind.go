package pkcs11

import (
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"

	p11 "github.com/miekg/pkcs11"
	"github.com/writ-go/writ/keys"
)

// From PKCS #11 3.0, which the constants of package p11 do not have.
const (
	ckkEdwards        = 0x40
	ckmEdwardsKeyPair = 0x1055
	ckmEdDSA          = 0x1057
)

// kind is how a token makes keys of an algorithm.
type kind struct {
	mechanism uint
	public    [][]*p11.Attribute // what the public half's template says besides; the first that the token takes
	unwanted  []uint             // what the private half must not be good for
}

const modulusBits = 2048 // as package keys makes them

// kindOf is by name, because another package's algorithm may have that of a token's.
func kindOf(a keys.Algorithm) (kind, error) {
	if a == nil {
		return kind{}, errors.New("pkcs11: no algorithm given: name one, for example keys.ES256")
	}
	switch a.Name() {
	case "ES256", "ES384", "ES512":
		curve := map[string]asn1.ObjectIdentifier{"ES256": p256, "ES384": p384, "ES512": p521}[a.Name()]
		return kind{
			mechanism: p11.CKM_EC_KEY_PAIR_GEN,
			public:    [][]*p11.Attribute{{p11.NewAttribute(p11.CKA_EC_PARAMS, der(curve))}},
			unwanted:  []uint{p11.CKA_DERIVE},
		}, nil
	case "EdDSA", "Ed25519":
		return kind{
			mechanism: ckmEdwardsKeyPair,
			// PKCS #11 3.0 section 2.3.1 has both spellings, and tokens take one or the other.
			public: [][]*p11.Attribute{
				{p11.NewAttribute(p11.CKA_EC_PARAMS, derPrintable("edwards25519"))},
				{p11.NewAttribute(p11.CKA_EC_PARAMS, der(ed25519OID))},
			},
			unwanted: []uint{p11.CKA_DERIVE},
		}, nil
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return kind{
			mechanism: p11.CKM_RSA_PKCS_KEY_PAIR_GEN,
			public: [][]*p11.Attribute{{
				p11.NewAttribute(p11.CKA_MODULUS_BITS, modulusBits),
				p11.NewAttribute(p11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}),
			}},
			unwanted: []uint{p11.CKA_DECRYPT, p11.CKA_UNWRAP},
		}, nil
	}
	return kind{}, fmt.Errorf("pkcs11: a token makes no keys for %s here: use ES256, or another of ECDSA, Ed25519 or RSA", a.Name())
}

// The curves: RFC 5480 section 2.1.1.1 and RFC 8410 section 3.
var (
	p256       = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	p384       = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	p521       = asn1.ObjectIdentifier{1, 3, 132, 0, 35}
	ed25519OID = asn1.ObjectIdentifier{1, 3, 101, 112}
)

func der(oid asn1.ObjectIdentifier) []byte {
	b, _ := asn1.Marshal(oid)
	return b
}

func derPrintable(s string) []byte {
	b, _ := asn1.MarshalWithParams(s, "printable")
	return b
}

// prefixes are DigestInfo (RFC 8017 section 9.2) up to the digest. CKM_RSA_PKCS pads, but adds none.
var prefixes = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

// pssParameters are what CKM_RSA_PKCS_PSS calls a hash and its mask generation.
var pssParameters = map[crypto.Hash][2]uint{
	crypto.SHA256: {p11.CKM_SHA256, p11.CKG_MGF1_SHA256},
	crypto.SHA384: {p11.CKM_SHA384, p11.CKG_MGF1_SHA384},
	crypto.SHA512: {p11.CKM_SHA512, p11.CKG_MGF1_SHA512},
}
