package middleware_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func pages(s *sessions) *middleware.Guard {
	return newGuard(middleware.Config{
		Verifier: s.verifier, Refresher: s, From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}}})
}

// A browser whose access token has expired sees the page, and its jar then holds the new tokens.
func TestABrowserIsRefreshedBeforeTheHandlerRuns(t *testing.T) {
	s := newSessions(newLogin())
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		p := &token.Pair{Access: s.expired(), Refresh: "r1", RefreshExpires: time.Now().Add(time.Hour)}
		if err := (middleware.Cookies{}).Set(w, p); err != nil {
			t.Error(err)
		}
	})
	var seen string
	mux.Handle("/me", pages(s).Func(func(w http.ResponseWriter, r *http.Request, v *token.Verified) {
		seen, _ = middleware.Cookies{}.RefreshToken(r)
		hello(w, r, v)
	}))
	url, client := serve(t, mux)
	get := func(path string) *http.Response {
		resp, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp
	}
	get("/login")
	resp := get("/me")
	if resp.StatusCode != 200 || len(resp.Cookies()) != 2 || resp.Header.Get("Cache-Control") != "no-store" { // req 89
		t.Errorf("status %d, %d cookies, Cache-Control %q", resp.StatusCode, len(resp.Cookies()), resp.Header.Get("Cache-Control"))
	}
	if seen != "r2" {
		t.Error("the handler does not see the new refresh cookie")
	}
	if resp := get("/me"); resp.StatusCode != 200 || len(resp.Cookies()) != 0 {
		t.Errorf("the second page: status %d, %d cookies", resp.StatusCode, len(resp.Cookies()))
	}
	if n := s.exchanges(); n != 1 {
		t.Errorf("refreshed %d times", n)
	}
}

