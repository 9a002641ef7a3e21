package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
)

// Source is one place where a credential may stand: Bearer(), a Header, a Cookies, a Query, a Form or a
// *Custom. It is sealed. A guard looks into every Source that it has, and refuses a request with two
// credentials, or with one twice, with ErrAmbiguous.
type Source interface {
	// checked is the source with its defaults filled in; an error if it cannot be one.
	checked() (Source, error)
	// place names the source. No two sources of a guard have the same.
	place() string
	// ambient reports whether another site can have a browser send a credential there.
	ambient() bool
	// find returns the credential that stands in r, and how many do. An empty credential counts. What
	// must not go on to handlers is taken out of r.
	find(r *http.Request) (raw string, n int, err error)
}

// Bearer is the Authorization header of RFC 6750 section 2.1. Another scheme in that header is no
// credential; a second Authorization header, of whatever scheme, makes the request ambiguous.
func Bearer() Source { return bearer{} }

// BearerToken reads the Authorization header as Bearer does; not ok if it has no Bearer token, or if there
// are two such headers. It does not ask whether the token is good.
func BearerToken(r *http.Request) (string, bool) {
	raw, n, _ := bearer{}.find(r)
	return raw, n == 1 && raw != ""
}

type bearer struct{}

func (b bearer) checked() (Source, error) { return b, nil }
func (bearer) place() string              { return "the Authorization header" }
func (bearer) ambient() bool              { return false }

func (bearer) find(r *http.Request) (string, int, error) {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return "", len(values), nil
	}
	const scheme = "Bearer"
	v := textproto.TrimString(values[0])
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return "", 0, nil
	}
	rest := v[len(scheme):]
	raw := textproto.TrimString(rest)
	if len(raw) == len(rest) && raw != "" {
		return "", 0, nil // a longer scheme name that begins with the same letters
	}
	return raw, 1, nil
}

// Header is a header of its own whose whole value is the token, as some proxies send it. A guard that has
// it believes whoever can set the header: have the proxy remove what clients send.
type Header struct {
	// Name is the header's name, such as "X-Access-Token". Required.
	Name string
}

func (h Header) checked() (Source, error) {
	h.Name = textproto.CanonicalMIMEHeaderKey(h.Name)
	// A canonical name has been found to be a token of RFC 9110 section 5.6.2; others are left alone.
	switch valid := (&http.Cookie{Name: h.Name}).Valid() == nil; {
	case !valid:
		return nil, errors.New("middleware: Header.Name is no header name")
	case h.Name == "Authorization":
		return nil, errors.New("middleware: for the Authorization header take Bearer()")
	case h.Name == "Cookie" || h.Name == "Host":
		return nil, fmt.Errorf("middleware: Header.Name cannot be %s", h.Name)
	}
	return h, nil
}

func (h Header) place() string { return "the header " + h.Name }
func (Header) ambient() bool   { return false }

func (h Header) find(r *http.Request) (string, int, error) {
	values := r.Header[h.Name]
	if len(values) == 0 {
		return "", 0, nil
	}
	return textproto.TrimString(values[0]), len(values), nil
}

// Custom is a place of your own, such as a member of Sec-WebSocket-Protocol. For one in the URL take Query,
// which takes the token out: what stays there goes into logs, and on to Config.SignInPage.
type Custom struct {
	// Place names it in errors: "the Sec-WebSocket-Protocol header". Required, and no two of a guard
	// have the same.
	Place string
	// Find returns every credential that stands there, so that a request with two is refused; none for a
	// request without. It leaves the request as it is, for guards inside. It is called by many goroutines.
	// Required.
	Find func(r *http.Request) []string
	// NotAmbient gives up the cross-origin check: for a place where a browser puts a credential only if a
	// script that has the token tells it to.
	NotAmbient bool
}

func (c *Custom) checked() (Source, error) {
	if c == nil || c.Place == "" || c.Find == nil {
		return nil, errors.New("middleware: a Custom needs a Place and a Find")
	}
	return c, nil
}

func (c *Custom) place() string { return c.Place }
func (c *Custom) ambient() bool { return !c.NotAmbient }

func (c *Custom) find(r *http.Request) (string, int, error) {
	values := c.Find(r)
	if len(values) == 0 {
		return "", 0, nil
	}
	return values[0], len(values), nil
}
