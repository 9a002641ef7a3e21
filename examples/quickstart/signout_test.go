package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// req 58. Past failures: CVE-2025-53826 and CVE-2026-30224, a token that works after signing out.
func TestNothingWorksAfterSigningOut(t *testing.T) {
	for name, signOut := range map[string]func(s *site, v *visitor) answer{
		"with both cookies": func(_ *site, v *visitor) answer { return v.post("/logout") },
		"with the refresh cookie alone, the access token long expired": func(s *site, v *visitor) answer {
			_, refresh := v.held()
			s.wait(11 * time.Minute)
			return s.app().send("/logout", url.Values{}, "Cookie", "__Host-refresh="+refresh, "Accept", "text/html", "Sec-Fetch-Site", "same-origin")
		},
		"with the refresh token in the form": func(s *site, v *visitor) answer {
			_, refresh := v.held()
			return s.app().post("/logout", "refresh_token", refresh)
		},
		"with a Bearer token": func(s *site, v *visitor) answer {
			access, _ := v.held()
			return s.app().send("/logout", url.Values{}, "Authorization", "Bearer "+access)
		},
		"everywhere": func(_ *site, v *visitor) answer { return v.post("/logout-all") },
		"everywhere, the access token long expired": func(s *site, v *visitor) answer {
			s.wait(11 * time.Minute)
			a := v.post("/logout-all")
			if access, refresh := v.held(); access != "" || refresh != "" {
				s.t.Error("the browser has tokens again")
			}
			return a
		},
		"everywhere else, from another device": func(s *site, _ *visitor) answer {
			return s.signedIn().post("/logout-others")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			v := s.signedIn()
			access, refresh := v.held()
			if status := signOut(s, v).StatusCode; status != http.StatusSeeOther && status != http.StatusNoContent {
				t.Fatalf("status %d", status)
			}
			for transport, a := range map[string]answer{
				"access token in the header":            s.app().get("/api/me", "Authorization", "Bearer "+access),
				"access token in the cookie":            s.app().get("/api/me", "Cookie", "__Host-access="+access),
				"refresh token in the cookie of a page": s.app().get("/api/me", "Cookie", "__Host-refresh="+refresh),
				"both cookies":                          s.app().get("/api/me", "Cookie", "__Host-access="+access+"; __Host-refresh="+refresh),
				"refresh cookie":                        s.app().send("/refresh", url.Values{}, "Cookie", "__Host-refresh="+refresh),
			} {
				if a.StatusCode != 401 || len(a.Header["Set-Cookie"]) > 0 {
					t.Errorf("%s: status %d", transport, a.StatusCode)
				}
			}
			s.refresh(refresh).want(t, 400)
			page := s.app().get("/", "Cookie", "__Host-access="+access+"; __Host-refresh="+refresh).want(t, 200)
			if strings.Contains(page.body, "Alice") || !strings.Contains(page.body, "signed out") {
				t.Error("the page does not say that one is signed out")
			}
		})
	}
}

func TestSigningOutAlwaysClearsTheCookies(t *testing.T) {
	s := newSite(t)
	for name, v := range map[string]*visitor{"signed in": s.signedIn(), "a stranger": s.browser()} {
		if a := v.post("/logout").want(t, http.StatusSeeOther); !a.clears() || a.Header.Get("Location") != "/" {
			t.Errorf("%s: the cookies are not cleared", name)
		}
	}
	v := s.signedIn()
	if a := v.send("/logout", url.Values{}, "Sec-Fetch-Site", "cross-site").want(t, 403); len(a.Cookies()) > 0 {
		t.Error("another site signed the browser out")
	}
	v.me().want(t, 200)
}

type listed struct {
	ID      string `json:"sid"`
	Current bool   `json:"current"`
	Label   string `json:"label"`
}

func TestAUserSeesAndEndsTheirDevices(t *testing.T) {
	s := newSite(t)
	here, there := s.signedIn(), s.signedIn()
	var other string
	devices := decode[[]listed](t, here.get("/sessions", "Accept", "application/json").want(t, 200))
	for _, d := range devices {
		if d.Label != "Firefox on Linux" {
			t.Errorf("label %q", d.Label)
		}
		if !d.Current {
			other = d.ID
		}
	}
	if len(devices) != 2 || other == "" {
		t.Fatalf("%d devices", len(devices))
	}
	t.Run("but not a stranger's", func(t *testing.T) {
		bob := s.browser()
		bob.post("/login", "username", "bob", "password", "builder").want(t, http.StatusSeeOther)
		bob.post("/sessions/"+other+"/end").want(t, 404)
		there.me().want(t, 200)
	})
	here.post("/sessions/"+other+"/end").want(t, http.StatusSeeOther)
	there.me().want(t, 401)
	there.post("/refresh").want(t, 401)
	here.me().want(t, 200)
}

func TestSigningOutElsewhereSparesThisDevice(t *testing.T) {
	s := newSite(t)
	here, there := s.signedIn(), s.signedIn()
	before, _ := here.held()
	here.post("/logout-others").want(t, http.StatusSeeOther)
	there.me().want(t, 401)
	here.me().want(t, 200)
	if after, _ := here.held(); after == before {
		t.Error("the access token was not replaced")
	}
	s.wait(11 * time.Minute)
	here.get("/").want(t, 200)
	if devices := decode[[]listed](t, here.get("/sessions", "Accept", "application/json").want(t, 200)); len(devices) != 1 || !devices[0].Current {
		t.Errorf("%d devices are left", len(devices))
	}
	s.signedIn().me().want(t, 200) // Past failure: CVE-2020-26892, a cut-off that hits a later sign-in
}

// req 60. A store that fails signs nobody out, and never says that somebody was signed out.
func TestAStoreThatFailsIsNoSignOut(t *testing.T) {
	s := newSite(t)
	v, app := s.signedIn(), s.granted()
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	v.me().want(t, 200) // needs no store
	s.wait(11 * time.Minute)
	_, refresh := v.held()
	for name, a := range map[string]answer{
		"token endpoint":   s.refresh(app.Refresh),
		"refresh endpoint": v.post("/refresh"),
		"account page":     v.get("/"),
		"note":             v.post("/api/note", "text", "x"),
		"sign-in":          v.post("/login", "username", "alice", "password", "wonderland"),
		"sign-in of an app": s.app().post("/login", "username", "alice",
			"password", "wonderland"),
	} {
		if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || len(a.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	if _, still := v.held(); still != refresh {
		t.Error("the browser has lost its refresh token")
	}
	if got := decode[map[string]string](t, s.refresh(app.Refresh))["error"]; got == "invalid_grant" {
		t.Error("a token that could not be judged was called invalid")
	}
	if a := v.post("/logout").want(t, 503); !a.clears() {
		t.Error("signing out did not clear the cookies, or did not say that it failed")
	}
}

func TestHealthAndKeysAreForEverybody(t *testing.T) {
	s := newSite(t)
	s.app().get("/healthz").want(t, 200)
	set := decode[struct{ Keys []map[string]any }](t, s.app().get("/.well-known/jwks.json").want(t, 200))
	if len(set.Keys) == 0 {
		t.Fatal("no keys")
	}
	for _, key := range set.Keys { // req 32
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if key[private] != nil {
				t.Errorf("the key set has the private member %q", private)
			}
		}
		if key["kty"] == "oct" || key["kid"] == nil {
			t.Error("a key is symmetric or has no name")
		}
	}
}
