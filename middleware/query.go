package middleware

import (
	"net/http"
	"strings"
)

// Query is a parameter of the URL (RFC 6750 section 2.3): for what cannot send a header, such as an
// EventSource or a link to a download. URLs stand in logs, in histories and in what is copied to a friend,
// so keep such tokens short-lived, and prefer any other source.
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
	raw, n := keepTaken(r, parameter{"query", q.Name}, q.take(r))
	return raw, n, nil
}

// take takes the parameter out of r.
func (q Query) take(r *http.Request) []string {
	values, rest := cutParameter(r.URL.RawQuery, q.Name)
	if len(values) == 0 {
		return nil
	}
	r.URL.RawQuery = rest
	if path, query, ok := strings.Cut(r.RequestURI, "?"); ok {
		if _, query = cutParameter(query, q.Name); query != "" {
			path += "?" + query
		}
		r.RequestURI = path
	}
	delete(r.Form, q.Name)
	return values
}

// Hide goes around everything that must not see the parameter, a log of requests first of all. It takes
// the parameter out of the URL at once, and keeps it in the request's context for the guards inside.
func (q Query) Hide(next http.Handler) http.Handler {
	source, _ := q.checked()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, n, _ := source.find(r); n > 0 {
			hiding := &response{ResponseWriter: w, rule: inURL}
			defer hiding.protect()
			w = hiding
		}
		next.ServeHTTP(w, r)
	})
}
