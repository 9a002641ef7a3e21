package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// ES256 is ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4), the default.
var ES256 Algorithm = es256{}

type es256 struct{}

// coordinate is the length in bytes of x, y, r and s on P-256.
const coordinate = 32

func (es256) Name() string { return "ES256" }

func (es256) Generate() (crypto.Signer, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// Sign hands the signer crypto/rand: Go's own keys then hedge the nonce with the key and the
// message, so that no failure of randomness alone reveals the key.
func (es256) Sign(key crypto.Signer, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	der, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	// A crypto.Signer answers in ASN.1 DER; JWS wants r and s side by side (RFC 7518 section 3.4).
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) != 0 || !inRange(sig.R) || !inRange(sig.S) {
		return nil, errors.New("keys: ES256: the signer's answer is not a P-256 signature in ASN.1 DER")
	}
	out := make([]byte, 2*coordinate)
	sig.R.FillBytes(out[:coordinate])
	sig.S.FillBytes(out[coordinate:])
	return out, nil
}

func inRange(n *big.Int) bool {
	return n.Sign() > 0 && n.Cmp(elliptic.P256().Params().N) < 0
}

func (es256) Verify(key crypto.PublicKey, message, signature []byte) error {
	k, err := p256(key)
	if err != nil {
		return err
	}
	if jwt.SigningMethodES256.Verify(string(message), signature, k) != nil {
		return ErrSignature
	}
	return nil
}

func (es256) MarshalJWK(key crypto.PublicKey) ([]byte, error) {
	k, err := p256(key)
	if err != nil {
		return nil, err
	}
	point, err := k.Bytes()
	if err != nil {
		return nil, fmt.Errorf("keys: ES256: %w", err)
	}
	x, y := point[1:1+coordinate], point[1+coordinate:]
	return fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, b64.EncodeToString(x), b64.EncodeToString(y)), nil
}

func (a es256) ParseJWK(jwk []byte) (crypto.PublicKey, error) {
	m, err := publicMembers(jwk, a.Name())
	if err != nil {
		return nil, err
	}
	if err := m.exactly("kty", "EC"); err != nil {
		return nil, err
	}
	if err := m.exactly("crv", "P-256"); err != nil {
		return nil, err
	}
	x, err := m.bytes("x", coordinate)
	if err != nil {
		return nil, err
	}
	y, err := m.bytes("y", coordinate)
	if err != nil {
		return nil, err
	}
	point := append(append([]byte{4}, x...), y...)
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errors.New("keys: JWK: x and y are not a point on P-256")
	}
	return k, nil
}

func p256(key crypto.PublicKey) (*ecdsa.PublicKey, error) {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok || k == nil || k.Curve != elliptic.P256() {
		return nil, errors.New("keys: ES256 wants an ECDSA key on P-256")
	}
	return k, nil
}
