package keys_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/writ-go/writ/keys"
)

// TestGolangJWTAgrees signs with one and verifies with the other, both ways.
func TestGolangJWTAgrees(t *testing.T) {
	const message = "header.payload"
	for _, a := range algorithms {
		name := a.Name()
		if a == keys.Ed25519 {
			name = "EdDSA" // it does not know RFC 9864
		}
		method := jwt.GetSigningMethod(name)
		var private, public any
		var k *keys.Private
		if isHMAC(a) {
			secret := secretOf(64)
			var err error
			k, err = keys.FromSecret(a, secret)
			check(t, err)
			private, public = secret, secret
		} else {
			s := signerOf(t, a)
			var err error
			k, err = keys.FromSigner(a, s)
			check(t, err)
			private, public = s, s.Public()
		}
		theirs, err := method.Sign(message, private)
		check(t, err)
		if err := k.Public().Verify([]byte(message), theirs); err != nil {
			t.Errorf("%s: theirs: %v", a.Name(), err)
		}
		ours, err := k.Sign([]byte(message))
		check(t, err)
		if err := method.Verify(message, ours, public); err != nil {
			t.Errorf("%s: ours: %v", a.Name(), err)
		}
		if pss, ok := method.(*jwt.SigningMethodRSAPSS); ok { // req 28
			err := rsa.VerifyPSS(public.(*rsa.PublicKey), pss.Hash, sum(pss.Hash, []byte(message)), ours, &rsa.PSSOptions{SaltLength: pss.Hash.Size()})
			check(t, err)
		}
	}
}

func sum(h crypto.Hash, message []byte) []byte {
	switch h {
	case crypto.SHA256:
		s := sha256.Sum256(message)
		return s[:]
	case crypto.SHA384:
		s := sha512.Sum384(message)
		return s[:]
	default:
		s := sha512.Sum512(message)
		return s[:]
	}
}