func TestWhenAndHowAGuardRefreshes(t *testing.T) {
	for _, c := range []struct {
		name    string
		method  string
		headers func(l *login) []string
		prepare func(*sessions)
		status  int
		calls   int
		cookies []string // names set
	}{
		{"a live access cookie is not refreshed", "GET", func(l *login) []string {
			return []string{"Cookie", "__Host-access=" + l.token() + "; __Host-refresh=r1"}
		}, nil, 200, 0, nil},
		{"an expired access cookie is", "GET", func(l *login) []string {
			return []string{"Cookie", "__Host-access=" + l.expired() + "; __Host-refresh=r1"}
		}, nil, 200, 1, []string{"__Host-access", "__Host-refresh"}},
		{"a missing access cookie is", "GET", func(*login) []string { return []string{"Cookie", "__Host-refresh=r1"} }, nil,
			200, 1, []string{"__Host-access", "__Host-refresh"}},
		{"an empty access cookie is", "GET", func(*login) []string { return []string{"Cookie", "__Host-access=; __Host-refresh=r1"} }, nil,
			200, 1, []string{"__Host-access", "__Host-refresh"}},
		{"a refresh without a new refresh token leaves that cookie alone", "GET", func(*login) []string {
			return []string{"Cookie", "__Host-refresh=r1"}
		}, func(s *sessions) { s.keep = true }, 200, 1, []string{"__Host-access"}},
		{"an unsafe request of this site is", "POST", func(*login) []string {
			return []string{"Cookie", "__Host-refresh=r1", "Sec-Fetch-Site", "same-origin"}
		}, nil, 200, 1, []string{"__Host-access", "__Host-refresh"}},
		{"an unsafe request of another site is refused before it refreshes", "POST", func(*login) []string { // req 77
			return []string{"Cookie", "__Host-refresh=r1", "Sec-Fetch-Site", "cross-site"}
		}, nil, 403, 0, nil},
		{"a dead header is not, whatever cookie stands beside it", "GET", func(l *login) []string {
			return []string{"Authorization", "Bearer " + l.expired(), "Cookie", "__Host-refresh=r1"}
		}, nil, 401, 0, nil},
		{"an access cookie that cannot be judged is not", "GET", func(l *login) []string {
			return []string{"Cookie", "__Host-access=" + l.token() + "; __Host-refresh=r1"}
		}, func(s *sessions) { s.goStale() }, 503, 0, nil},
		{"a spent refresh cookie is refused, and no cookie cleared", "GET", func(l *login) []string {
			return []string{"Cookie", "__Host-access=" + l.expired() + "; __Host-refresh=old"}
		}, nil, 401, 1, nil},
		{"an outage is no sign-out, and no cookie is cleared", "GET", func(l *login) []string {
			return []string{"Cookie", "__Host-access=" + l.expired() + "; __Host-refresh=r1"}
		}, func(s *sessions) { s.err = token.ErrUnavailable }, 503, 1, nil},
		{"an outage that the refresher forgot to name is no sign-out", "GET", func(*login) []string {
			return []string{"Cookie", "__Host-refresh=r1"}
		}, func(s *sessions) { s.err = errors.New("disk") }, 500, 1, nil},
		{"a doubt about a dead token is no sign-out", "GET", func(*login) []string {
			return []string{"Cookie", "__Host-refresh=r1"}
		}, func(s *sessions) { s.err = errors.Join(token.ErrExpired, token.ErrUnavailable) }, 503, 1, nil},
		{"two refresh cookies are ambiguous", "GET", func(l *login) []string { // req 87
			return []string{"Cookie", "__Host-access=" + l.expired() + "; __Host-refresh=r1; __Host-refresh=r2"}
		}, nil, 400, 0, nil},
		{"two refresh cookies alone are ambiguous", "GET", func(*login) []string { // req 87
			return []string{"Cookie", "__Host-refresh=r1; __Host-refresh=r2"}
		}, nil, 400, 0, nil},
		{"an empty refresh cookie is none", "GET", func(*login) []string { return []string{"Cookie", "__Host-refresh="} }, nil, 401, 0, nil},
		{"an ended session's new token is refused too", "GET", func(*login) []string { return []string{"Cookie", "__Host-refresh=r1"} },
			func(s *sessions) { s.revoke("s1") }, 401, 1, []string{"__Host-access", "__Host-refresh"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessions(newLogin())
			headers := append(c.headers(s.login), "User-Agent", "Browser")
			if c.prepare != nil {
				c.prepare(s)
			}
			observed := 0
			g := newGuard(middleware.Config{
				Verifier: s.verifier, Refresher: s, From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}},
				Observe: func(*http.Request, *token.Verified, error) { observed++ },
			})
			resp := do(g.Func(hello), c.method, "/", headers...)
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			if n := s.exchanges(); n != c.calls {
				t.Errorf("refreshed %d times, want %d", n, c.calls)
			}
			if c.calls > 0 && s.from.UserAgent != "Browser" {
				t.Error("the refresher does not hear who asks")
			}
			var names []string
			for _, cookie := range resp.Cookies() {
				names = append(names, cookie.Name)
			}
			if strings.Join(names, " ") != strings.Join(c.cookies, " ") {
				t.Errorf("cookies set: %v, want %v", names, c.cookies)
			}
			if observed != 1 {
				t.Errorf("observed %d times", observed)
			}
		})
	}
}

func TestCheckReplacesTheCookiesOfTheRequest(t *testing.T) {
	for _, c := range []struct {
		name    string
		keep    bool
		refresh string
	}{
		{"both", false, "r2"},
		{"the access cookie alone, if there is no new refresh token", true, "r1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessions(newLogin())
			s.keep = c.keep
			r := httptest.NewRequest("GET", "/", nil)
			r.Header["Cookie"] = []string{"a=1; __Host-access=" + s.expired() + "; b=2", "__Host-refresh=r1;c=3"}
			w := httptest.NewRecorder()
			v, err := pages(s).Check(w, r)
			if err != nil || v.Subject() != "alice" {
				t.Fatalf("Check: %v", err)
			}
			access := w.Result().Cookies()[0].Value
			for name, want := range map[string]string{"a": "1", "b": "2", "c": "3", "__Host-access": access, "__Host-refresh": c.refresh} {
				if got := r.CookiesNamed(name); len(got) != 1 || got[0].Value != want {
					t.Errorf("the request has the cookie %s %d times, or with another value", name, len(got))
				}
			}
		})
	}
}
