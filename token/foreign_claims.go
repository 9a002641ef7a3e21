package token

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// mostClaims is how many names Foreign.Claims may have.
const mostClaims = 32

// claim is one that Foreign.Claims names, as it stands in the token; empty if it does not, or is null.
type claim struct{ name, text string }

// Claim reads a claim of a token whose issuer is not writ, one that Foreign.Claims names. It is decoded
// anew each time, so that what comes back is the caller's own. Names of members match exactly, including
// case, and members that T does not have are ignored. ErrNoClaim: the token does not have it, or it is null.
// Any other error is that it cannot be decoded as T, or that Foreign.Claims does not name it. Claim does not
// check what it says.
func Claim[T any](v *Verified, name string) (T, error) {
	var value, none T
	if v == nil {
		return none, errors.New("token: there is no token to read a claim of")
	}
	i := slices.IndexFunc(v.claims, func(c claim) bool { return c.name == name })
	if i < 0 {
		return none, fmt.Errorf("token: claim %.64q is not kept: name it in Foreign.Claims", name)
	}
	if v.claims[i].text == "" {
		return none, ErrNoClaim
	}
	if jsonv2.Unmarshal([]byte(v.claims[i].text), &value) != nil { // its error may quote the token
		return none, fmt.Errorf("token: claim %.64q cannot be decoded as %s", name, reflect.TypeFor[T]())
	}
	return value, nil
}

// keep is what a token with these members has of the claims that f names.
func (f Foreign) keep(members map[string]jsontext.Value) []claim {
	if len(f.Claims) == 0 {
		return nil
	}
	kept := make([]claim, len(f.Claims))
	for i, name := range f.Claims {
		kept[i].name = name
		if value := members[name]; value.Kind() != 'n' {
			kept[i].text = string(value)
		}
	}
	return kept
}

// checkClaims quotes no name: they may come from an environment whose variables were mixed up.
func (f Foreign) checkClaims(refuse func(format string, args ...any)) {
	if len(f.Claims) > mostClaims {
		refuse("Foreign.Claims has %d names: it may have %d", len(f.Claims), mostClaims)
	}
	for i, name := range f.Claims {
		switch {
		case strings.TrimSpace(name) != name || name == "":
			refuse("Foreign.Claims[%d] is empty, or begins or ends with white space", i)
		case known[name]:
			refuse("Foreign.Claims[%d] is one that this package reads or refuses itself: leave it out, and see whether Verified has a method for it, or Data", i)
		case slices.Contains(f.Claims[:i], name):
			refuse("Foreign.Claims[%d] is there twice", i)
		}
	}
}
