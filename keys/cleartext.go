package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

var errNotExportable = errors.New("keys: this private half cannot be exported: it is not a software key of a known type")

// CleartextPEM gives the private half away, as an unencrypted PKCS#8 block. Whoever reads it can
// forge tokens. A key made of a KMS or HSM signer cannot be exported.
func (k *Private) CleartextPEM() ([]byte, error) {
	der, err := k.cleartextPKCS8()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

func (k *Private) cleartextPKCS8() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer())
	if err != nil {
		return nil, errNotExportable
	}
	return der, nil
}

// CleartextJWK gives the private half away, as a JSON Web Key with the member d. Whoever reads it
// can forge tokens. A key made of a KMS or HSM signer cannot be exported.
func (k *Private) CleartextJWK() ([]byte, error) {
	d, err := cleartextD(k.signer())
	if err != nil {
		return nil, err
	}
	var m members
	if err := json.Unmarshal(k.public.jwk, &m); err != nil {
		return nil, err
	}
	m["d"] = fmt.Appendf(nil, "%q", b64.EncodeToString(d))
	return json.Marshal(m, json.Deterministic(true))
}

// cleartextD is the member d: RFC 7518 section 6.2.2.1, RFC 8037 section 2.
func cleartextD(s crypto.Signer) ([]byte, error) {
	switch s := s.(type) {
	case *ecdsa.PrivateKey:
		return s.Bytes()
	case ed25519.PrivateKey:
		return s.Seed(), nil
	}
	return nil, errNotExportable
}

// ParsePrivateJWK reads a private JWK as a key for the algorithm a, by the rules of ParseJWK,
// except that d must be there, must belong to the public members, and key_ops, if present, must
// allow signing.
func ParsePrivateJWK(a Algorithm, jwk []byte) (*Private, error) {
	if a == nil {
		return nil, errNoAlgorithm
	}
	m, err := parseMembers(jwk, a.Name(), "sign")
	if err != nil {
		return nil, err
	}
	d, err := m.bytes("d", 32)
	if err != nil {
		return nil, err
	}
	delete(m, "d")
	delete(m, "key_ops")
	rest, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	public, err := ParseJWK(a, rest)
	if err != nil {
		return nil, err
	}
	var s crypto.Signer
	switch public.key.(type) {
	case *ecdsa.PublicKey:
		s, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	case ed25519.PublicKey:
		s = ed25519.NewKeyFromSeed(d)
	default:
		err = fmt.Errorf("no private JWK for %s keys", a.Name())
	}
	if err != nil {
		return nil, errors.New("keys: JWK: d is not a private key of this type")
	}
	k, err := FromSigner(a, s)
	if err != nil {
		return nil, err
	}
	if k.ID() != public.ID() {
		return nil, errors.New("keys: JWK: the private and the public half are of different keys")
	}
	return k, nil
}

// ParsePrivatePEM reads a PKCS#8 "PRIVATE KEY" block as a key for the algorithm a. There must be
// exactly one block, unencrypted.
func ParsePrivatePEM(a Algorithm, data []byte) (*Private, error) {
	der, err := onlyBlock(data, privateBlock)
	if err != nil {
		return nil, err
	}
	return parsePKCS8(a, der)
}

func parsePKCS8(a Algorithm, der []byte) (*Private, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	s, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, errors.New("keys: not a PKCS#8 private key that signs")
	}
	return FromSigner(a, s)
}
