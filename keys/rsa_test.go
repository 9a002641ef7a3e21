package keys_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

func rsaJWK(n, e *big.Int) string {
	return `{"kty":"RSA","n":"` + encode(n.Bytes()) + `","e":"` + encode(e.Bytes()) + `"}`
}

// modulus is a number of bits bits that has no factor below a thousand, and of which make makes the
// two halves.
func modulus(t testing.TB, make func() (p, q *big.Int)) *big.Int {
	t.Helper()
	for range 10_000 {
		p, q := make()
		n := new(big.Int).Mul(p, q)
		good := n.BitLen() >= 2048
		for f := int64(2); f < 1000; f++ {
			good = good && new(big.Int).Mod(n, big.NewInt(f)).Sign() != 0
		}
		if good {
			return n
		}
	}
	t.Fatal("none found")
	return nil
}

func random(bits uint) *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), bits-2))
	return n.SetBit(n.SetBit(n.SetBit(n, int(bits)-1, 1), int(bits)-2, 1), 0, 1)
}

// roca is a factor as the library of CVE-2017-15361 makes it for 2048 bits. Whether it is prime does
// not matter here.
func roca() *big.Int {
	m := big.NewInt(1)
	for p := int64(2); p <= 701; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			m.Mul(m, big.NewInt(p))
		}
	}
	p := new(big.Int).Exp(big.NewInt(65537), random(200), m)
	return p.Add(p, m.Mul(m, random(uint(1025-m.BitLen()))))
}

