package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// setCookie gives the Set-Cookie lines that f writes, and the whole header.
func setCookie(f func(http.ResponseWriter)) ([]string, http.Header) {
	w := httptest.NewRecorder()
	f(w)
	return w.Header()["Set-Cookie"], w.Header()
}

func TestSetAndClearWriteTheSameAttributes(t *testing.T) {
	for _, c := range []struct {
		name       string
		cookies    middleware.Cookies
		pair       token.Pair
		set, clear []string
	}{
		{"the zero value: __Host-, Secure, HttpOnly, Lax, no Domain, until the browser closes", // req 82, 83
			middleware.Cookies{}, token.Pair{Access: "A", Refresh: "R"},
			[]string{"__Host-access=A; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-refresh=R; Path=/; HttpOnly; Secure; SameSite=Lax"},
			[]string{"__Host-access=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", "__Host-refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}},
		{"Remember: both until the session ends", middleware.Cookies{}, token.Pair{Access: "A", Refresh: "R", Remember: true},
			[]string{"__Host-access=A; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax", "__Host-refresh=R; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"}, nil},
		{"an empty refresh token leaves that cookie alone", middleware.Cookies{}, token.Pair{Access: "A"},
			[]string{"__Host-access=A; Path=/; HttpOnly; Secure; SameSite=Lax"}, nil},
		{"a path for the refresh cookie", middleware.Cookies{RefreshPath: "/auth", SameSite: http.SameSiteStrictMode}, token.Pair{Access: "A", Refresh: "R"},
			[]string{"__Host-access=A; Path=/; HttpOnly; Secure; SameSite=Strict", "__Secure-refresh=R; Path=/auth; HttpOnly; Secure; SameSite=Strict"},
			[]string{"__Host-access=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict", "__Secure-refresh=; Path=/auth; Max-Age=0; HttpOnly; Secure; SameSite=Strict"}}, // req 86
		{"RefreshOnly", middleware.Cookies{RefreshOnly: true, RefreshPath: "/auth"}, token.Pair{Access: "A", Refresh: "R"}, // req 83
			[]string{"__Secure-refresh=R; Path=/auth; HttpOnly; Secure; SameSite=Lax"},
			[]string{"__Secure-refresh=; Path=/auth; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}},
		{"partitioned, for an embedded site", middleware.Cookies{Partitioned: true, SameSite: http.SameSiteNoneMode}, token.Pair{Access: "A", Refresh: "R"}, // req 85
			[]string{"__Host-access=A; Path=/; HttpOnly; Secure; SameSite=None; Partitioned", "__Host-refresh=R; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
			[]string{"__Host-access=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned", "__Host-refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned"}}, // req 86
		{"names of one's own", middleware.Cookies{Name: "__Host-Http-a", RefreshName: "__Host-Http-r"}, token.Pair{Access: "A", Refresh: "R"},
			[]string{"__Host-Http-a=A; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-Http-r=R; Path=/; HttpOnly; Secure; SameSite=Lax"}, nil},
		{"plain http: SameSite=Default is Lax", middleware.Cookies{InsecureHTTP: true, SameSite: http.SameSiteDefaultMode}, token.Pair{Access: "A", Refresh: "R"},
			[]string{"access=A; Path=/; HttpOnly; SameSite=Lax", "refresh=R; Path=/; HttpOnly; SameSite=Lax"}, nil},
		{"no more than 400 days", middleware.Cookies{}, token.Pair{Access: "A", Remember: true, RefreshExpires: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)}, // req 86
			[]string{"__Host-access=A; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"}, nil},
		{"a session that has ended meanwhile is not kept for ever", middleware.Cookies{}, token.Pair{Access: "A", Remember: true, RefreshExpires: time.Unix(1, 0)},
			[]string{"__Host-access=A; Path=/; Max-Age=1; HttpOnly; Secure; SameSite=Lax"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.pair.RefreshExpires.IsZero() {
					c.pair.RefreshExpires = time.Now().Add(time.Hour)
				}
				set, h := setCookie(func(w http.ResponseWriter) {
					for range 2 { // the second replaces the first
						if err := c.cookies.Set(w, &c.pair); err != nil {
							t.Fatal(err)
						}
					}
				})
				if strings.Join(set, "\n") != strings.Join(c.set, "\n") {
					t.Errorf("Set wrote\n%s\nwant\n%s", strings.Join(set, "\n"), strings.Join(c.set, "\n"))
				}
				if h.Get("Cache-Control") != "no-store" { // req 89
					t.Error("Set without no-store")
				}
				if c.clear == nil {
					return
				}
				removed, h := setCookie(func(w http.ResponseWriter) {
					w.Header().Add("Set-Cookie", "other=1")
					c.cookies.Set(w, &c.pair)
					c.cookies.Clear(w)
				})
				want := append([]string{"other=1"}, c.clear...)
				if strings.Join(removed, "\n") != strings.Join(want, "\n") {
					t.Errorf("Clear wrote\n%s\nwant\n%s", strings.Join(removed, "\n"), strings.Join(want, "\n"))
				}
				if h.Get("Cache-Control") != "no-store" {
					t.Error("Clear without no-store")
				}
			})
		})
	}
}

// A jar that keeps to the rules takes the cookies, gives them back, and loses them at Clear.
func TestABrowserKeepsAndDropsTheCookies(t *testing.T) {
	cookies := middleware.Cookies{RefreshPath: "/auth"}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		cookies.Set(w, &token.Pair{Access: "A", Refresh: "R", Remember: true, RefreshExpires: time.Now().Add(time.Hour)})
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, _ *http.Request) { cookies.Clear(w) })
	seen := make(map[string]bool)
	look := func(_ http.ResponseWriter, r *http.Request) {
		_, seen[r.URL.Path] = cookies.RefreshToken(r)
		seen["access"] = len(r.CookiesNamed("__Host-access")) == 1
	}
	mux.HandleFunc("/page", look)
	mux.HandleFunc("/auth/refresh", look)
	url, client := serve(t, mux)
	visit := func(path string) {
		resp, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	visit("/login")
	visit("/page")
	visit("/auth/refresh")
	if seen["/page"] || !seen["/auth/refresh"] || !seen["access"] {
		t.Errorf("signed in: %v", seen)
	}
	visit("/logout")
	visit("/auth/refresh")
	if seen["/auth/refresh"] || seen["access"] {
		t.Errorf("signed out: %v", seen)
	}
}

func TestSetWritesAllOrNothing(t *testing.T) {
	fits := strings.Repeat("x", 4096-len("__Host-access"))
	for _, c := range []struct {
		name    string
		cookies middleware.Cookies
		pair    token.Pair
		want    string // in the error; empty: none
	}{
		{"4096 bytes of name and value fit", middleware.Cookies{}, token.Pair{Access: fits}, ""},
		{"4097 do not", middleware.Cookies{}, token.Pair{Access: fits + "x"}, "4097 bytes"}, // req 84
		{"a refresh token too long keeps the access cookie back", middleware.Cookies{}, token.Pair{Access: "A", Refresh: strings.Repeat("x", 5000)}, "__Host-refresh"},
		{"no access token", middleware.Cookies{}, token.Pair{Refresh: "R"}, "no token"},
		{"an attribute in a token", middleware.Cookies{}, token.Pair{Access: "secret; Domain=example"}, "character"},
		{"a line break in a token", middleware.Cookies{}, token.Pair{Access: "secret\r\nX: y"}, "character"},
		{"a comma in a token", middleware.Cookies{}, token.Pair{Access: "secret,x"}, "character"},
		{"Cookies that do not add up", middleware.Cookies{InsecureHTTP: true, Partitioned: true}, token.Pair{Access: "A"}, "Partitioned"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			set, h := setCookie(func(w http.ResponseWriter) { err = c.cookies.Set(w, &c.pair) })
			if c.want == "" {
				if err != nil || len(set) != 1 {
					t.Errorf("%d cookies, error %v", len(set), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || len(h) != 0 {
				t.Errorf("error %v, %d headers", err, len(h))
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "xxx")) { // req 100
				t.Error("the error holds the token")
			}
		})
	}
}

func TestValidateRefusesCookiesThatBrowsersDropOrOthersCanSet(t *testing.T) {
	for _, c := range []struct {
		name    string
		cookies middleware.Cookies
		ok      bool
	}{
		{"the zero value", middleware.Cookies{}, true},
		{"a refresh cookie for a path", middleware.Cookies{RefreshPath: "/auth"}, true},
		{"plain http", middleware.Cookies{InsecureHTTP: true, RefreshPath: "/auth"}, true},
		{"names with the prefix", middleware.Cookies{Name: "__Host-a", RefreshName: "__Host-r"}, true},
		{"a name without the prefix", middleware.Cookies{Name: "session"}, false}, // req 82
		{"a refresh name without the prefix", middleware.Cookies{RefreshName: "refresh"}, false},
		{"a __Host- name with a path", middleware.Cookies{RefreshName: "__Host-r", RefreshPath: "/auth"}, false},
		{"a prefix without Secure", middleware.Cookies{Name: "__Host-a", InsecureHTTP: true}, false},
		{"a prefix in small letters without Secure", middleware.Cookies{Name: "__host-a", InsecureHTTP: true}, false},
		{"a name that is none", middleware.Cookies{Name: "__Host-a b"}, false},
		{"one name for two cookies", middleware.Cookies{Name: "__Host-x", RefreshName: "__Host-x"}, false},
		{"SameSite=None without Secure", middleware.Cookies{InsecureHTTP: true, SameSite: http.SameSiteNoneMode}, false}, // req 85
		{"Partitioned without Secure", middleware.Cookies{InsecureHTTP: true, Partitioned: true}, false},                 // req 85
		{"a SameSite that is none", middleware.Cookies{SameSite: 9}, false},
		{"a path that is none", middleware.Cookies{RefreshPath: "auth"}, false},
		{"a path with an attribute", middleware.Cookies{RefreshPath: "/auth; Domain=example"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.cookies.Validate(); (err == nil) != c.ok {
				t.Errorf("Validate: %v", err)
			}
		})
	}
}

func TestAccessTokenAndRefreshTokenReadTheOneCookie(t *testing.T) {
	for _, c := range []struct {
		name    string
		cookies middleware.Cookies
		header  []string
		want    string
		ok      bool
	}{
		{"one", middleware.Cookies{}, []string{"a=b; __Host-refresh=R"}, "R", true},
		{"one of its own name", middleware.Cookies{RefreshPath: "/auth"}, []string{"__Host-refresh=no; __Secure-refresh=R"}, "R", true},
		{"none", middleware.Cookies{}, []string{"refresh=R"}, "", false},
		{"an empty one", middleware.Cookies{}, []string{"__Host-refresh="}, "", false},
		{"two", middleware.Cookies{}, []string{"__Host-refresh=R; __Host-refresh=R"}, "", false},                  // req 87
		{"two in two headers", middleware.Cookies{}, []string{"__Host-refresh=R", "__Host-refresh=S"}, "", false}, // req 87
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, ok := c.cookies.RefreshToken(&http.Request{Header: http.Header{"Cookie": c.header}})
			if ok != c.ok || ok && raw != c.want {
				t.Errorf("RefreshToken: ok %t", ok)
			}
			access := middleware.Cookies{Name: "__Host-refresh", RefreshName: "__Host-other"}
			if c.cookies.RefreshPath != "" {
				access.Name = "__Secure-refresh"
			}
			raw, ok = access.AccessToken(&http.Request{Header: http.Header{"Cookie": c.header}})
			if ok != c.ok || ok && raw != c.want {
				t.Errorf("AccessToken: ok %t", ok)
			}
		})
	}
}

