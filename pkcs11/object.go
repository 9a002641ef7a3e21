package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"math/big"

	p11 "github.com/miekg/pkcs11"
)

var errNoKey = errors.New("it has no such key: it may have been destroyed, or made in another token")

// private finds the private half of a key.
func (c call) private(n name) (p11.ObjectHandle, error) {
	objects, err := c.find(p11.CKO_PRIVATE_KEY, n)
	if err != nil {
		return 0, err
	}
	switch len(objects) {
	case 1:
		return objects[0], nil
	case 0: // as everything private is to whom has not logged in
		if in, err := loggedIn(c.Ctx, c.session); err != nil {
			return 0, err
		} else if !in {
			return 0, errAnew
		}
		return 0, errNoKey
	}
	return 0, errors.New("it has several keys of this name")
}

func (c call) find(class uint, n name) ([]p11.ObjectHandle, error) {
	template := []*p11.Attribute{p11.NewAttribute(p11.CKA_CLASS, class)}
	if n.id != "" {
		template = append(template, p11.NewAttribute(p11.CKA_ID, []byte(n.id)))
	}
	if n.label != "" {
		template = append(template, p11.NewAttribute(p11.CKA_LABEL, n.label))
	}
	if err := c.FindObjectsInit(c.session, template); err != nil {
		return nil, err
	}
	objects, _, err := c.FindObjects(c.session, 2)
	return objects, errors.Join(err, c.FindObjectsFinal(c.session))
}

func (c call) attribute(o p11.ObjectHandle, kind uint) ([]byte, error) {
	a, err := c.GetAttributeValue(c.session, o, []*p11.Attribute{p11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, err
	}
	return a[0].Value, nil
}

func (c call) is(o p11.ObjectHandle, kind uint, value any) (bool, error) {
	b, err := c.attribute(o, kind)
	return err == nil && bytes.Equal(b, p11.NewAttribute(kind, value).Value), err
}

// staysInside refuses a private half that can be read out of the token, whoever made it: tokens have
// been known to make something else than the template says.
func (c call) staysInside(o p11.ObjectHandle) error {
	for kind, value := range map[uint]bool{p11.CKA_SENSITIVE: true, p11.CKA_EXTRACTABLE: false} {
		switch as, err := c.is(o, kind, value); {
		case err != nil:
			return err
		case !as:
			return errors.New("the key can be read out of it: make one in it that is sensitive and not extractable")
		}
	}
	return nil
}

// publicKey reads the public half, from the public object of the same name, or else the private one,
// which has it too in most tokens.
func (c call) publicKey(private p11.ObjectHandle, n name) (crypto.PublicKey, error) {
	objects, err := c.find(p11.CKO_PUBLIC_KEY, n)
	if err != nil {
		return nil, err
	}
	o := private
	if len(objects) == 1 {
		o = objects[0]
	}
	kind, err := c.attribute(private, p11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	isKind := func(k uint) bool { return bytes.Equal(kind, p11.NewAttribute(p11.CKA_KEY_TYPE, k).Value) }
	switch {
	case isKind(p11.CKK_RSA):
		n, err := c.attribute(o, p11.CKA_MODULUS)
		if err != nil {
			return nil, err
		}
		e, err := c.attribute(o, p11.CKA_PUBLIC_EXPONENT)
		if err != nil {
			return nil, err
		}
		exponent := new(big.Int).SetBytes(e)
		if exponent.BitLen() > 31 {
			return nil, errors.New("the key's public exponent is too large")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
	case isKind(p11.CKK_EC), isKind(ckkEdwards):
		parameters, err := c.attribute(o, p11.CKA_EC_PARAMS)
		if err != nil {
			return nil, err
		}
		point, err := c.attribute(o, p11.CKA_EC_POINT)
		if err != nil {
			return nil, err
		}
		return parsePoint(parameters, point)
	}
	return nil, errors.New("the key is neither RSA nor of a curve")
}

// parsePoint reads a CKA_EC_POINT, which is a DER OCTET STRING, or in some tokens its content.
func parsePoint(parameters, point []byte) (crypto.PublicKey, error) {
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err != nil || len(rest) > 0 {
		inner = point
	}
	is := func(spellings ...[]byte) bool {
		for _, s := range spellings {
			if bytes.Equal(parameters, s) {
				return true
			}
		}
		return false
	}
	switch {
	case is(der(p256)):
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), inner)
	case is(der(p384)):
		return ecdsa.ParseUncompressedPublicKey(elliptic.P384(), inner)
	case is(der(p521)):
		return ecdsa.ParseUncompressedPublicKey(elliptic.P521(), inner)
	case is(der(ed25519OID), derPrintable("edwards25519")):
		if len(inner) != ed25519.PublicKeySize {
			inner = point // 32 bytes that happened to look like DER
		}
		if len(inner) != ed25519.PublicKeySize {
			return nil, errors.New("the key's public half is no Ed25519 key")
		}
		return ed25519.PublicKey(inner), nil
	}
	return nil, errors.New("the key is of a curve other than P-256, P-384, P-521 and Ed25519")
}
