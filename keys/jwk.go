package keys

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var b64 = base64.RawURLEncoding.Strict()

// maxJWK bounds a JWK before it is parsed. Certificates (x5c), which are ignored, are the only long
// members.
const maxJWK = 64 << 10

// ParseJWK reads a public JWK (RFC 7517) as a key for the algorithm a. It refuses private and
// symmetric members, duplicate names, another alg, use or key_ops that do not allow verifying,
// coordinates that are not full length, points off the curve, and RSA keys that are too short, too
// long, or plainly weak. It ignores kid: a key's ID is its thumbprint. Certificates (x5c, x5u) are ignored and never fetched; whether to trust the key is
// the caller's affair.
func ParseJWK(a Algorithm, jwk []byte) (*Public, error) {
	if a == nil {
		return nil, errNoAlgorithm
	}
	if _, err := publicMembers(jwk, a.Name()); err != nil {
		return nil, err
	}
	key, err := a.ParseJWK(jwk)
	if err != nil {
		return nil, err
	}
	return newPublic(a, key)
}

// members are a JWK's, by name, not yet decoded, so that absent and null differ.
type members map[string]jsontext.Value

// privateMembers make a JWK private or symmetric: RFC 7518 section 6, RFC 8037 section 2, and priv
// of AKP keys.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// publicMembers applies every rule that does not depend on the key type.
func publicMembers(jwk []byte, alg string) (members, error) {
	m, err := parseMembers(jwk, alg, "verify")
	if err != nil {
		return nil, err
	}
	for _, name := range privateMembers {
		if _, ok := m[name]; ok {
			return nil, fmt.Errorf("keys: JWK: holds the private member %q: pass on public keys only", name)
		}
	}
	return m, nil
}

func parseMembers(jwk []byte, alg, operation string) (members, error) {
	if len(jwk) > maxJWK {
		return nil, fmt.Errorf("keys: JWK: over %d bytes", maxJWK)
	}
	var m members
	if jsontext.Value(jwk).Kind() != '{' || json.Unmarshal(jwk, &m) != nil {
		return nil, errors.New("keys: JWK: not one JSON object with unique names")
	}
	if _, ok := m["alg"]; ok {
		if err := m.exactly("alg", alg); err != nil {
			return nil, err
		}
	}
	if _, ok := m["use"]; ok {
		if err := m.exactly("use", "sig"); err != nil {
			return nil, err
		}
	}
	if raw, ok := m["key_ops"]; ok {
		var ops []string
		if json.Unmarshal(raw, &ops) != nil || !slices.Contains(ops, operation) {
			return nil, fmt.Errorf("keys: JWK: key_ops does not allow %q", operation)
		}
		slices.Sort(ops)
		if len(slices.Compact(ops)) != len(ops) {
			return nil, errors.New("keys: JWK: key_ops names an operation twice")
		}
	}
	return m, nil
}

func (m members) text(name string) (string, error) {
	var s string
	if m[name].Kind() != '"' || json.Unmarshal(m[name], &s) != nil {
		return "", fmt.Errorf("keys: JWK: %s is missing or not a string", name)
	}
	return s, nil
}

func (m members) exactly(name, want string) error {
	s, err := m.text(name)
	if err == nil && s != want {
		err = fmt.Errorf("keys: JWK: %s must be %q", name, want)
	}
	return err
}

func (m members) bytes(name string, length int) ([]byte, error) {
	b, err := m.octets(name)
	if err == nil && len(b) != length {
		return nil, fmt.Errorf("keys: JWK: %s is not %d bytes", name, length)
	}
	return b, err
}

func (m members) octets(name string) ([]byte, error) {
	s, err := m.text(name)
	if err != nil {
		return nil, err
	}
	b, err := b64.DecodeString(s)
	// Go's decoder skips line ends, so the length of the text counts too.
	if err != nil || len(s) != b64.EncodedLen(len(b)) {
		return nil, fmt.Errorf("keys: JWK: %s is not in base64url without padding", name)
	}
	return b, nil
}

// integer reads a Base64urlUInt (RFC 7518 section 2), in its one shortest form.
func (m members) integer(name string) (*big.Int, error) {
	b, err := m.octets(name)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || b[0] == 0 {
		return nil, fmt.Errorf("keys: JWK: %s is empty or begins with a zero byte", name)
	}
	return new(big.Int).SetBytes(b), nil
}

// withMember adds bytes, in base64url, to a JWK.
func withMember(jwk []byte, name string, value []byte) []byte {
	return fmt.Appendf(bytes.TrimSuffix(jwk, []byte("}")), `,"%s":"%s"}`, name, b64.EncodeToString(value))
}

// labelled adds kid, alg and use, in one order of members.
func labelled(jwk []byte, a Algorithm, id string) ([]byte, error) {
	var m members
	if err := json.Unmarshal(jwk, &m); err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"alg": a.Name(), "kid": id, "use": "sig"} {
		var err error
		if m[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(m, json.Deterministic(true))
}

// thumbprint is RFC 7638 with SHA-256, in base64url. required holds the members that its section
// 3.2 names for the key type, and no others.
func thumbprint(required []byte) (string, error) {
	canonical := jsontext.Value(slices.Clone(required))
	if err := canonical.Canonicalize(); err != nil {
		return "", fmt.Errorf("keys: thumbprint: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return b64.EncodeToString(sum[:]), nil
}
