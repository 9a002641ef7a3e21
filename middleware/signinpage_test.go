package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
)

func TestASignInLeadsBackToThePage(t *testing.T) {
	for _, c := range []struct{ name, signInPage, method, target, want string }{
		{"a page", "/login", "GET", "/me", "/login?return_to=%2Fme"},
		{"with a query", "/login", "GET", "/me?a=1&b=%2F", "/login?return_to=%2Fme%3Fa%3D1%26b%3D%252F"},
		{"a sign-in page with a query of its own", "/login?lang=en", "GET", "/me", "/login?lang=en&return_to=%2Fme"},
		{"without the token that was in the URL", "/login", "GET", "/me?access_token=x&a=1", "/login?return_to=%2Fme%3Fa%3D1"},
		{"a form is not sent again", "/login", "POST", "/me", "/login"},
		{"what looks like another host", "/login", "GET", "//evil.example/x", "/login"},
		{"what browsers take for another host", "/login", "GET", `/\evil.example`, "/login"},
		{"longer than a URL should be", "/login", "GET", "/" + strings.Repeat("x", 3000), "/login"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(middleware.Config{Verifier: newLogin().verifier, SignInPage: c.signInPage,
				From: []middleware.Source{middleware.Query{}}})
			r := httptest.NewRequest(c.method, "/", nil)
			path, query, _ := strings.Cut(c.target, "?")
			r.RequestURI, r.URL.Path, r.URL.RawQuery = c.target, path, query
			r.Header.Set("Accept", browser)
			w := httptest.NewRecorder()
			// What http.StripPrefix takes away is there for the browser.
			http.StripPrefix("/me", g.Func(hello)).ServeHTTP(w, r)
			if !strings.HasPrefix(path, "/me") {
				w = httptest.NewRecorder()
				g.Func(hello).ServeHTTP(w, r)
			}
			if w.Code != 303 || w.Header().Get("Location") != c.want {
				t.Errorf("status %d, Location %q, want %q", w.Code, w.Header().Get("Location"), c.want)
			}
		})
	}
}

func TestReturnPathStaysOnThisSite(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"a path", "/me", "/me"},
		{"a path and a query", "/me?a=1&b=//x", "/me?a=1&b=//x"},
		{"nothing", "", "/"},
		{"another site", "https://evil.example/", "/"},
		{"another host", "//evil.example", "/"},
		{"another host, for browsers", `/\evil.example`, "/"},
		{"a tab, which browsers drop", "/\t/evil.example", "/"},
		{"a line break", "/x\r\nSet-Cookie: a=b", "/"},
		{"a script", "javascript:alert(1)", "/"},
		{"a relative path", "me", "/"},
		{"letters that are not ASCII", "/é", "/"},
		{"far too long", "/" + strings.Repeat("x", 3000), "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			query := url.Values{"return_to": {c.value}}.Encode()
			form := httptest.NewRequest("POST", "/login", strings.NewReader(query))
			form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for _, r := range []*http.Request{httptest.NewRequest("GET", "/login?"+query, nil), form} {
				if got := middleware.ReturnPath(r); got != c.want {
					t.Errorf("%s: %q, want %q", r.Method, got, c.want)
				}
			}
		})
	}
	t.Run("two", func(t *testing.T) {
		if got := middleware.ReturnPath(httptest.NewRequest("GET", "/login?return_to=/a&return_to=/b", nil)); got != "/" {
			t.Errorf("%q", got)
		}
	})
}
