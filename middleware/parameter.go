package middleware

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// defaultParameter is the name that RFC 6750 sections 2.2 and 2.3 give to the token.
const defaultParameter = "access_token"

// maxParameters is how many a query or a form may have, as it is for net/url.
const maxParameters = 10_000

// cutParameter takes every parameter with this name out of encoded, a query or a form, and leaves the
// others as they are. A value that cannot be decoded is returned empty: it is a credential, and a bad one.
func cutParameter(encoded, name string) (values []string, rest string, err error) {
	if strings.Count(encoded, "&") >= maxParameters {
		return nil, encoded, ErrTooLarge
	}
	if !hasParameter(encoded, name) {
		return nil, encoded, nil
	}
	var kept strings.Builder
	separator := ""
	for pair := range strings.SplitSeq(encoded, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if !decodesTo(key, name) {
			kept.WriteString(separator + pair)
			separator = "&"
			continue
		}
		value, err := url.QueryUnescape(value)
		if err != nil {
			value = ""
		}
		values = append(values, value)
	}
	return values, kept.String(), nil
}

// without is form without this name. It is a copy if anything changes, because others may have the form.
func without(form url.Values, name string) url.Values {
	if !form.Has(name) {
		return form
	}
	form = maps.Clone(form)
	delete(form, name)
	return form
}

// hasParameter spares requests without the parameter every allocation.
func hasParameter(encoded, name string) bool {
	for pair := range strings.SplitSeq(encoded, "&") {
		if key, _, _ := strings.Cut(pair, "="); decodesTo(key, name) {
			return true
		}
	}
	return false
}

func decodesTo(encoded, name string) bool {
	if encoded == name {
		return true
	}
	if !strings.ContainsAny(encoded, "%+") {
		return false
	}
	decoded, err := url.QueryUnescape(encoded)
	return err == nil && decoded == name
}

// parameter says what was taken out of a request.
type parameter struct{ of, name string }

// taken is what guards and Query.Hide took out of a request. It is kept in the context for the guards
// inside, because the request itself no longer has it.
type taken struct {
	parameter parameter
	values    []string
	before    *taken
}

type takenKey struct{}

// keepTaken keeps values beside what was taken before, and returns the first of all of that parameter,
// and how many there are. It changes r itself, because whoever called has no other.
func keepTaken(r *http.Request, p parameter, values []string) (raw string, n int) {
	before, _ := r.Context().Value(takenKey{}).(*taken)
	if len(values) > 0 {
		before = &taken{p, values, before}
		*r = *r.WithContext(context.WithValue(r.Context(), takenKey{}, before))
	}
	for ; before != nil; before = before.before {
		if before.parameter == p {
			raw = before.values[0]
			n += len(before.values)
		}
	}
	return raw, n
}
