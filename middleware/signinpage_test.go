package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func TestASignInLeadsBackToThePage(t *testing.T) {
	for _, c := range []struct{ name, signInPage, method, target, want string }{
		{"a page", "/login", "GET", "/me", "/login?return_to=%2Fme"},
		{"with a query", "/login", "GET", "/me?a=1&b=%2F", "/login?return_to=%2Fme%3Fa%3D1%26b%3D%252F"},
		{"a sign-in page with a query of its own", "/login?lang=en", "GET", "/me", "/login?lang=en&return_to=%2Fme"},
		{"without the token that was in the URL", "/login", "GET", "/me?access_token=x&a=1", "/login?return_to=%2Fme%3Fa%3D1"},
		{"a form is not sent again, but its page is there", "/login", "POST", "/me", "/login?return_to=%2Fform%3Fx%3D1"},
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
			r.Header.Set("Referer", "https://"+r.Host+"/form?x=1#top")
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

func TestASignInThatIsNotEnoughIsAskedForAnew(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Cookies{}}, SignInPage: "/login"})
	raw := l.issue(token.Claims{AuthTime: time.Now().Add(-time.Hour)}, time.Now(), time.Minute)
	resp := do(g.Fresh(5*time.Minute, "phr", "mfa").Func(hello), "GET", "/pay", "Accept", browser, "Cookie", "__Host-access="+raw)
	want := "/login?acr_values=phr+mfa&max_age=300&prompt=login&return_to=%2Fpay"
	if got := resp.Header.Get("Location"); resp.StatusCode != 303 || got != want {
		t.Errorf("status %d, Location %q, want %q", resp.StatusCode, got, want)
	}
}

func TestRefererPathStaysOnThisSite(t *testing.T) {
	for referer, want := range map[string]string{
		"":                                   "/",
		"https://app.example/a/b?c=1#d":      "/a/b?c=1",
		"https://u:p@app.example/a":          "/a",
		"https://evil.example/a":             "/",
		"https://app.example":                "/",
		"https://app.example//evil.example":  "/",
		`https://app.example/\evil.example`:  "/",
		"https://app.example.evil.example/a": "/",
		"mailto:a@app.example":               "/",
		":":                                  "/",
	} {
		r := httptest.NewRequest("POST", "https://app.example/save", nil)
		r.Header.Set("Referer", referer)
		if got := middleware.RefererPath(r); got != want {
			t.Errorf("from %q: %q, want %q", referer, got, want)
		}
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