// req 26
func TestRSAKeysThatAreRefused(t *testing.T) {
	n, f4 := rsaKey().N, big.NewInt(65537)
	for name, jwk := range map[string]string{
		"a modulus of 2047 bits":      rsaJWK(random(2047), f4),
		"a modulus of 1024 bits":      rsaJWK(random(1024), f4),
		"a modulus of 8193 bits":      rsaJWK(random(8193), f4),
		"a modulus of 0":              rsaJWK(new(big.Int), f4),
		"a modulus that is even":      rsaJWK(new(big.Int).Lsh(random(2047), 1), f4),
		"a modulus with a factor 751": rsaJWK(new(big.Int).Mul(random(2047), big.NewInt(751)), f4),
		"a modulus with a zero byte":  `{"kty":"RSA","n":"` + encode(append([]byte{0}, n.Bytes()...)) + `","e":"AQAB"}`,
		"an exponent of 0":            `{"kty":"RSA","n":"` + encode(n.Bytes()) + `","e":""}`,
		"an exponent of one 0":        `{"kty":"RSA","n":"` + encode(n.Bytes()) + `","e":"AA"}`,
		"an exponent of 1":            rsaJWK(n, big.NewInt(1)),
		"an exponent of 3":            rsaJWK(n, big.NewInt(3)),
		"an exponent of 65535":        rsaJWK(n, big.NewInt(65535)),
		"an exponent of 65538":        rsaJWK(n, big.NewInt(65538)),
		"an exponent of 2^31 + 1":     rsaJWK(n, big.NewInt(1<<31+1)),
		"an exponent of 2^64 + 65537": rsaJWK(n, new(big.Int).SetBit(f4, 64, 1)),
		"an exponent with a zero":     `{"kty":"RSA","n":"` + encode(n.Bytes()) + `","e":"AAEAAQ"}`,
		"an exponent with padding":    `{"kty":"RSA","n":"` + encode(n.Bytes()) + `","e":"AQAB=="}`,
		"an exponent that is JSON":    `{"kty":"RSA","n":"` + encode(n.Bytes()) + `","e":65537}`,
		"no exponent":                 `{"kty":"RSA","n":"` + encode(n.Bytes()) + `"}`,
		"no modulus":                  `{"kty":"RSA","e":"AQAB"}`,
		"a line end in the modulus":   strings.Replace(rsaJWK(n, f4), `"n":"`, `"n":"\n`, 1),
		"a private exponent":          with(rsaJWK(n, big.NewInt(65537)), `"d":"AQAB"`),
		"other primes":                with(rsaJWK(n, big.NewInt(65537)), `"oth":[]`),
		"the mark of ROCA":            rsaJWK(modulus(t, func() (p, q *big.Int) { return roca(), roca() }), big.NewInt(65537)),
		"a square":                    rsaJWK(modulus(t, func() (p, q *big.Int) { p = random(1024); return p, p }), big.NewInt(65537)),
		"factors that are close": rsaJWK(modulus(t, func() (p, q *big.Int) {
			p = random(1024)
			return p, new(big.Int).Add(p, new(big.Int).Lsh(random(500), 1))
		}), big.NewInt(65537)),
	} {
		for _, a := range []keys.Algorithm{keys.RS256, keys.PS512} {
			if k, err := keys.ParseJWK(a, []byte(jwk)); err == nil || k != nil {
				t.Errorf("%s: accepted for %s", name, a.Name())
			}
			if k, err := a.ParseJWK([]byte(jwk)); err == nil || k != nil {
				t.Errorf("%s: accepted by %s itself", name, a.Name())
			}
		}
	}
	for name, jwk := range map[string]string{
		"the largest exponent":  rsaJWK(n, big.NewInt(1<<31-1)),
		"a modulus of 2049":     rsaJWK(modulus(t, func() (p, q *big.Int) { return random(1024), random(1025) }), big.NewInt(65537)),
		"a modulus of 8192":     rsaJWK(modulus(t, func() (p, q *big.Int) { return random(4096), random(4096) }), big.NewInt(65537)),
		"half the mark of ROCA": rsaJWK(modulus(t, func() (p, q *big.Int) { return roca(), random(1025) }), big.NewInt(65537)),
	} {
		if _, err := keys.ParseJWK(keys.RS256, []byte(jwk)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// req 26: by whatever way a key comes.
func TestAWeakRSASignerIsRefused(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	check(t, err)
	small := *rsaKey()
	small.E = 3
	for name, s := range map[string]crypto.Signer{"1024 bits": short, "an exponent of 3": &small, "nothing": (*rsa.PrivateKey)(nil)} {
		if s == (*rsa.PrivateKey)(nil) {
			s = withoutKey{}
		}
		if _, err := keys.FromSigner(keys.RS256, s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// withoutKey has a public key that is none.
type withoutKey struct{ crypto.Signer }

func (withoutKey) Public() crypto.PublicKey { return &rsa.PublicKey{} }

// req 28
func TestTheSaltOfPSSIsAsLongAsTheHash(t *testing.T) {
	k, err := keys.FromSigner(keys.PS256, rsaKey())
	check(t, err)
	sum := sha256.Sum256([]byte("m"))
	signatures := map[int][]byte{0: emptySalt(sum[:])} // by the salt's length
	for _, salt := range []int{1, 20, 31, 32, 33, 64, 222} {
		signatures[salt], err = rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt})
		check(t, err)
	}
	for salt, sig := range signatures {
		check(t, rsa.VerifyPSS(&rsaKey().PublicKey, crypto.SHA256, sum[:], sig, nil)) // which takes any
		if err := k.Public().Verify([]byte("m"), sig); (err == nil) != (salt == 32) {
			t.Errorf("a salt of %d bytes: %v", salt, err)
		}
	}
}

// emptySalt signs with PSS (RFC 8017 section 9.1.1) without a salt.
func emptySalt(digest []byte) []byte {
	h := sha256.Sum256(append(make([]byte, 8), digest...))
	db := make([]byte, 256-32-1)
	db[len(db)-1] = 1
	for i := range db {
		mask := sha256.Sum256(append(h[:], 0, 0, 0, byte(i/32)))
		db[i] ^= mask[i%32]
	}
	db[0] &= 0x7f
	em := new(big.Int).SetBytes(append(append(db, h[:]...), 0xbc))
	return em.Exp(em, rsaKey().D, rsaKey().N).FillBytes(make([]byte, 256))
}

func TestRSAPrivateJWKsThatAreRefused(t *testing.T) {
	good := map[string]any{}
	check(t, json.Unmarshal(readVectors(t)[1].JWK, &good))
	private := []string{"d", "p", "q", "dp", "dq", "qi"}
	cases := map[string]func(jwk map[string]any){
		"other primes":       func(jwk map[string]any) { jwk["oth"] = []any{} },
		"a symmetric member": func(jwk map[string]any) { jwk["k"] = "AAAA" },
		"an EC key":          func(jwk map[string]any) { jwk["kty"] = "EC" },
		"p and q the same":   func(jwk map[string]any) { jwk["p"] = jwk["q"] },
		"p and q swapped":    func(jwk map[string]any) { jwk["p"], jwk["q"] = jwk["q"], jwk["p"] },
		"p and q, dp and dq swapped": func(jwk map[string]any) {
			jwk["p"], jwk["q"], jwk["dp"], jwk["dq"] = jwk["q"], jwk["p"], jwk["dq"], jwk["dp"]
		},
		"another modulus":  func(jwk map[string]any) { jwk["n"] = encode(rsaKey().N.Bytes()) },
		"another exponent": func(jwk map[string]any) { jwk["e"] = "AQAD" },
		"p 1 and q n":      func(jwk map[string]any) { jwk["p"], jwk["q"] = "AQ", jwk["n"] },
	}
	for _, name := range private {
		cases["no "+name] = func(jwk map[string]any) { delete(jwk, name) }
		cases[name+" of another key"] = func(jwk map[string]any) { jwk[name] = encode(rsaKey().D.Bytes()) }
		cases[name+" of 1"] = func(jwk map[string]any) { jwk[name] = "AQ" }
		cases[name+" empty"] = func(jwk map[string]any) { jwk[name] = "" }
		cases[name+" with a zero byte"] = func(jwk map[string]any) {
			jwk[name] = encode(append([]byte{0}, decode(t, good[name].(string))...))
		}
	}
	for name, spoil := range cases {
		jwk := map[string]any{}
		for name, value := range good {
			jwk[name] = value
		}
		spoil(jwk)
		data, err := json.Marshal(jwk)
		check(t, err)
		k, err := keys.ParsePrivateJWK(keys.RS256, data)
		if err == nil || k != nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, member := range private { // req 100
			if strings.Contains(err.Error(), good[member].(string)) {
				t.Errorf("%s: the error holds %s", name, member)
			}
		}
	}
}

func TestAKeyOfThreePrimesHasNoJWK(t *testing.T) {
	//lint:ignore SA1019 that nobody should is why it is refused
	s, err := rsa.GenerateMultiPrimeKey(rand.Reader, 3, 2048)
	check(t, err)
	k, err := keys.FromSigner(keys.RS256, s)
	check(t, err)
	if _, err := k.CleartextJWK(); err == nil {
		t.Error("written without the third")
	}
}
