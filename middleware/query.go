package middleware

import (
	"net/http"
	"strings"
)

// Query is a parameter of the URL (RFC 6750 section 2.3): for what cannot send a header, such as an
// EventSource or a link to a download. URLs stand in logs, in histories and in what is copied to a friend,
// so prefer any other source, and give such a client a token that lives for a minute: see writ.Manager.Derive.
//
// The guard takes the parameter out of the request's URL and RequestURI before the handler runs. What runs
// before the guard sees it: see Hide. The answer has Referrer-Policy: no-referrer, and a Cache-Control that
// is at least private.
type Query struct {
	// Name is the parameter's name. Default "access_token".
	Name string
}

func (q Query) checked() (Source, error) {
	if q.Name == "" {
		q.Name = defaultParameter
	}
	return q, nil
}

func (q Query) place() string { return "the query parameter " + q.Name }
func (Query) ambient() bool   { return false } // who makes the URL has the token

func (q Query) find(r *http.Request) (string, int, error) {
	values, err := q.take(r)
	raw, n := keepTaken(r, parameter{"query", q.Name}, values)
	return raw, n, err
}

// take takes the parameter out of r.
func (q Query) take(r *http.Request) ([]string, error) {
	values, rest, err := cutParameter(r.URL.RawQuery, q.Name)
	if len(values) == 0 {
		return nil, err
	}
	// Copies: a handler outside that has not waited for this one may be reading.
	changed := *r.URL
	changed.RawQuery, r.URL = rest, &changed
	if path, query, ok := strings.Cut(r.RequestURI, "?"); ok {
		if _, query, _ = cutParameter(query, q.Name); query != "" {
			path += "?" + query
		}
		r.RequestURI = path
	}
	r.Form = without(r.Form, q.Name)
	return values, nil
}

// Hide goes around everything that must not see the parameter, a log of requests first of all. It takes
// the parameter out of the URL at once, and keeps it in the request's context for the guards inside. So does
// a guard for guards inside it: a request that a handler makes with that context has the token, too.
func (q Query) Hide(next http.Handler) http.Handler {
	source, _ := q.checked()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, n, _ := source.find(r); n > 0 {
			answer := ruled(w, inURL)
			defer answer.protect()
			w = answer
		}
		next.ServeHTTP(w, r)
	})
}
