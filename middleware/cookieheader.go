package middleware

import (
	"net/http"
	"net/textproto"
	"strings"
)

// findCookie returns the value of the cookie with this name, and how many there are. It reads what
// Request.CookiesNamed reads, without allocating, and counts what that ignores: a value with
// characters that no cookie has. That is a bad credential, which is more than none.
func findCookie(h http.Header, name string) (value string, n int) {
	for _, line := range h["Cookie"] {
		for len(line) > 0 {
			var part string
			part, line, _ = strings.Cut(line, ";")
			if v, ok := cookieValue(part, name); ok {
				value = v
				n++
			}
		}
	}
	return value, n
}

// onlyCookie returns the value of the one cookie with this name; not ok if it is missing or empty, or
// if there are more.
func onlyCookie(h http.Header, name string) (value string, ok bool) {
	value, n := findCookie(h, name)
	return value, n == 1 && value != ""
}

// allCookies returns the values of the cookies with this name, but not more than limit.
func allCookies(h http.Header, name string, limit int) (values []string) {
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			if v, ok := cookieValue(part, name); ok && v != "" && len(values) < limit {
				values = append(values, v)
			}
		}
	}
	return values
}

// cookieValue is the value of one pair of a Cookie header; not ok if the pair has another name.
func cookieValue(part, name string) (string, bool) {
	part = textproto.TrimString(part)
	if !strings.HasPrefix(part, name) {
		return "", false
	}
	before, v, _ := strings.Cut(part[len(name):], "=")
	if textproto.TrimString(before) != "" {
		return "", false
	}
	if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
		v = v[1 : len(v)-1]
	}
	return v, true
}

// replaceCookie makes value the one cookie with this name in a request's header.
func replaceCookie(h http.Header, name, value string) {
	var kept []string
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			part = textproto.TrimString(part)
			if found, _, _ := strings.Cut(part, "="); part != "" && textproto.TrimString(found) != name {
				kept = append(kept, part)
			}
		}
	}
	h["Cookie"] = []string{strings.Join(append(kept, name+"="+value), "; ")}
}

// setCookies adds cookies to a response, each in the place of the same one that it had, and forbids
// caching.
func setCookies(h http.Header, cookies []*http.Cookie) {
	for _, c := range cookies {
		var kept []string
		for _, line := range h["Set-Cookie"] {
			if had, err := http.ParseSetCookie(line); err != nil || !sameCookie(had, c) {
				kept = append(kept, line)
			}
		}
		h["Set-Cookie"] = append(kept, c.String())
	}
	noStore.apply(h)
}

// sameCookie reports whether a browser keeps one cookie for both (RFC 6265bis section 5.7, and a jar of
// its own for what is partitioned).
func sameCookie(a, b *http.Cookie) bool {
	return a.Name == b.Name && a.Path == b.Path && a.Domain == b.Domain && a.Partitioned == b.Partitioned
}
