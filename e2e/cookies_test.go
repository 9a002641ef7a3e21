package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// pair looks like tokens as far as cookies are concerned.
func pair() *token.Pair {
	return &token.Pair{Access: "the-access-token", Refresh: "the-refresh-token", RefreshExpires: time.Now().Add(time.Hour)}
}

// setting mounts a handler that writes a pair into cookies, and below it one that clears them and one that does nothing.
func (s *site) setting(c middleware.Cookies, p *token.Pair) {
	s.mux.HandleFunc("GET /set", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.Set(w, p); err != nil {
			http.Error(w, "Set refuses", http.StatusInternalServerError)
		}
	})
	s.mux.HandleFunc("GET /set/clear", func(w http.ResponseWriter, _ *http.Request) { c.Clear(w) })
	s.mux.HandleFunc("GET /set/", func(http.ResponseWriter, *http.Request) {})
}

func TestABrowserKeepsWhatSetWrites(t *testing.T) { // req 82, req 83
	browser := newBrowser(t)
	for name, test := range map[string]struct {
		cookies         middleware.Cookies
		access, refresh string
		sameSite        network.CookieSameSite
	}{
		"the zero value": {
			middleware.Cookies{}, "__Host-access", "__Host-refresh", network.CookieSameSiteLax,
		},
		"names that scripts may not write": {
			middleware.Cookies{Name: "__Host-Http-a", RefreshName: "__Host-Http-r"}, "__Host-Http-a", "__Host-Http-r", network.CookieSameSiteLax,
		},
		"a refresh cookie below a path": {
			middleware.Cookies{RefreshPath: "/set"}, "__Host-access", "__Secure-refresh", network.CookieSameSiteLax,
		},
		"SameSite=Strict": {
			middleware.Cookies{SameSite: http.SameSiteStrictMode}, "__Host-access", "__Host-refresh", network.CookieSameSiteStrict,
		},
		"SameSite=None": {
			middleware.Cookies{SameSite: http.SameSiteNoneMode}, "__Host-access", "__Host-refresh", network.CookieSameSiteNone,
		},
		"Partitioned": {
			middleware.Cookies{Partitioned: true}, "__Host-access", "__Host-refresh", network.CookieSameSiteLax,
		},
		"Partitioned for embedding": {
			middleware.Cookies{SameSite: http.SameSiteNoneMode, Partitioned: true, RefreshPath: "/set"}, "__Host-access", "__Secure-refresh", network.CookieSameSiteNone,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := browser.in(t), newSite(t)
			s.setting(test.cookies, pair())
			for place, url := range map[string]func(host, path string) string{
				"by https": func(_, path string) string { return s.at("app.test", path) },
				"by http on localhost, as on the machine of a developer": func(_, path string) string { return s.inClear("localhost", path) },
			} {
				b.emptyJar()
				b.visit(url("", "/set"))
				held := map[string]*network.Cookie{}
				for _, c := range b.jar() {
					held[c.Name] = c
				}
				if len(held) != 2 || held[test.access] == nil || held[test.refresh] == nil {
					t.Errorf("%s: the browser keeps %d cookies, or under other names", place, len(held))
					continue
				}
				for _, c := range held {
					if !c.Secure || !c.HTTPOnly || c.SameSite != test.sameSite || !c.Session || strings.HasPrefix(c.Domain, ".") ||
						(c.PartitionKey != nil) != test.cookies.Partitioned {
						t.Errorf("%s: the cookie %s has other attributes", place, c.Name)
					}
				}
				b.visit(url("", "/set/again"))
				again := s.last(hostOf(url("", "")), "/set/again")
				b.visit(url("", "/blank"))
				elsewhere := s.last(hostOf(url("", "")), "/blank")
				if a, _ := again.sent(test.access); a != pair().Access {
					t.Errorf("%s: the access token does not come back", place)
				}
				if r, _ := again.sent(test.refresh); r != pair().Refresh {
					t.Errorf("%s: the refresh token does not come back", place)
				}
				if _, sent := elsewhere.sent(test.refresh); sent != (test.cookies.RefreshPath == "") {
					t.Errorf("%s: the refresh token is sent to the other paths: %t", place, sent)
				}
				b.visit(url("", "/set/clear"))
				if n := len(b.jar()); n != 0 { // req 86
					t.Errorf("%s: Clear leaves %d cookies", place, n)
				}
			}

			b.emptyJar()
			b.visit(s.inClear("app.test", "/set")) // where anybody on the way could read them
			if n := len(b.jar()); n != 0 {
				t.Errorf("by plain http: the browser keeps %d cookies", n)
			}
		})
	}
}

func hostOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, ":")
	return host
}

func TestPlainHTTPNeedsInsecureHTTP(t *testing.T) {
	b, s := newBrowser(t), newSite(t)
	s.setting(middleware.Cookies{InsecureHTTP: true}, pair())
	b.visit(s.inClear("app.test", "/set"))
	b.visit(s.inClear("app.test", "/blank"))
	v := s.last("app.test", "/blank")
	_, access := v.sent("access")
	_, refresh := v.sent("refresh")
	if !access || !refresh {
		t.Errorf("the access token comes back: %t, the refresh token: %t", access, refresh)
	}
	for _, c := range b.jar() {
		if !c.HTTPOnly || c.Secure || c.SameSite != network.CookieSameSiteLax {
			t.Errorf("the cookie %s has other attributes", c.Name)
		}
	}
}

func TestEachEmbeddingSiteHasItsOwnPartitionedCookies(t *testing.T) {
	browser := newBrowser(t)
	for name, partitioned := range map[string]bool{"with Partitioned": true, "without, as a control": false} {
		t.Run(name, func(t *testing.T) {
			b, s := browser.in(t), newSite(t)
			s.setting(middleware.Cookies{SameSite: http.SameSiteNoneMode, Partitioned: partitioned}, pair())
			for _, host := range []string{"evil.test", "other.test"} {
				s.page(host+"/sets", fmt.Sprintf(`<iframe src="%s"></iframe>`, s.at("app.test", "/set")))
				s.page(host+"/asks", fmt.Sprintf(`<iframe src="%s"></iframe>`, s.at("app.test", "/blank")))
			}
			sent := func(address string) bool {
				b.visit(address)
				_, ok := s.last("app.test", "/blank").sent("__Host-access")
				return ok
			}
			b.visit(s.at("evil.test", "/sets"))
			if !sent(s.at("evil.test", "/asks")) {
				t.Error("the frame has lost its cookies")
			}
			if sent(s.at("other.test", "/asks")) == partitioned || sent(s.at("app.test", "/blank")) == partitioned {
				t.Errorf("the same cookies are sent below other sites: %t", partitioned)
			}
			b.visit(s.at("other.test", "/sets"))
			b.visit(s.at("app.test", "/set"))
			if n, want := len(b.jar()), map[bool]int{true: 6, false: 2}[partitioned]; n != want {
				t.Errorf("%d cookies, want %d", n, want)
			}
		})
	}
}

// Past failures: every library whose tokens lie in localStorage or in cookies without HttpOnly.
func TestAScriptOfThePageCannotReadOrReplaceTheCookies(t *testing.T) {
	b, s := newBrowser(t), newSite(t)
	b.visit(s.at("app.test", "/enter"))
	b.visit(s.at("app.test", "/"))
	before := b.cookies()
	if got := b.script(`document.cookie + (await cookieStore.getAll()).length`); got != "0" {
		t.Error("a script reads cookies")
	}
	b.script(`(document.cookie = "__Host-access=planted; Secure; Path=/", document.cookie = "__Host-refresh=; Secure; Path=/; Max-Age=0",
		cookieStore.set("__Host-access", "planted").catch(() => {}))`)
	after := b.cookies()
	for _, name := range []string{"__Host-access", "__Host-refresh"} {
		if before[name] == nil || after[name] == nil || before[name].Value != after[name].Value || !after[name].HTTPOnly {
			t.Errorf("a script replaced %s", name)
		}
	}
	b.emptyJar()
	b.script(`(document.cookie = "__Host-Http-access=planted; Secure; Path=/",
		cookieStore.set("__Host-Http-access", "planted").catch(() => {}))`)
	if n := len(b.jar()); n != 0 {
		t.Error("a script plants a cookie under a name that is for servers")
	}
	b.script(`document.cookie = "__Host-access=planted; Secure; Path=/"`)
	if n := len(b.jar()); n != 1 {
		t.Error("the control fails: a script can plant a __Host- cookie where there is none")
	}
}

