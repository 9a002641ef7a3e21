package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// FormerCookie is a cookie that this site used to set. Cookies.Set and Clear remove it. While a browser has
// it beside a present cookie of the same name (set for another path or domain, or not partitioned), no
// server can tell the two apart: a Guard answers 400, and that answer removes the former one, too.
//
// A change of names with several nodes takes three steps, or a node that does not know the new names yet
// sends people to sign in: name the new ones here, with AcceptRefresh, on every node; then have every node set
// them, with the old ones here; and drop the old ones when sessions from before have ended.
type FormerCookie struct {
	// Name is its name. Required.
	Name string
	// Domain and Path are what it was set with. Default: no Domain, and Path "/".
	Domain, Path string
	// Partitioned says that it was.
	Partitioned bool
	// AcceptRefresh has the refresh token read from it while the present refresh cookie is missing, so that
	// nobody has to sign in anew because its name has changed. Without a prefix such as "__Host-" in its
	// Name, other hosts of the domain can set it and so sign a browser in as somebody else: leave it on
	// only for as long as sessions from before the change live.
	AcceptRefresh bool
}

func (c Cookies) checkFormer() error {
	for _, f := range c.Former {
		gone := c.removed(f)
		if gone.Valid() != nil || strings.HasPrefix(f.Name, "__Host-") && (f.Domain != "" || gone.Path != "/") {
			return errors.New("middleware: Cookies.Former has a name, a domain or a path that no cookie can have")
		}
		for _, name := range []string{c.accessName(), c.refreshName()} {
			if sameCookie(gone, c.cookie(name, "", -1)) {
				return fmt.Errorf("middleware: Cookies.Former names the cookie %s as it is set now", name)
			}
			if f.AcceptRefresh && f.Name == name {
				return fmt.Errorf("middleware: Cookies.Former with AcceptRefresh needs another name than %s, which is read anyway", name)
			}
		}
	}
	return nil
}

// removed is what removes f from a browser.
func (c Cookies) removed(f FormerCookie) *http.Cookie {
	gone := c.cookie(f.Name, "", -1)
	gone.Domain, gone.Partitioned, gone.Path = strings.TrimPrefix(f.Domain, "."), f.Partitioned, "/"
	if f.Path != "" {
		gone.Path = f.Path
	}
	return gone
}

// removedFormer removes every former cookie, but those that hold a refresh token only if there is another
// in their place.
func (c Cookies) removedFormer(refreshToo bool) (gone []*http.Cookie) {
	accepted := c.acceptedNames()
	for _, f := range c.Former {
		if refreshToo || f.Name != c.refreshName() && !slices.Contains(accepted, f.Name) {
			gone = append(gone, c.removed(f))
		}
	}
	return gone
}

// findRefresh returns the refresh token, and how many there are.
func (c Cookies) findRefresh(h http.Header) (raw string, n int) {
	raw, n = findCookie(h, c.refreshName())
	if n > 0 {
		return raw, n
	}
	for _, name := range c.acceptedNames() {
		if found, count := findCookie(h, name); count > 0 {
			raw, n = found, n+count
		}
	}
	if n > 1 { // nobody can say which; a browser gets rid of them by signing in
		return "", 0
	}
	return raw, n
}

// acceptedNames are the names of former refresh cookies, each once: several may differ in path or domain.
func (c Cookies) acceptedNames() (names []string) {
	for _, f := range c.Former {
		if f.AcceptRefresh && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// ClearFormer removes the Former cookies that have a name that is read, if r has that name twice: for
// handlers that read cookies by RefreshToken and refuse two, as a Guard does by itself.
func (c Cookies) ClearFormer(w http.ResponseWriter, r *http.Request) {
	var gone []*http.Cookie
	for _, f := range c.Former {
		if f.Name != c.accessName() && f.Name != c.refreshName() && !f.AcceptRefresh {
			continue
		}
		if _, n := findCookie(r.Header, f.Name); n > 1 {
			gone = append(gone, c.removed(f))
		}
	}
	if len(gone) > 0 {
		setCookies(w.Header(), gone)
	}
}
