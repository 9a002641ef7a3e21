package mldsa

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/sign"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// keyType is that of every algorithm whose key says nothing beyond its bytes: RFC 9964 section 3.
const keyType = "AKP"

// foreign are members of other key types, and those in which drafts of RFC 9964 had private halves.
var foreign = []string{"crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth", "k", "seed", "priv_exp"}

var b64 = base64.RawURLEncoding.Strict()

// members are a JWK's, by name, not yet decoded, so that absent and null differ.
type members map[string]jsontext.Value

// MarshalJWK writes alg, kty and pub: RFC 9964 section 6.
func (a *algorithm[P, S]) MarshalJWK(key crypto.PublicKey) ([]byte, error) {
	public, err := a.public(key)
	if err != nil {
		return nil, err
	}
	raw, err := any(public).(sign.PublicKey).MarshalBinary()
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"alg":"%s","kty":"%s","pub":"%s"}`, a.Name(), keyType, b64.EncodeToString(raw)), nil
}

// ParseJWK reads a public key. Unlike with other key types, alg must be there (RFC 9964 section 3).
// What use and key_ops say is keys.ParseJWK's to judge.
func (a *algorithm[P, S]) ParseJWK(jwk []byte) (crypto.PublicKey, error) {
	m, err := a.members(jwk)
	if err != nil {
		return nil, err
	}
	if _, ok := m["priv"]; ok {
		return nil, errors.New(`mldsa: JWK: holds the private member "priv": pass on public keys only`)
	}
	pub, err := m.bytes("pub", a.scheme.PublicKeySize())
	if err != nil {
		return nil, err
	}
	// FIPS 204 section 7.2: every text of this length is a key.
	return a.scheme.UnmarshalBinaryPublicKey(pub)
}

// MarshalPrivateJWK gives the private half away: priv is the seed. It is for keys.Exporter.
func (a *algorithm[P, S]) MarshalPrivateJWK(key crypto.Signer) ([]byte, error) {
	private, ok := any(key).(*S)
	if !ok || private == nil {
		return nil, fmt.Errorf("mldsa: this private half cannot be exported: it is not a %T", private)
	}
	seed := any(private).(sign.Seeded).Seed()
	if len(seed) != a.scheme.SeedSize() {
		return nil, errors.New("mldsa: this private half cannot be exported: it was not made of a seed, and RFC 9964 has no other form")
	}
	public, err := a.MarshalJWK(key.Public())
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(public[:len(public)-1], `,"priv":"%s"}`, b64.EncodeToString(seed)), nil
}

// ParsePrivateJWK reads what MarshalPrivateJWK writes, and refuses a pub that is not the seed's. It is
// for keys.Exporter.
func (a *algorithm[P, S]) ParsePrivateJWK(jwk []byte) (crypto.Signer, error) {
	m, err := a.members(jwk)
	if err != nil {
		return nil, err
	}
	pub, err := m.bytes("pub", a.scheme.PublicKeySize())
	if err != nil {
		return nil, err
	}
	seed, err := m.bytes("priv", a.scheme.SeedSize())
	if err != nil {
		return nil, err
	}
	public, private := a.scheme.DeriveKey(seed)
	if raw, err := public.MarshalBinary(); err != nil || string(raw) != string(pub) {
		return nil, errors.New("mldsa: JWK: the private and the public half are of different keys")
	}
	return private, nil
}

// members applies every rule that public and private keys have in common.
func (a *algorithm[P, S]) members(jwk []byte) (members, error) {
	var m members
	if jsontext.Value(jwk).Kind() != '{' || json.Unmarshal(jwk, &m) != nil {
		return nil, errors.New("mldsa: JWK: not one JSON object with unique names")
	}
	for name, want := range map[string]string{"kty": keyType, "alg": a.Name()} {
		if s, err := m.text(name); err != nil {
			return nil, err
		} else if s != want {
			return nil, fmt.Errorf("mldsa: JWK: %s must be %q", name, want)
		}
	}
	for _, name := range foreign {
		if _, ok := m[name]; ok {
			return nil, fmt.Errorf("mldsa: JWK: an %s key has no %q", keyType, name)
		}
	}
	return m, nil
}

func (m members) text(name string) (string, error) {
	var s string
	if m[name].Kind() != '"' || json.Unmarshal(m[name], &s) != nil {
		return "", fmt.Errorf("mldsa: JWK: %s is missing or not a string", name)
	}
	return s, nil
}

func (m members) bytes(name string, length int) ([]byte, error) {
	s, err := m.text(name)
	if err != nil {
		return nil, err
	}
	b, err := b64.DecodeString(s)
	// Go's decoder skips line ends, so the length of the text counts too.
	if err != nil || len(b) != length || len(s) != b64.EncodedLen(length) {
		return nil, fmt.Errorf("mldsa: JWK: %s is not %d bytes in base64url without padding", name, length)
	}
	return b, nil
}
