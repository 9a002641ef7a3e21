package middleware_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func TestFormerCookiesAreRemovedBesideThePresentOnes(t *testing.T) {
	c := middleware.Cookies{RefreshPath: "/auth", Former: []middleware.FormerCookie{
		{Name: "session", Domain: ".example.com"},
		{Name: "refresh", AcceptRefresh: true},
		{Name: "__Secure-refresh", Path: "/"},
		{Name: "__Host-access", Partitioned: true},
	}}
	present := []string{
		"__Host-access=A; Path=/; HttpOnly; Secure; SameSite=Lax",
		"__Secure-refresh=R; Path=/auth; HttpOnly; Secure; SameSite=Lax",
	}
	session := "session=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	refresh := "refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	others := []string{
		"__Secure-refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		"__Host-access=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax; Partitioned", // req 86
	}
	for _, test := range []struct {
		name  string
		write func(w http.ResponseWriter) error
		want  []string
	}{
		{"Set", func(w http.ResponseWriter) error { return c.Set(w, &token.Pair{Access: "A", Refresh: "R"}) },
			append(append(present[:2:2], session, refresh), others...)},
		{"Set without a new refresh token leaves the old one", func(w http.ResponseWriter) error { return c.Set(w, &token.Pair{Access: "A"}) },
			append(present[:1:1], session, others[1])},
		{"Clear", func(w http.ResponseWriter) error { c.Clear(w); return nil }, append([]string{
			"__Host-access=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
			"__Secure-refresh=; Path=/auth; Max-Age=0; HttpOnly; Secure; SameSite=Lax", session, refresh}, others...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := setCookie(func(w http.ResponseWriter) {
				for range 2 {
					if err := test.write(w); err != nil {
						t.Fatal(err)
					}
				}
			})
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("wrote\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestAFormerRefreshCookieIsReadOnlyIfItIsAccepted(t *testing.T) {
	for _, c := range []struct {
		name     string
		accepted bool
		cookies  string
		want     string // the refresh token; empty: refused
	}{
		{"accepted, and alone", true, "old=R", "R"},
		{"not accepted", false, "old=R", ""},
		{"accepted, but there is a present one", true, "old=R; __Host-refresh=N", "N"},
		{"accepted, twice", true, "old=R; old=S", ""},
		{"the present one twice", true, "old=R; __Host-refresh=N; __Host-refresh=M", ""},
		{"the present one is empty", true, "old=R; __Host-refresh=", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cookies := middleware.Cookies{Former: []middleware.FormerCookie{{Name: "old", AcceptRefresh: c.accepted}}}
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", c.cookies)
			if got, ok := cookies.RefreshToken(r); got != c.want && ok || ok != (c.want != "") {
				t.Errorf("ok %t", ok)
			}
		})
	}
}

// A browser that comes with cookies of before a change is signed in, and soon has none of them.
func TestABrowserWithFormerCookiesIsNotStuck(t *testing.T) {
	for _, c := range []struct {
		name     string
		had      []*http.Cookie
		cookies  middleware.Cookies
		statuses []int
	}{
		{"another name, accepted", []*http.Cookie{{Name: "old", Value: "r1", Path: "/", Secure: true}},
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "old", AcceptRefresh: true}}}, []int{200, 200}},
		{"another name, not accepted", []*http.Cookie{{Name: "old", Value: "r1", Path: "/", Secure: true}},
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "old"}}}, []int{401}},
		{"the same name for a path", []*http.Cookie{{Name: "access", Value: "x", Path: "/pages"}, {Name: "refresh", Value: "r1", Path: "/"}},
			middleware.Cookies{InsecureHTTP: true, Former: []middleware.FormerCookie{{Name: "access", Path: "/pages"}}}, []int{200, 200}},
		{"the same name for a path beside the present one: refused once", []*http.Cookie{{Name: "access", Value: "x", Path: "/pages"}, {Name: "access", Value: "y", Path: "/"}, {Name: "refresh", Value: "r1", Path: "/"}},
			middleware.Cookies{InsecureHTTP: true, Former: []middleware.FormerCookie{{Name: "access", Path: "/pages"}}}, []int{400, 200, 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessions(newLogin())
			g := newGuard(middleware.Config{Verifier: s.verifier, Refresher: s, From: []middleware.Source{c.cookies}})
			base, client := serve(t, g.Func(hello))
			site := must(url.Parse(base + "/pages/"))
			client.Jar = must(cookiejar.New(nil))
			client.Jar.SetCookies(site, c.had)
			for i, want := range c.statuses {
				resp, err := client.Get(site.String())
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != want {
					t.Errorf("request %d: status %d, want %d", i, resp.StatusCode, want)
				}
			}
			for _, cookie := range client.Jar.Cookies(site) {
				if cookie.Name == "old" && c.statuses[0] == 200 {
					t.Error("the former cookie is still there")
				}
			}
		})
	}
	t.Run("a stranger's pair of cookies removes nothing but former ones", func(t *testing.T) {
		l := newLogin()
		cookies := middleware.Cookies{Former: []middleware.FormerCookie{{Name: "old"}, {Name: "__Host-access", Partitioned: true}}}
		g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Bearer(), cookies}})
		for _, test := range []struct{ cookie, want string }{
			{"__Host-access=x; old=y; old=z", ""}, // ambiguous with the header, and no collision
			{"__Host-access=x; __Host-access=y; old=z", "__Host-access=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax; Partitioned"},
		} {
			resp := do(g.Func(hello), "GET", "/", "Authorization", "Bearer x", "Cookie", test.cookie)
			if resp.StatusCode != 400 || strings.Join(resp.Header["Set-Cookie"], "\n") != test.want {
				t.Errorf("status %d, Set-Cookie %q", resp.StatusCode, resp.Header["Set-Cookie"])
			}
		}
	})
}

func TestFormerCookiesThatDoNotAddUpAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		cookies middleware.Cookies
		ok      bool
	}{
		{"another name", middleware.Cookies{Former: []middleware.FormerCookie{{Name: "old"}}}, true},
		{"the present name for another path", middleware.Cookies{RefreshPath: "/a", Former: []middleware.FormerCookie{{Name: "__Secure-refresh", Path: "/b"}}}, true},
		{"the present name for a domain", middleware.Cookies{InsecureHTTP: true, Former: []middleware.FormerCookie{{Name: "access", Domain: "example.com"}}}, true},
		{"the present cookie", middleware.Cookies{Former: []middleware.FormerCookie{{Name: "__Host-access"}}}, false},
		{"the present cookie, with its path", middleware.Cookies{RefreshPath: "/a", Former: []middleware.FormerCookie{{Name: "__Secure-refresh", Path: "/a"}}}, false},
		{"a present name that is to be accepted", middleware.Cookies{RefreshPath: "/a", Former: []middleware.FormerCookie{{Name: "__Secure-refresh", Path: "/b", AcceptRefresh: true}}}, false},
		{"no name", middleware.Cookies{Former: []middleware.FormerCookie{{}}}, false},
		{"a domain that is none", middleware.Cookies{Former: []middleware.FormerCookie{{Name: "old", Domain: "a b"}}}, false},
		{"a path that is none", middleware.Cookies{Former: []middleware.FormerCookie{{Name: "old", Path: "/;x"}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.cookies.Validate(); (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}
