package writtest

import (
	"cmp"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// jar is a cookiejar.Jar that knows what Set-Cookie said, and what else a browser refuses.
type jar struct {
	*cookiejar.Jar

	mu   sync.Mutex
	said []saying
}

// saying is a cookie and who said it.
type saying struct {
	cookie *http.Cookie
	by     *url.URL
}

func newJar() *jar {
	j, _ := cookiejar.New(nil) // its error is always nil
	return &jar{Jar: j}
}

// SetCookies implements http.CookieJar.
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	u = trustworthy(u)
	cookies = slices.DeleteFunc(slices.Clone(cookies), func(c *http.Cookie) bool { return refused(c, u) })
	j.Jar.SetCookies(u, cookies)
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		j.said = slices.DeleteFunc(j.said, func(s saying) bool {
			return s.by.Hostname() == u.Hostname() && s.cookie.Name == c.Name && s.cookie.Path == c.Path && s.cookie.Domain == c.Domain
		})
		j.said = append(j.said, saying{c, u})
	}
}

// Cookies implements http.CookieJar.
func (j *jar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(trustworthy(u)) }

// all are the cookies that have not expired and were not removed.
func (j *jar) all() (all []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.said {
		at := *s.by
		at.Path = cmp.Or(s.cookie.Path, at.Path)
		if slices.ContainsFunc(j.Jar.Cookies(&at), func(c *http.Cookie) bool { return c.Name == s.cookie.Name && c.Value == s.cookie.Value }) {
			c := *s.cookie
			all = append(all, &c)
		}
	}
	return all
}

// deepest is the longest path of a cookie: below it the browser sends all that it has.
func (j *jar) deepest() string {
	path := "/"
	for _, c := range j.all() {
		if len(c.Path) > len(path) {
			path = c.Path
		}
	}
	return path
}

// refused are the rules of browsers that package cookiejar does not have (RFC 6265bis section 5.7, CHIPS).
func refused(c *http.Cookie, from *url.URL) bool {
	prefixed := func(prefix string) bool {
		return len(c.Name) >= len(prefix) && strings.EqualFold(c.Name[:len(prefix)], prefix)
	}
	switch {
	case len(c.Name)+len(c.Value) > 4096:
	case c.Secure && from.Scheme != "https":
	case !c.Secure && (prefixed("__Secure-") || prefixed("__Host-") || c.SameSite == http.SameSiteNoneMode || c.Partitioned):
	case prefixed("__Host-") && (c.Path != "/" || c.Domain != ""):
	default:
		return false
	}
	return true
}

// trustworthy has this machine count as if it had TLS, as it does in browsers.
func trustworthy(u *url.URL) *url.URL {
	if u.Scheme != "http" || !onThisMachine(u.Hostname()) {
		return u
	}
	secure := *u
	secure.Scheme = "https"
	return &secure
}
