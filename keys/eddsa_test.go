package keys_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/writ-go/writ/keys"
)

// smallOrder are the points whose order divides 8 (RFC 8032 section 5.1 has the curve).
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
}

// TestKeysForWhichAnyoneCanSignAreRefused shows first that anyone can.
func TestKeysForWhichAnyoneCanSignAreRefused(t *testing.T) {
	for _, x := range smallOrder {
		key, err := hex.DecodeString(x)
		check(t, err)
		if !forges(t, key) {
			t.Errorf("%s: no forgery was found, so it is not of small order", x)
		}
		for _, a := range []keys.Algorithm{keys.EdDSA, keys.Ed25519} {
			if _, err := keys.ParseJWK(a, []byte(`{"kty":"OKP","crv":"Ed25519","x":"`+encode(key)+`"}`)); err == nil {
				t.Errorf("%s: accepted", x)
			}
		}
	}
}

// forges looks for a message for which a point of small order and s = 0 are a signature.
func forges(t testing.TB, key []byte) bool {
	for i := range uint32(200) {
		for _, r := range smallOrder {
			point, err := hex.DecodeString(r)
			check(t, err)
			if ed25519.Verify(key, binary.BigEndian.AppendUint32(nil, i), append(point, make([]byte, 32)...)) {
				return true
			}
		}
	}
	return false
}

func TestASecondSpellingOfAnEd25519KeyIsRefused(t *testing.T) {
	for name, x := range map[string]string{
		"p":                       "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"p + 1":                   "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"p + 3":                   "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"2^255 - 1":               "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"2^255 - 1 and the sign":  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"the identity and a sign": "0100000000000000000000000000000000000000000000000000000000000080",
	} {
		key, err := hex.DecodeString(x)
		check(t, err)
		if _, err := keys.ParseJWK(keys.EdDSA, []byte(`{"kty":"OKP","crv":"Ed25519","x":"`+encode(key)+`"}`)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
