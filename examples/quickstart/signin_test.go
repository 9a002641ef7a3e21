package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTheDemoUsersCanSignIn(t *testing.T) {
	people := demoUsers()
	for username, password := range map[string]string{"alice": "wonderland", "bob": "builder"} {
		if ok, err := people.check(t.Context(), username, password); !ok || err != nil {
			t.Errorf("%s cannot sign in: %v", username, err)
		}
		if ok, _ := people.check(t.Context(), username, "another"); ok {
			t.Errorf("%s has any password", username)
		}
	}
	if ok, _ := people.check(t.Context(), "nobody", "wonderland"); ok {
		t.Error("a user who does not exist signed in")
	}
}

func TestASignInLeadsBackToThePageThatWasAskedFor(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ name, asked, want string }{
		{"a page of this site", "/sessions?all=1", "/sessions?all=1"},
		{"another site", "https://evil.example/", "/"},
		{"another host, for browsers", `/\evil.example`, "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := s.browser()
			at := url.Values{"return_to": {c.asked}}.Encode()
			if page := v.get("/?"+at).want(t, 200); !strings.Contains(page.body, `name="return_to" value="`+c.want+`"`) {
				t.Error("the form forgets the page")
			}
			wrong := v.post("/login", "username", "alice", "password", "x", "return_to", c.asked).want(t, http.StatusUnauthorized)
			if !strings.Contains(wrong.body, `name="return_to" value="`+c.want+`"`) {
				t.Error("a wrong password forgets the page")
			}
			done := v.post("/login", "username", "alice", "password", "wonderland", "return_to", c.asked).want(t, http.StatusSeeOther)
			if got := done.Header.Get("Location"); got != c.want {
				t.Errorf("Location %q, want %q", got, c.want)
			}
		})
	}
}

func TestABrowserSignsInByForm(t *testing.T) {
	s := newSite(t)
	v := s.browser()
	if page := v.get("/").want(t, 200); !strings.Contains(page.body, `action="/login"`) || strings.Contains(page.body, "signed out") {
		t.Error("no sign-in form for a new visitor")
	}
	done := v.post("/login", "username", "alice", "password", "wonderland").want(t, http.StatusSeeOther)
	if done.Header.Get("Location") != "/" || done.Header.Get("Cache-Control") != "no-store" { // req 89
		t.Error("the answer is not a private redirect to the account page")
	}
	if len(done.Cookies()) != 2 {
		t.Fatalf("%d cookies", len(done.Cookies()))
	}
	for _, c := range done.Cookies() { // req 82, req 83
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie %s has other attributes", c.Name)
		}
		if c.MaxAge != 0 {
			t.Errorf("the cookie %s outlives the browser, though nobody asked", c.Name)
		}
	}
	access, refresh := v.held()
	page := v.get("/").want(t, 200)
	for _, want := range []string{"Alice Liddell", "Administrator", "Firefox on Linux", "This device"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the account page does not say %q", want)
		}
	}
	if strings.Contains(page.body, access) || strings.Contains(page.body, refresh) {
		t.Error("the account page shows a token")
	}
	for name, want := range map[string]string{
		"Cache-Control":           "no-store",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "same-origin",
	} {
		if got := page.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestKeepMeSignedInOutlivesTheBrowser(t *testing.T) {
	s := newSite(t)
	done := s.browser().post("/login", "username", "bob", "password", "builder", "remember", "yes").want(t, http.StatusSeeOther)
	for _, c := range done.Cookies() {
		if c.MaxAge <= 0 {
			t.Errorf("the cookie %s does not outlive the browser", c.Name)
		}
	}
}

func TestAnAppSignsInForTokensAndGetsNoCookie(t *testing.T) {
	s := newSite(t)
	done := s.app().post("/login", "username", "alice", "password", "wonderland").want(t, 200)
	got := decode[tokens](t, done)
	if got.Access == "" || got.Refresh == "" || got.Type != "Bearer" || got.ExpiresIn <= 0 {
		t.Error("a token response lacks something")
	}
	if len(done.Header["Set-Cookie"]) > 0 || done.Header.Get("Cache-Control") != "no-store" {
		t.Error("the answer sets a cookie or may be cached")
	}
}

func TestAWrongPasswordAndAnUnknownUserLookTheSame(t *testing.T) {
	s := newSite(t)
	for name, v := range map[string]*visitor{"browser": s.browser(), "app": s.app()} {
		wrong := v.post("/login", "username", "alice", "password", "x").want(t, 401)
		unknown := v.post("/login", "username", "alicf", "password", "x").want(t, 401)
		empty := v.post("/login").want(t, 401)
		if strings.Replace(wrong.body, `value="alice"`, `value="alicf"`, 1) != unknown.body || !strings.Contains(wrong.body, wrongPassword) {
			t.Errorf("%s: the answers differ", name)
		}
		for _, a := range []answer{wrong, unknown, empty} {
			if len(a.Header["Set-Cookie"]) > 0 || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: a failed sign-in sets a cookie or may be cached", name)
			}
		}
	}
	t.Run("and what was typed as the name is not taken for HTML", func(t *testing.T) {
		page := s.browser().post("/login", "username", `"><script>`, "password", "x").want(t, 401)
		if strings.Contains(page.body, "<script") {
			t.Error("the page has a script")
		}
	})
	t.Run("and a password in the URL is none", func(t *testing.T) {
		s.browser().post("/login?username=alice&password=wonderland").want(t, 401)
	})
}

// req 88. Past failure: CVE-2024-38513, a session ID chosen by the client.
func TestSigningInNeverAdoptsASession(t *testing.T) {
	s := newSite(t)
	thief := s.signedIn()
	access, refresh := thief.held()
	chosen := decode[identity](t, thief.me()).SessionID

	victim := s.app() // has the thief's cookies planted, and sends the thief's ID along
	planted := "__Host-access=" + access + "; __Host-refresh=" + refresh
	done := victim.send("/login?sid="+chosen, map[string][]string{"username": {"bob"}, "password": {"builder"}, "sid": {chosen}},
		"Cookie", planted, "Accept", "text/html").want(t, http.StatusSeeOther)
	if len(done.Cookies()) != 2 {
		t.Fatalf("%d cookies", len(done.Cookies()))
	}
	own := decode[identity](t, victim.get("/api/me", "Cookie", "__Host-access="+done.Cookies()[0].Value))
	if own.Subject != "bob" || own.SessionID == chosen || own.SessionID == "" {
		t.Error("the planted session was adopted")
	}
	thief.me().want(t, 401)
	s.refresh(refresh).want(t, 400)
}

func TestAnotherSiteCannotSignABrowserIn(t *testing.T) {
	s := newSite(t)
	form := map[string][]string{"username": {"alice"}, "password": {"wonderland"}}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "same-site", "Origin", "https://sibling.app.test"},
	} {
		if a := s.browser().send("/login", form, headers...).want(t, 403); len(a.Cookies()) > 0 {
			t.Error("login CSRF: cookies were set")
		}
	}
}
