package writtest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/writtest"
)

// ask returns status and body.
func ask(t *testing.T, b *writtest.Browser, method, address string, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func names(cookies []*http.Cookie) (names []string) {
	for _, c := range cookies {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

func TestABrowserIsSignedInAndOut(t *testing.T) {
	for what, start := range map[string]func(http.Handler) *httptest.Server{
		"over TLS":  httptest.NewTLSServer,
		"over http": httptest.NewServer,
		"in memory": func(h http.Handler) *httptest.Server { return writtest.NewServer(t, h) },
	} {
		t.Run(what, func(t *testing.T) {
			sessions := writtest.New(t, writ.Config{SignInPage: "/login"})
			server := start(app(sessions))
			defer server.Close()
			b := writtest.NewBrowser(t, server)
			if status, _ := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusSeeOther {
				t.Errorf("before: %d, want the way to the login page, not followed", status)
			}
			b.SignIn(sessions, writ.Login{Subject: "ada"})
			if status, body := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusOK || body != "ada" {
				t.Errorf("signed in: %d", status)
			}
			for _, c := range b.Cookies() {
				if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") {
					t.Errorf("cookie %s: Secure %t, HttpOnly %t, SameSite %d, Path %q", c.Name, c.Secure, c.HttpOnly, c.SameSite, c.Path)
				}
			}
			if got := names(b.Cookies()); !slices.Equal(got, []string{"__Host-access", "__Host-refresh"}) {
				t.Errorf("cookies %q", got)
			}
			if status, _ := ask(t, b, "POST", server.URL+"/me", nil); status != http.StatusOK {
				t.Errorf("a form of the site: %d", status)
			}
			if status, _ := ask(t, b, "POST", server.URL+"/me", http.Header{"Sec-Fetch-Site": {"cross-site"}}); status != http.StatusForbidden {
				t.Errorf("another site's form: %d", status)
			}
			if status, _ := ask(t, b, "POST", server.URL+"/logout", nil); status != http.StatusOK {
				t.Errorf("logout: %d", status)
			}
			if got := b.Cookies(); len(got) != 0 {
				t.Errorf("after logout there are %q", names(got))
			}
			if status, _ := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusSeeOther {
				t.Errorf("signed out: %d", status)
			}
		})
	}
}

func TestASecondSignInReplacesTheFirst(t *testing.T) {
	for what, cookies := range map[string]middleware.Cookies{
		"by default":         {},
		"with a RefreshPath": {RefreshPath: "/auth"},
		"with RefreshOnly":   {RefreshOnly: true, RefreshPath: "/auth"},
	} {
		t.Run(what, func(t *testing.T) {
			sessions := writtest.New(t, writ.Config{Cookies: cookies})
			b := writtest.NewBrowser(t, writtest.NewServer(t, app(sessions)))
			b.SignIn(sessions, writ.Login{Subject: "ada"})
			res := b.SignIn(sessions, writ.Login{Subject: "ada"})
			all, err := sessions.Sessions(t.Context(), "ada")
			if err != nil || len(all) != 1 {
				t.Errorf("%d sessions, err = %v; want 1", len(all), err)
			}
			if body, _ := io.ReadAll(res.Body); strings.Contains(string(body), "access_token") != cookies.RefreshOnly {
				t.Error("the answer's body has an access token, or has none, and it should be the other way")
			}
		})
	}
}

func TestABrowserInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := writtest.New(t, writ.Config{})
		server := writtest.NewServer(t, app(sessions))
		b := writtest.NewBrowser(t, server)
		b.SignIn(sessions, writ.Login{Subject: "ada", Remember: true, Idle: time.Hour, Absolute: 3 * time.Hour})
		access := func() string {
			for _, c := range b.Cookies() {
				if c.Name == "__Host-access" {
					return c.Value
				}
			}
			return ""
		}
		first := access()
		time.Sleep(11 * time.Minute)
		if status, _ := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusOK || access() == first {
			t.Errorf("when the access token has expired: %d, refreshed: %t", status, access() != first)
		}
		time.Sleep(time.Hour)
		if status, _ := ask(t, b, "GET", server.URL+"/me", nil); status != http.StatusUnauthorized {
			t.Errorf("after an idle hour: %d", status)
		}
		if got := len(b.Cookies()); got != 2 {
			t.Errorf("%d cookies, want 2 that are remembered", got)
		}
		time.Sleep(2 * time.Hour)
		if got := len(b.Cookies()); got != 0 {
			t.Errorf("%d cookies after their Max-Age", got)
		}
	})
}