// FuzzCookie compares what the guard reads of a Cookie header with what net/http reads. They differ
// only about a value with characters that no cookie has: net/http ignores it, and the guard does not.
func FuzzCookie(f *testing.F) {
	for _, seed := range []string{
		"__Host-refresh=x", "a=b; __Host-refresh=x", "__Host-refresh=x; __Host-refresh=y", "__Host-refresh", "__Host-refresh =x",
		` __Host-refresh="x"`, `__Host-refresh="x`, `__Host-refresh=x"y`, "__Host-refresh==", "__Host-refreshed=x", "x__Host-refresh=x",
		"\t__Host-refresh=x\r\n;;; __Host-refresh=\x00", "__Host-refresh= x y ", "__Host-refresh=\\", "__Host-refresh\x00=x", "=x; __Host-refresh=\"\"",
	} {
		f.Add(seed, "")
		f.Add("a=b", seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.Count(first+second, ";") > 2000 {
			t.Skip("net/http reads nothing of so many")
		}
		r := &http.Request{Header: http.Header{"Cookie": {first, second}}}
		want := r.CookiesNamed("__Host-refresh")
		raw, ok := middleware.Cookies{}.RefreshToken(r)
		odd := strings.ContainsFunc(first+second, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
		switch {
		case len(want) == 1 && ok:
			if raw != want[0].Value {
				t.Fatalf("of %q and %q net/http reads %q, RefreshToken %q", first, second, want[0].Value, raw)
			}
		case ok && !odd, len(want) > 1 && ok, !ok && !odd && len(want) == 1 && want[0].Value != "":
			t.Fatalf("of %q and %q net/http reads %d cookies; RefreshToken says %t", first, second, len(want), ok)
		}
	})
}

func TestTokensReadsAllThereAre(t *testing.T) {
	r := &http.Request{Header: http.Header{"Cookie": {"a=1; __Host-access=x; __Host-refresh=y; __Host-refresh=", "__Host-refresh=z"}}}
	got := (middleware.Cookies{}).Tokens(r)
	slices.Sort(got)
	if want := []string{"x", "y", "z"}; !slices.Equal(got, want) {
		t.Errorf("%d values, want %d", len(got), len(want))
	}
	r.Header.Set("Cookie", strings.Repeat("__Host-access=x; ", 100)+strings.Repeat("__Host-refresh=y; ", 100))
	if got := len((middleware.Cookies{}).Tokens(r)); got != 104 { // req 87
		t.Errorf("%d values of a flood, want 4 and 100", got)
	}
}
