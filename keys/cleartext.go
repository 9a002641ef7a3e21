package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

var (
	errNotExportable = errors.New("keys: this private half cannot be exported: it is not a software key of a known type")
	errNoPEM         = errors.New("keys: this private half has no PEM: it is not a software key of a type that crypto/x509 knows")
)

// CleartextPEM gives the private half away, as an unencrypted PKCS#8 block. Whoever reads it can
// forge tokens. A key made of a KMS or HSM signer cannot be exported, and one of a type that
// crypto/x509 does not know, such as a symmetric one, only by CleartextJWK.
func (k *Private) CleartextPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer())
	if err != nil {
		return nil, errNoPEM
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

// CleartextJWK gives the private half away, as a JSON Web Key. Whoever reads it can forge tokens. A
// key made of a KMS or HSM signer cannot be exported.
func (k *Private) CleartextJWK() ([]byte, error) {
	jwk, err := k.cleartextJWK()
	if err != nil {
		return nil, err
	}
	return labelled(jwk, k.Algorithm(), k.ID())
}

func (k *Private) cleartextJWK() ([]byte, error) {
	x, ok := k.Algorithm().(Exporter)
	if !ok {
		return nil, errNotExportable
	}
	return x.MarshalPrivateJWK(k.signer())
}

// cleartext is what a ring keeps: PKCS#8, or a private JWK where crypto/x509 does not know the type.
func (k *Private) cleartext() ([]byte, error) {
	if der, err := x509.MarshalPKCS8PrivateKey(k.signer()); err == nil {
		return der, nil
	}
	return k.cleartextJWK()
}

// parseCleartext is the reverse. PKCS#8 does not begin with a brace.
func parseCleartext(a Algorithm, b []byte) (*Private, error) {
	if bytes.HasPrefix(b, []byte("{")) {
		return ParsePrivateJWK(a, b)
	}
	return parsePKCS8(a, b)
}

// ParsePrivateJWK reads a private JWK as a key for the algorithm a, by the rules of ParseJWK, except
// that the private members must be there, all of them (RFC 7518 section 6), must belong to the
// public ones, and key_ops, if present, must allow signing. A symmetric key is one; see FromSecret.
func ParsePrivateJWK(a Algorithm, jwk []byte) (*Private, error) {
	if a == nil {
		return nil, errNoAlgorithm
	}
	m, err := parseMembers(jwk, a.Name(), "sign")
	if err != nil {
		return nil, err
	}
	x, ok := a.(Exporter)
	if !ok {
		return nil, fmt.Errorf("keys: there are no private JWKs for %s", a.Name())
	}
	s, err := x.ParsePrivateJWK(jwk)
	if err != nil {
		return nil, err
	}
	if err := m.matches(x, s); err != nil {
		return nil, err
	}
	return FromSigner(a, s)
}

// matches returns nil only if the JWK says of its key what x would write, and nothing private
// beside.
func (m members) matches(x Exporter, s crypto.Signer) error {
	jwk, err := x.MarshalPrivateJWK(s)
	if err != nil {
		return err
	}
	var whole members
	if err := json.Unmarshal(jwk, &whole); err != nil {
		return err
	}
	for name := range whole {
		want, err := whole.text(name)
		if err != nil {
			return err
		}
		if got, err := m.text(name); err != nil {
			return err
		} else if got != want {
			return fmt.Errorf("keys: JWK: %s does not belong to the rest of the key", name)
		}
	}
	for _, name := range privateMembers {
		if m[name] != nil && whole[name] == nil {
			return fmt.Errorf("keys: JWK: a key of this type has no %s", name)
		}
	}
	return nil
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