func TestABrowserRefusesCookies(t *testing.T) {
	for line, kept := range map[string]bool{
		"a=1":                                     true,
		"a=1; Secure":                             true,
		"__Host-a=1; Secure; Path=/":              true,
		"__Host-a=1; Path=/":                      false,
		"__Host-a=1; Secure; Path=/x":             false,
		"__Host-a=1; Secure":                      false,
		"__host-a=1; Path=/":                      false,
		"__Host-a=1; Secure; Path=/; Domain=a.se": false,
		"__Secure-a=1; Secure; Path=/x":           true,
		"__Secure-a=1":                            false,
		"a=1; SameSite=None":                      false,
		"a=1; SameSite=None; Secure":              true,
		"a=1; Partitioned":                        false,
		"a=1; Max-Age=0":                          false,
		"a=" + strings.Repeat("1", 4095):          true,
		"a=" + strings.Repeat("1", 4096):          false,
	} {
		server := writtest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.Cookies()) == 0 {
				w.Header().Set("Set-Cookie", line)
			} else {
				w.Write([]byte("it came back"))
			}
		}))
		b := writtest.NewBrowser(t, server)
		ask(t, b, "GET", server.URL+"/x/", nil)
		_, body := ask(t, b, "GET", server.URL+"/x/", nil)
		if len(b.Cookies()) > 0 != kept || (body != "") != kept {
			t.Errorf("%.60s: there %t, sent %t; want %t", line, len(b.Cookies()) > 0, body != "", kept)
		}
	}
}

// http to another machine is what anybody on the way can read.
func TestABrowserTakesNoSecureCookieFromHTTP(t *testing.T) {
	server := writtest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Secure: true})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "1"})
	}))
	b := writtest.NewBrowser(t, server)
	plain := &url.URL{Scheme: "http", Host: "app.example"}
	b.Jar.SetCookies(plain, []*http.Cookie{{Name: "a", Value: "1", Secure: true}, {Name: "b", Value: "1"}})
	if got := names(b.Jar.Cookies(plain)); !slices.Equal(got, []string{"b"}) {
		t.Errorf("cookies %q", got)
	}
}

func TestABrowserSaysWhereItsRequestsComeFrom(t *testing.T) {
	var seen http.Header
	server := writtest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
	}))
	b := writtest.NewBrowser(t, server)
	if status, _ := ask(t, b, "GET", server.URL, nil); status != http.StatusSeeOther {
		t.Errorf("a redirect is followed: %d", status)
	}
	if !strings.Contains(seen.Get("Accept"), "text/html") || seen.Get("Sec-Fetch-Site") != "same-origin" || seen.Get("Origin") != "" {
		t.Errorf("a page: Accept %q, Sec-Fetch-Site %q, Origin %q", seen.Get("Accept"), seen.Get("Sec-Fetch-Site"), seen.Get("Origin"))
	}
	ask(t, b, "POST", server.URL, http.Header{"Accept": {"application/json"}})
	if seen.Get("Accept") != "application/json" || seen.Get("Origin") != server.URL {
		t.Errorf("a form: Accept %q, Origin %q", seen.Get("Accept"), seen.Get("Origin"))
	}
	ask(t, b, "POST", server.URL, http.Header{"Sec-Fetch-Site": {"cross-site"}})
	if seen.Get("Sec-Fetch-Site") != "cross-site" || seen.Get("Origin") != "" {
		t.Errorf("another site's form: Sec-Fetch-Site %q, Origin %q", seen.Get("Sec-Fetch-Site"), seen.Get("Origin"))
	}
}

func TestAServerDoesNotWaitForItsClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var res *http.Response
		t.Cleanup(func() { res.Body.Close() }) // after the server's
		server := writtest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
		var err error
		if res, err = server.Client().Get(server.URL); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAServerInMemoryIsTheOnlyOne(t *testing.T) {
	server := writtest.NewServer(t, http.NotFoundHandler())
	if _, err := server.Client().Get("https://127.0.0.1/"); err == nil || !strings.Contains(err.Error(), "nothing but example.com") {
		t.Errorf("another host: %v", err)
	}
	server.Close()
	if _, err := server.Client().Get(server.URL); err == nil {
		t.Error("it answers after Close")
	}
}
