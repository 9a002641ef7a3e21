package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func TestAnOptionalGuardForgivesOnlyDeadCookies(t *testing.T) {
	for _, c := range []struct {
		name    string
		method  string
		headers func(l *login) []string
		prepare func(s *sessions)
		status  int
		body    string
	}{
		{"no credential: nobody", "GET", func(*login) []string { return nil }, nil, 200, "nobody"},
		{"a live token: alice", "GET", func(l *login) []string { return []string{"Authorization", "Bearer " + l.token()} }, nil, 200, "alice"},
		{"dead access and refresh cookies: nobody", "GET", func(l *login) []string {
			return []string{"Cookie", "__Host-access=" + l.expired() + "; __Host-refresh=old"}
		}, nil, 200, "nobody"},
		{"a dead refresh cookie alone: nobody", "GET", func(*login) []string { return []string{"Cookie", "__Host-refresh=old"} }, nil, 200, "nobody"},
		{"a dead access cookie alone: nobody", "GET", func(l *login) []string { return []string{"Cookie", "__Host-access=" + l.expired()} }, nil, 200, "nobody"},
		{"a live refresh cookie: alice", "GET", func(*login) []string { return []string{"Cookie", "__Host-refresh=r1"} }, nil, 200, "alice"},
		{"a dead header is refused", "GET", func(l *login) []string { return []string{"Authorization", "Bearer " + l.expired()} }, nil, 401, ""},
		{"an empty header is refused", "GET", func(l *login) []string { return []string{"Authorization", "Bearer"} }, nil, 401, ""},
		{"two credentials are refused", "GET", func(l *login) []string {
			return []string{"Authorization", "Bearer " + l.token(), "Cookie", "__Host-access=" + l.token()}
		}, nil, 400, ""},
		{"a cookie that cannot be judged is refused", "GET", func(l *login) []string { return []string{"Cookie", "__Host-access=" + l.token()} }, func(s *sessions) { s.goStale() }, 503, ""},
		{"a refresh that cannot be done is refused", "GET", func(*login) []string { return []string{"Cookie", "__Host-refresh=r1"} }, func(s *sessions) { s.err = token.ErrUnavailable }, 503, ""},
		{"a refresh that is in doubt is refused", "GET", func(*login) []string { return []string{"Cookie", "__Host-refresh=r1"} }, func(s *sessions) { s.err = errors.Join(token.ErrExpired, token.ErrStale) }, 503, ""},
		{"another site's request with a cookie is refused", "POST", func(l *login) []string {
			return []string{"Cookie", "__Host-access=" + l.token(), "Sec-Fetch-Site", "cross-site"}
		}, nil, 403, ""},
		{"another site's request with a dead cookie is refused", "POST", func(l *login) []string {
			return []string{"Cookie", "__Host-refresh=old", "Sec-Fetch-Site", "cross-site"}
		}, nil, 403, ""},
		{"another site's request without a cookie is nobody's", "POST", func(*login) []string { return []string{"Sec-Fetch-Site", "cross-site"} }, nil, 200, "nobody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessions(newLogin())
			headers := c.headers(s.login)
			if c.prepare != nil {
				c.prepare(s)
			}
			g := newGuard(middleware.Config{
				Verifier: s.verifier, Refresher: s, From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}}}).Optional()
			resp := do(g.Func(hello), c.method, "/", headers...)
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || c.status == 200 && string(body) != c.body {
				t.Errorf("status %d, body %q", resp.StatusCode, body)
			}
		})
	}
	t.Run("a token that breaks a rule is refused and not made nobody", func(t *testing.T) {
		l := newLogin()
		g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Cookies{}}}).Optional()
		g = g.Require(func(*token.Verified) error { return token.ErrRevoked })
		if got := do(g.Func(hello), "GET", "/", "Cookie", "__Host-access="+l.token()).StatusCode; got != 401 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("an anonymous request hides the token of another guard outside", func(t *testing.T) {
		l := newLogin()
		outer := newGuard(middleware.Config{Verifier: l.verifier})
		inner := newGuard(middleware.Config{Verifier: newLogin().verifier, From: []middleware.Source{middleware.Cookies{}}}).Optional()
		h := outer.Handler(inner.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, ok := token.FromContext(r.Context()); ok {
				t.Error("the handler found a token that its guard did not check")
			}
		})))
		if got := do(h, "GET", "/", "Authorization", "Bearer "+l.token()).StatusCode; got != 200 {
			t.Errorf("status %d", got)
		}
	})
}
