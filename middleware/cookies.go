package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/writ-go/writ/token"
)

const (
	maxCookie    = 4096                 // bytes of name and value that browsers keep
	maxCookieAge = 400 * 24 * time.Hour // longer is cut by browsers
)

// Cookies writes, reads and clears the session's cookies with one set of attributes. The zero value
// is right for pages: __Host- names, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain. Chromium
// and Firefox take Secure cookies from http://localhost too, so that a development machine needs no other;
// Safari is said not to: give it https, or InsecureHTTP.
//
// A Cookies is also a Source: the access cookie.
type Cookies struct {
	// Name is the access cookie's name. It begins with "__Host-", which keeps other hosts of the
	// domain from setting it; "__Host-Http-" keeps scripts of this site from it too, in browsers that
	// know that prefix, and is as good in others. Default "__Host-access".
	Name string
	// RefreshName is the refresh cookie's name, which begins with "__Host-", or with "__Secure-" if
	// there is a RefreshPath. Default "__Host-refresh" or "__Secure-refresh".
	RefreshName string
	// RefreshOnly is for a SPA: the access token goes into the answer's body, and only the refresh
	// token into a cookie.
	RefreshOnly bool
	// RefreshPath limits the refresh cookie to a path, such as "/auth". Pages cannot be refreshed by
	// the guard then. Default: the whole site.
	RefreshPath string
	// SameSite is always written. SameSite=None needs Secure. Default Lax.
	SameSite http.SameSite
	// Partitioned keeps a set of cookies for each site that embeds this one (CHIPS). It needs Secure.
	Partitioned bool
	// InsecureHTTP gives up Secure and the prefixes of the names: for plain http that is not
	// localhost, where anyone on the way can read and plant the cookies. The default names are then
	// "access" and "refresh".
	InsecureHTTP bool
	// Former are cookies that this site used to set, for a change of names, paths or domains. Keep them
	// here until the last of them has expired. Default: none.
	Former []FormerCookie
}

// Validate refuses names that browsers would drop or another host could set, a path that is none,
// and SameSite=None or Partitioned without Secure. New, Set and writ.Open call it.
func (c Cookies) Validate() error {
	prefix := "__Host-"
	if err := c.validName("Name", c.accessName(), prefix); err != nil {
		return err
	}
	if c.RefreshPath != "" {
		prefix = "__Secure-"
	}
	if err := c.validName("RefreshName", c.refreshName(), prefix); err != nil {
		return err
	}
	switch {
	case c.accessName() == c.refreshName():
		return errors.New("middleware: Cookies.Name and RefreshName must differ")
	case c.RefreshPath != "" && (!localPath(c.RefreshPath) || strings.ContainsAny(c.RefreshPath, ";,?#")):
		return errors.New("middleware: Cookies.RefreshPath must be a path, such as /auth")
	case c.SameSite < 0 || c.SameSite > http.SameSiteNoneMode:
		return errors.New("middleware: Cookies.SameSite is none of net/http's values")
	case c.InsecureHTTP && c.SameSite == http.SameSiteNoneMode:
		return errors.New("middleware: SameSite=None needs Secure, which Cookies.InsecureHTTP gives up")
	case c.InsecureHTTP && c.Partitioned:
		return errors.New("middleware: Cookies.Partitioned needs Secure, which Cookies.InsecureHTTP gives up")
	}
	return c.checkFormer()
}

func (c Cookies) validName(field, name, prefix string) error {
	switch {
	case (&http.Cookie{Name: name}).Valid() != nil:
		return fmt.Errorf("middleware: Cookies.%s is no cookie name", field)
	case c.InsecureHTTP && strings.HasPrefix(name, "__"):
		return fmt.Errorf("middleware: browsers drop a cookie with a prefix such as %s without Secure: "+
			"change Cookies.%s or drop InsecureHTTP", prefix, field)
	case !c.InsecureHTTP && !strings.HasPrefix(name, prefix):
		return fmt.Errorf("middleware: Cookies.%s must begin with %s", field, prefix)
	}
	return nil
}

func (c Cookies) accessName() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.InsecureHTTP:
		return "access"
	}
	return "__Host-access"
}

func (c Cookies) refreshName() string {
	switch {
	case c.RefreshName != "":
		return c.RefreshName
	case c.InsecureHTTP:
		return "refresh"
	case c.RefreshPath != "":
		return "__Secure-refresh"
	}
	return "__Host-refresh"
}

func (c Cookies) checked() (Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.RefreshOnly {
		return nil, errors.New("middleware: Cookies with RefreshOnly hold no access token: leave them out of Config.From")
	}
	c.Name, c.RefreshName = c.accessName(), c.refreshName()
	return c, nil
}

