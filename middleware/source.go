package middleware

import (
	"net/http"
	"net/textproto"
	"strings"
)

// Source is one place where a credential may stand: Bearer or a Cookies value. It is sealed.
type Source interface {
	// find returns the credential that stands in r, and how many do. An empty credential counts.
	find(r *http.Request) (raw string, n int)
	// place names the source. No two sources of a guard have the same.
	place() string
	// ambient reports whether browsers send the credential unasked, so that another site can have
	// it sent.
	ambient() bool
}

// Bearer is the Authorization header of RFC 6750 section 2.1. Another scheme in that header is no
// credential; a second Authorization header, of whatever scheme, makes the request ambiguous.
func Bearer() Source { return bearer{} }

type bearer struct{}

func (bearer) place() string { return "the Authorization header" }
func (bearer) ambient() bool { return false }

func (bearer) find(r *http.Request) (string, int) {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return "", len(values)
	}
	const scheme = "Bearer"
	v := textproto.TrimString(values[0])
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return "", 0
	}
	rest := v[len(scheme):]
	raw := textproto.TrimString(rest)
	if len(raw) == len(rest) && raw != "" {
		return "", 0 // a longer scheme name that begins with the same letters
	}
	return raw, 1
}
