package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"
)

// RS256, RS384 and RS512 are RSASSA-PKCS1-v1_5 (RFC 7518 section 3.3) with SHA-2 of 256, 384 and
// 512 bits. Like PS256 and its kin they take keys of 2048 to 8192 bits, refuse what broken generators
// have made, and generate 2048 bits: enough for the weeks that a signing key lives (NIST SP 800-57
// allows them until 2030), and verified in a fifth of the time of 3072. Longer keys can be brought
// with FromSigner or ParsePrivatePEM.
var (
	RS256 Algorithm = &rsaAlgorithm{"RS256", crypto.SHA256, nil}
	RS384 Algorithm = &rsaAlgorithm{"RS384", crypto.SHA384, nil}
	RS512 Algorithm = &rsaAlgorithm{"RS512", crypto.SHA512, nil}
)

// PS256, PS384 and PS512 are RSASSA-PSS (RFC 7518 section 3.5) with SHA-2 of 256, 384 and 512 bits,
// and a salt exactly as long as the hash.
var (
	PS256 Algorithm = &rsaAlgorithm{"PS256", crypto.SHA256, pss(crypto.SHA256)}
	PS384 Algorithm = &rsaAlgorithm{"PS384", crypto.SHA384, pss(crypto.SHA384)}
	PS512 Algorithm = &rsaAlgorithm{"PS512", crypto.SHA512, pss(crypto.SHA512)}
)

type rsaAlgorithm struct {
	name string
	hash crypto.Hash
	pss  *rsa.PSSOptions // nil for PKCS #1 v1.5
}

// pss has the salt's length as a number, which signers other than Go's understand too.
func pss(h crypto.Hash) *rsa.PSSOptions { return &rsa.PSSOptions{SaltLength: h.Size(), Hash: h} }

const (
	minModulus = 2048 // bits (RFC 7518 section 3.3)
	maxModulus = 8192 // bits: verifying takes quadratic time, and whoever sends a key set chooses it
)

func (a *rsaAlgorithm) Name() string { return a.name }

func (a *rsaAlgorithm) Generate() (crypto.Signer, error) {
	return rsa.GenerateKey(rand.Reader, minModulus)
}

func (a *rsaAlgorithm) Sign(key crypto.Signer, message []byte) ([]byte, error) {
	k, err := a.key(key.Public())
	if err != nil {
		return nil, err
	}
	var opts crypto.SignerOpts = a.hash
	if a.pss != nil {
		opts = a.pss
	}
	signature, err := key.Sign(rand.Reader, digest(a.hash, message, new([sha512.Size]byte)), opts)
	if err != nil {
		return nil, err
	}
	if len(signature) != k.Size() {
		return nil, fmt.Errorf("keys: %s: the signer's answer is not as long as its modulus", a.name)
	}
	return signature, nil
}

func (a *rsaAlgorithm) Verify(key crypto.PublicKey, message, signature []byte) error {
	k, err := a.key(key)
	if err != nil {
		return err
	}
	var buf [sha512.Size]byte
	sum := digest(a.hash, message, &buf)
	if a.pss != nil {
		err = rsa.VerifyPSS(k, a.hash, sum, signature, a.pss)
	} else {
		err = rsa.VerifyPKCS1v15(k, a.hash, sum, signature)
	}
	if err != nil {
		return ErrSignature
	}
	return nil
}

func (a *rsaAlgorithm) MarshalJWK(key crypto.PublicKey) ([]byte, error) {
	k, err := a.key(key)
	if err != nil {
		return nil, err
	}
	e := big.NewInt(int64(k.E))
	return fmt.Appendf(nil, `{"e":"%s","kty":"RSA","n":"%s"}`, b64.EncodeToString(e.Bytes()), b64.EncodeToString(k.N.Bytes())), nil
}

func (a *rsaAlgorithm) ParseJWK(jwk []byte) (crypto.PublicKey, error) {
	m, err := publicMembers(jwk, a.name)
	if err != nil {
		return nil, err
	}
	k, err := m.rsa()
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (m members) rsa() (*rsa.PublicKey, error) {
	if err := m.exactly("kty", "RSA"); err != nil {
		return nil, err
	}
	n, err := m.integer("n")
	if err != nil {
		return nil, err
	}
	e, err := m.integer("e")
	if err != nil {
		return nil, err
	}
	// FIPS 186-5 section 5.4 wants 65537 or more; crypto/rsa takes no more than 31 bits.
	if e.Cmp(big.NewInt(65537)) < 0 || e.BitLen() > 31 || e.Bit(0) == 0 {
		return nil, errors.New("keys: JWK: e must be odd, at least 65537 and below 2^31")
	}
	if n.BitLen() < minModulus || n.BitLen() > maxModulus {
		return nil, fmt.Errorf("keys: JWK: the modulus n must have %d to %d bits", minModulus, maxModulus)
	}
	if reason := weakModulus(n); reason != "" {
		return nil, fmt.Errorf("keys: JWK: the modulus n %s: anyone can find the private key: make another", reason)
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func (a *rsaAlgorithm) MarshalPrivateJWK(key crypto.Signer) ([]byte, error) {
	k, ok := key.(*rsa.PrivateKey)
	if !ok || k == nil || len(k.Primes) != 2 {
		return nil, errNotExportable
	}
	out, err := a.MarshalJWK(&k.PublicKey)
	if err != nil {
		return nil, err
	}
	// A copy, because Precompute writes to the key, with which others may be signing.
	k = &rsa.PrivateKey{PublicKey: k.PublicKey, D: k.D, Primes: k.Primes}
	if k.Precompute(); k.Validate() != nil {
		return nil, errNotExportable
	}
	// RFC 7518 section 6.3.2
	for _, member := range []struct {
		name  string
		value *big.Int
	}{
		{"d", k.D}, {"p", k.Primes[0]}, {"q", k.Primes[1]},
		{"dp", k.Precomputed.Dp}, {"dq", k.Precomputed.Dq}, {"qi", k.Precomputed.Qinv},
	} {
		out = withMember(out, member.name, member.value.Bytes())
	}
	return out, nil
}

// ParsePrivateJWK leaves dp, dq and qi to the comparison that every private JWK undergoes.
func (a *rsaAlgorithm) ParsePrivateJWK(jwk []byte) (crypto.Signer, error) {
	m, err := parseMembers(jwk, a.name, "sign")
	if err != nil {
		return nil, err
	}
	public, err := m.rsa()
	if err != nil {
		return nil, err
	}
	k := &rsa.PrivateKey{PublicKey: *public, Primes: make([]*big.Int, 2)}
	for name, value := range map[string]**big.Int{"d": &k.D, "p": &k.Primes[0], "q": &k.Primes[1]} {
		if *value, err = m.integer(name); err != nil {
			return nil, err
		}
	}
	if k.Precompute(); k.Validate() != nil {
		return nil, errors.New("keys: JWK: n, e, d, p and q are not of one RSA key")
	}
	return k, nil
}

func (a *rsaAlgorithm) key(key crypto.PublicKey) (*rsa.PublicKey, error) {
	k, ok := key.(*rsa.PublicKey)
	if !ok || k == nil || k.N == nil {
		return nil, fmt.Errorf("keys: %s wants an RSA key", a.name)
	}
	return k, nil
}