// Past failures: the many sign-ins fixed from a sub domain that somebody else runs.
func TestAnotherHostOfTheDomainCannotPlantACookie(t *testing.T) {
	attempts := []string{
		"__Host-access=planted; Secure; Path=/; Domain=app.test",
		"__HOST-ACCESS=planted; Secure; Path=/; Domain=app.test",
		"__Secure-access=planted; Path=/; Domain=app.test",
		"=__Host-access=planted; Secure; Path=/; Domain=app.test",
		"__Host-access; Secure; Path=/; Domain=app.test",
		" __Host-access =planted; Secure; Path=/; Domain=app.test",
		"\t__Host-access=planted; Secure; Path=/; Domain=app.test",
		"__Host-access\x00=planted; Secure; Path=/; Domain=app.test",
		"__Host-access=planted; Secure; Domain=app.test", // a default path
		"__Host-refresh=planted; Secure; Path=/; Domain=app.test",
	}
	// These are kept, under names that are not ours: a server that trims or folds them is fooled.
	others := []string{
		"\u2000__Host-access=planted; Secure; Path=/; Domain=app.test",
		"\u0085__Host-refresh=planted; Secure; Path=/; Domain=app.test",
		"x=1, __Host-access=planted; Secure; Path=/; Domain=app.test",
		"$Version=1; Secure; Path=/; Domain=app.test",
		"access=planted; Path=/; Domain=app.test", // which Cookies.InsecureHTTP would be open to
	}
	b, s := newBrowser(t), newSite(t)
	s.mux.HandleFunc("GET sub.app.test/toss", func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range append(attempts, others...) {
			w.Header().Add("Set-Cookie", c)
		}
	})
	for name, signedIn := range map[string]bool{"before anybody signs in": false, "while alice is signed in": true} {
		t.Run(name, func(t *testing.T) {
			b.emptyJar()
			if signedIn {
				b.visit(s.at("app.test", "/enter"))
			}
			b.visit(s.at("sub.app.test", "/toss"))
			for _, c := range append(attempts, others...) {
				b.script(fmt.Sprintf("document.cookie = %q", c))
			}
			planted := 0
			for _, c := range b.jar() {
				if c.Name != "__Host-access" && c.Name != "__Host-refresh" {
					planted++
				} else if !signedIn || c.Domain != "app.test" || strings.Contains(c.Value, "planted") {
					t.Errorf("%s was planted", c.Name)
				}
			}
			if planted < 4 {
				t.Errorf("%d cookies are planted under other names: the control fails", planted)
			}
			b.visit(s.at("app.test", "/"))
			if in := b.count("#who") == 1; in != signedIn {
				t.Errorf("alice is signed in: %t, want %t", in, signedIn)
			}
		})
	}
}

func TestACookieOf4096BytesIsKeptAndALargerOneRefused(t *testing.T) { // req 84
	browser := newBrowser(t)
	for name, test := range map[string]struct {
		size int
		kept bool
	}{
		"4096 bytes with the name": {4096, true},
		"4097 bytes with the name": {4097, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := browser.in(t), newSite(t)
			p := pair()
			p.Access = strings.Repeat("a", test.size-len("__Host-access"))
			s.setting(middleware.Cookies{}, p)
			s.mux.HandleFunc("GET /by-hand", func(w http.ResponseWriter, _ *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "__Host-access", Value: p.Access, Path: "/", Secure: true, HttpOnly: true})
			})
			for _, path := range []string{"/set", "/by-hand"} {
				b.emptyJar()
				b.visit(s.at("app.test", path))
				c := b.cookies()["__Host-access"]
				if (c != nil) != test.kept || c != nil && c.Value != p.Access {
					t.Errorf("after %s: the browser keeps it as it is: %t", path, !test.kept)
				}
			}
			if status := s.last("app.test", "/set").status; (status == 200) != test.kept {
				t.Errorf("Set was answered with %d", status)
			}
			if !test.kept && len(b.jar()) != 0 {
				t.Error("Set failed, and wrote a cookie")
			}
		})
	}
}