func (c Cookies) place() string { return "the cookie " + c.accessName() }
func (c Cookies) ambient() bool { return true }

func (c Cookies) find(r *http.Request) (string, int, error) {
	raw, n := findCookie(r.Header, c.accessName())
	return raw, n, nil
}

// AccessToken reads the access cookie; not ok if it is missing or empty, or if there are two. It asks
// neither who sent the request nor whether the token is good: see Guard.
func (c Cookies) AccessToken(r *http.Request) (string, bool) {
	return onlyCookie(r.Header, c.accessName())
}

// Tokens reads every value of both cookies, in no order: what a browser is to be signed out of. It
// stops at 4 access tokens, which cost a signature check each, and at 256 refresh tokens, which are
// cheap, and more than a browser keeps for a domain. It does not ask who sent the request: see
// CrossOrigin.
func (c Cookies) Tokens(r *http.Request) []string {
	tokens := slices.Concat(allCookies(r.Header, c.refreshName(), 256), allCookies(r.Header, c.accessName(), 4))
	for _, name := range c.acceptedNames() {
		tokens = append(tokens, allCookies(r.Header, name, 256)...)
	}
	return tokens
}

// RefreshToken reads the refresh cookie, or a former one with AcceptRefresh; not ok if it is missing or
// empty, or if there are two. It does not ask who sent the request: see CrossOrigin.
func (c Cookies) RefreshToken(r *http.Request) (string, bool) {
	value, n := c.findRefresh(r.Header)
	return value, n == 1 && value != ""
}

// Set writes the tokens and Cache-Control: no-store; leave that header alone afterwards. It removes
// the Former cookies. An empty Refresh leaves the refresh cookie alone. With Remember both cookies
// last until RefreshExpires, but at most 400 days; else until the browser is closed. Called again, it
// replaces what it wrote.
//
// It fails, writing nothing, if a cookie's name and value are over 4096 bytes together, which browsers
// would drop without a word, or if Validate fails.
func (c Cookies) Set(w http.ResponseWriter, p *token.Pair) error {
	if err := c.Validate(); err != nil {
		return err
	}
	maxAge := 0
	if p.Remember {
		left := min(p.For(p.RefreshExpires), maxCookieAge)
		maxAge = max(1, int(left/time.Second)) // to net/http, 0 is no limit
	}
	var cookies []*http.Cookie
	if !c.RefreshOnly {
		cookies = append(cookies, c.cookie(c.accessName(), p.Access, maxAge))
	}
	if p.Refresh != "" {
		cookies = append(cookies, c.cookie(c.refreshName(), p.Refresh, maxAge))
	}
	for _, cookie := range cookies {
		if err := storable(cookie); err != nil {
			return err
		}
	}
	setCookies(w.Header(), append(cookies, c.removedFormer(p.Refresh != "")...))
	return nil
}

// storable reports why a browser would not keep a cookie as it is, without a word of its value.
func storable(c *http.Cookie) error {
	size := len(c.Name) + len(c.Value)
	switch {
	case c.Value == "":
		return fmt.Errorf("middleware: no token for the cookie %s", c.Name)
	case size > maxCookie:
		return fmt.Errorf("middleware: the cookie %s would have %d bytes with its name, and browsers keep %d: "+
			"put less into the token's claims; the biggest: %s", c.Name, size, maxCookie, token.Largest(c.Value))
	case strings.ContainsFunc(c.Value, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`",;\`, c) }):
		return fmt.Errorf("middleware: the token for the cookie %s holds a character that cookies cannot", c.Name)
	}
	return nil
}

// Clear removes both cookies and the Former ones, and writes Cache-Control: no-store. Only signing out
// calls for it: a refresh that failed does not, because a late failure would remove the cookie of a
// new sign-in.
func (c Cookies) Clear(w http.ResponseWriter) {
	var cookies []*http.Cookie
	if !c.RefreshOnly {
		cookies = append(cookies, c.cookie(c.accessName(), "", -1))
	}
	cookies = append(cookies, c.cookie(c.refreshName(), "", -1))
	setCookies(w.Header(), append(cookies, c.removedFormer(true)...))
}

// cookie is the one place that knows the attributes.
func (c Cookies) cookie(name, value string, maxAge int) *http.Cookie {
	cookie := &http.Cookie{
		Name:        name,
		Value:       value,
		Path:        "/",
		MaxAge:      maxAge,
		Secure:      !c.InsecureHTTP,
		HttpOnly:    true,
		SameSite:    c.SameSite,
		Partitioned: c.Partitioned,
	}
	if c.RefreshPath != "" && name == c.refreshName() {
		cookie.Path = c.RefreshPath
	}
	if c.SameSite <= http.SameSiteDefaultMode {
		cookie.SameSite = http.SameSiteLaxMode
	}
	return cookie
}
