package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"

	"github.com/go-json-experiment/json/jsontext"
)

// notSecret says why b cannot be an HMAC secret, or nothing. That a public key never becomes one
// matters most: everyone has it.
func notSecret(b []byte) string {
	text := bytes.TrimSpace(b)
	switch {
	case bytes.Contains(b, []byte("-----BEGIN ")):
		return "is a key or certificate in PEM"
	case jsontext.Value(text).Kind() == '{' && jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)):
		return "is a JSON object, such as a JWK"
	case bytes.HasPrefix(text, []byte("ssh-")) || bytes.HasPrefix(text, []byte("ecdsa-sha2-")):
		return "is an SSH key"
	case isKeyDER(b):
		return "is a key or certificate in DER"
	}
	if der, err := base64.StdEncoding.DecodeString(string(text)); err == nil && isKeyDER(der) {
		return "is a key or certificate in DER, in base64"
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if _, err := ecdsa.ParseUncompressedPublicKey(curve, b); err == nil {
			return "is a public key"
		}
	}
	return ""
}

func isKeyDER(b []byte) bool {
	for _, parse := range []func([]byte) error{
		func(b []byte) error { _, err := x509.ParsePKIXPublicKey(b); return err },
		func(b []byte) error { _, err := x509.ParsePKCS1PublicKey(b); return err },
		func(b []byte) error { _, err := x509.ParseCertificate(b); return err },
		func(b []byte) error { _, err := x509.ParsePKCS8PrivateKey(b); return err },
	} {
		if parse(b) == nil {
			return true
		}
	}
	return false
}
