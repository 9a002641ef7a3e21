package jwks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/keys"
)

// entry is one JWK of a set, by what decides before its type does.
type entry struct {
	raw    jsontext.Value
	kid    string // "" if no token could have it
	kty    string
	alg    string // "" if it has none
	secret string // what makes it private or symmetric, or ""
}

// secretMembers make a JWK of these types private or symmetric: RFC 7518 section 6, RFC 8037 section 2,
// RFC 9964 section 3. Another type may have public members of these names.
var (
	secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}
	secretTypes   = []string{"", "EC", "RSA", "OKP", "AKP", "oct"}
)

// parseEntry returns an error for what is to be skipped, and beside it what it found.
func parseEntry(raw jsontext.Value) (*entry, error) {
	e := &entry{raw: raw}
	var m map[string]jsontext.Value
	if raw.Kind() != '{' || json.Unmarshal(raw, &m) != nil {
		return e, errors.New("it is not a JSON object")
	}
	text := func(name string) (s string) {
		if m[name].Kind() == '"' && json.Unmarshal(m[name], &s) != nil {
			return ""
		}
		return s
	}
	e.kty = text("kty")
	for _, name := range secretMembers {
		if _, ok := m[name]; ok && slices.Contains(secretTypes, e.kty) {
			e.secret = fmt.Sprintf("has the member %q", name)
		}
	}
	if e.kty == "oct" {
		e.secret = "is symmetric"
	}
	if kid := text("kid"); nameable(kid) {
		e.kid = kid
	}
	e.alg = text("alg") // keys.ParseJWK refuses one that is not text
	switch {
	case e.kty == "":
		return e, errors.New("it has no kty")
	case e.kid == "":
		return e, fmt.Errorf("its kid is missing, or not 1 to %d printable ASCII characters, so no token can name it", maxKID)
	}
	return e, nil
}

// nameable reports whether a token may have this kid.
func nameable(kid string) bool {
	return kid != "" && len(kid) <= maxKID && !strings.ContainsFunc(kid, func(r rune) bool {
		return r <= ' ' || r > '~'
	})
}

// key binds the entry to the one algorithm that may use it.
func (e *entry) key(allowed []keys.Algorithm) (*keys.Public, error) {
	if e.alg != "" {
		i := slices.IndexFunc(allowed, func(a keys.Algorithm) bool { return a.Name() == e.alg })
		if i < 0 {
			return nil, fmt.Errorf("its alg %.20q is not allowed", e.alg)
		}
		return keys.ParseJWK(allowed[i], e.raw)
	}
	var fits []*keys.Public
	reasons := map[string]error{}
	for _, a := range allowed {
		if k, err := keys.ParseJWK(a, e.raw); err == nil {
			if fits = append(fits, k); len(fits) > 1 {
				break // RSA keys take long to parse
			}
		} else {
			reasons[err.Error()] = err
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		return nil, fmt.Errorf("it is ambiguous: it has no alg, and both %s and %s fit it",
			fits[0].Algorithm().Name(), fits[1].Algorithm().Name())
	case len(reasons) == 1:
		for _, err := range reasons {
			return nil, err
		}
	}
	return nil, fmt.Errorf("it has no alg, and no allowed algorithm fits its kty %.20q", e.kty)
}
