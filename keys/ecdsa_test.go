package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"strconv"
	"testing"

	"github.com/writ-go/writ/keys"
)

var curves = map[keys.Algorithm]elliptic.Curve{keys.ES256: elliptic.P256(), keys.ES384: elliptic.P384(), keys.ES512: elliptic.P521()}

// req 27
func TestCoordinatesHaveFullLength(t *testing.T) {
	for a, curve := range curves {
		size := (curve.Params().BitSize + 7) / 8
		crv := strconv.Quote(curve.Params().Name)
		var x, y []byte
		for x == nil || x[0] != 0 && a != keys.ES512 { // a leading zero invites to be left out
			s, err := a.Generate()
			check(t, err)
			point, err := s.Public().(*ecdsa.PublicKey).Bytes()
			check(t, err)
			x, y = point[1:1+size], point[1+size:]
		}
		jwk := func(crv string, x, y []byte) []byte {
			return []byte(`{"kty":"EC","crv":` + crv + `,"x":"` + encode(x) + `","y":"` + encode(y) + `"}`)
		}
		if _, err := keys.ParseJWK(a, jwk(crv, x, y)); err != nil {
			t.Errorf("%s: %v", a.Name(), err)
		}
		for name, bad := range map[string][]byte{
			"x without its zero": jwk(crv, x[1:], y),
			"x with a zero more": jwk(crv, append([]byte{0}, x...), y),
			"y with a zero more": jwk(crv, x, append([]byte{0}, y...)),
			"x and y swapped":    jwk(crv, y, x),
			"x all ones":         jwk(crv, bytes.Repeat([]byte{0xff}, size), y),
			"zero":               jwk(crv, make([]byte, size), make([]byte, size)),
			"another curve":      jwk(`"secp256k1"`, x, y),
			"a curve of 512 bit": jwk(`"P-512"`, x, y),
		} {
			if k, err := keys.ParseJWK(a, bad); err == nil || k != nil {
				t.Errorf("%s: %s: accepted", a.Name(), name)
			}
		}
		for other := range curves {
			if _, err := keys.ParseJWK(other, jwk(crv, x, y)); (err == nil) != (other == a) {
				t.Errorf("%s takes a key of %s: %v", other.Name(), a.Name(), err)
			}
		}
	}
}

func TestHalvesOutOfRangeDoNotVerify(t *testing.T) {
	for a, curve := range curves {
		k := generate(t, a)
		sig, err := k.Sign([]byte("m"))
		check(t, err)
		r, s := sig[:len(sig)/2], sig[len(sig)/2:]
		zero, n := make([]byte, len(r)), curve.Params().N.FillBytes(make([]byte, len(r)))
		for name, bad := range map[string][2][]byte{
			"r is zero": {zero, s}, "s is zero": {r, zero}, "r is the order": {n, s}, "s is the order": {r, n},
			"swapped": {s, r}, "r has a zero more, s one less": {append([]byte{0}, r...), s[1:]},
		} {
			if err := k.Public().Verify([]byte("m"), append(bytes.Clone(bad[0]), bad[1]...)); !errors.Is(err, keys.ErrSignature) {
				t.Errorf("%s: %s: %v", a.Name(), name, err)
			}
		}
	}
}
