package jwks

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/keys"
)

const (
	maxSet     = 512 << 10 // bytes
	maxEntries = 100
	maxKID     = 128 // bytes; tokens have none longer
)

// Set is what Parse could use of a key set, and why not the rest.
type Set struct {
	// Keys are by kid, exactly as the set has it; it need not be the key's ID.
	Keys map[string]*keys.Public

	// Skipped says of every other entry, in order, why it is not in Keys.
	Skipped []error
}

// Parse reads a JSON Web Key Set (RFC 7517 section 5) for the keys that verify under the allowed
// algorithms. Each is bound to one of these: to its alg or, if it has none, to the only one that fits
// it.
//
// It refuses the whole set, and returns no Set, if the set is over 512 KiB; is not one JSON object in
// UTF-8 with unique names; has no array of keys, or more than 100 in it; has a kid twice; holds
// anything private or symmetric; or has no key that is of use here.
//
// It skips each entry that is of an unknown type or another algorithm, is not meant for verifying
// (use, key_ops), is damaged, has no alg while several allowed algorithms fit it, or has a kid that no
// token could name: none, over 128 bytes, or not printable ASCII.
//
// Whose set it is, and whether it arrived unchanged, is the caller's affair: keys count only for the
// issuer from whose HTTPS address they came. Certificates (x5c, x5u) are ignored and never fetched.
func Parse(set []byte, allowed ...keys.Algorithm) (*Set, error) {
	if err := checkAllowed(allowed); err != nil {
		return nil, err
	}
	entries, err := split(set)
	if err != nil {
		return nil, err
	}
	s := &Set{Keys: map[string]*keys.Public{}}
	seen := map[string]bool{}
	for i, raw := range entries {
		e, err := parseEntry(raw)
		switch {
		case e.secret != "":
			return nil, fmt.Errorf("jwks: keys[%d] of the set %s: others have read it too, so its publisher must "+
				"make a new key, and publish public halves only", i, e.secret)
		case e.kid != "" && seen[e.kid]:
			return nil, fmt.Errorf("jwks: keys[%d] of the set has the kid of another", i)
		}
		seen[e.kid] = true
		var k *keys.Public
		if err == nil {
			k, err = e.key(allowed)
		}
		if err != nil {
			s.Skipped = append(s.Skipped, fmt.Errorf("jwks: keys[%d] of the set: %w", i, err))
			continue
		}
		s.Keys[e.kid] = k
	}
	switch {
	case len(entries) == 0:
		return nil, errors.New("jwks: the set is empty")
	case len(s.Keys) == 0:
		return nil, fmt.Errorf("jwks: the set has no key that is of use here; %d were skipped, the first because: %w",
			len(s.Skipped), s.Skipped[0])
	}
	return s, nil
}

// checkAllowed finds the caller's mistakes.
func checkAllowed(allowed []keys.Algorithm) error {
	if len(allowed) == 0 {
		return errors.New("jwks: no algorithm is allowed: name those that the issuer signs with, for example keys.ES256")
	}
	var seen []string
	for _, a := range allowed {
		if a == nil {
			return errors.New("jwks: an allowed algorithm is nil")
		}
		if slices.Contains([]string{"HS256", "HS384", "HS512"}, a.Name()) {
			return fmt.Errorf("jwks: %s cannot be allowed: its keys are secrets, which no set holds", a.Name())
		}
		if slices.Contains(seen, a.Name()) {
			return fmt.Errorf("jwks: %s is allowed twice", a.Name())
		}
		seen = append(seen, a.Name())
	}
	return nil
}

// split checks that the set is well-formed, down to the last level, and cuts it into its entries.
func split(set []byte) ([]jsontext.Value, error) {
	if len(set) > maxSet {
		return nil, fmt.Errorf("jwks: the set is over %d bytes", maxSet)
	}
	var m map[string]jsontext.Value
	if jsontext.Value(set).Kind() != '{' || json.Unmarshal(set, &m) != nil {
		return nil, errors.New("jwks: the set is not one JSON object in UTF-8 with unique names")
	}
	var entries []jsontext.Value
	if m["keys"].Kind() != '[' || json.Unmarshal(m["keys"], &entries) != nil {
		return nil, errors.New(`jwks: the set has no array "keys"`)
	}
	if len(entries) > maxEntries {
		return nil, fmt.Errorf("jwks: the set has over %d keys", maxEntries)
	}
	return entries, nil
}
