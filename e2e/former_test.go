package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
)

// former is a cookie as a site may have set it before.
func former(name string, change ...func(*http.Cookie)) http.Cookie {
	c := http.Cookie{Name: name, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
	for _, f := range change {
		f(&c)
	}
	return c
}

// A site changes how it sets its cookies, and who is signed in comes back with those of before.
func TestAChangeOfCookiesLeavesNobodyStuck(t *testing.T) {
	browser := newBrowser(t)
	inClear := func(c *http.Cookie) { c.Secure = false }
	below := func(c *http.Cookie) { c.Path = "/app" }
	domain := func(c *http.Cookie) { c.Domain = "app.test" }
	partitioned := func(c *http.Cookie) { c.Partitioned = true }
	for name, test := range map[string]struct {
		access, refresh http.Cookie // as they were
		now             middleware.Cookies
		anew            bool // alice has to sign in again
		collide         bool // old and new ones have the same name
	}{
		"other names": {
			former("__Host-sid"), former("__Host-rid"),
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "__Host-sid"}, {Name: "__Host-rid", AcceptRefresh: true}}},
			false, false,
		},
		"other names, and the old ones do not count": {
			former("__Host-sid"), former("__Host-rid"),
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "__Host-sid"}, {Name: "__Host-rid"}}},
			true, false,
		},
		"from before https": {
			former("access", inClear), former("refresh", inClear),
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "access"}, {Name: "refresh", AcceptRefresh: true}}},
			false, false,
		},
		"of a path": {
			former("__Host-access"), former("__Secure-refresh", below),
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "__Secure-refresh", Path: "/app", AcceptRefresh: true}}},
			false, false,
		},
		"of the whole domain": {
			former("access", domain), former("__Secure-refresh", domain),
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "access", Domain: "app.test"}, {Name: "__Secure-refresh", Domain: "app.test", AcceptRefresh: true}}},
			false, false,
		},
		"no longer partitioned": {
			former("__Host-access", partitioned), former("__Host-refresh", partitioned),
			middleware.Cookies{Former: []middleware.FormerCookie{{Name: "__Host-access", Partitioned: true}, {Name: "__Host-refresh", Partitioned: true}}},
			false, true,
		},
		"partitioned from now on": {
			former("__Host-access"), former("__Host-refresh"),
			middleware.Cookies{Partitioned: true, Former: []middleware.FormerCookie{{Name: "__Host-access"}, {Name: "__Host-refresh"}}},
			false, true,
		},
	} {
		for beside, both := range map[string]bool{"alone": false, "beside the present ones": true} {
			t.Run(name+", "+beside, func(t *testing.T) {
				b, s := browser.in(t), newSite(t, func(c *writ.Config) { c.Cookies = test.now })
				s.mux.Handle("GET /app/account", s.sessions.Guard().Func(s.account))
				forgetful := test.now
				forgetful.Former = nil
				guard, err := middleware.New(middleware.Config{Verifier: s.sessions, Refresher: s.sessions, From: []middleware.Source{forgetful}})
				if err != nil {
					t.Fatal(err)
				}
				s.mux.Handle("GET /app/forgetful", guard.Func(s.account))
				s.mux.HandleFunc("GET /app/before", func(w http.ResponseWriter, r *http.Request) {
					p, err := s.sessions.Start(r.Context(), writ.Login{Subject: "alice"})
					if err == nil && both {
						err = forgetful.Set(w, p)
					}
					if err != nil {
						t.Error(err)
					}
					access, refresh := test.access, test.refresh
					access.Value, refresh.Value = p.Access, p.Refresh
					http.SetCookie(w, &access)
					http.SetCookie(w, &refresh)
				})
				opens := func(path string) bool {
					b.visit(s.at("app.test", path))
					return b.count("#who") == 1
				}

				address := s.at
				if !test.access.Secure && !both {
					address = s.inClear
				}
				b.visit(address("app.test", "/app/before"))
				s.wait(expiry)
				collision := both && test.collide
				for range 2 {
					if collision && opens("/app/forgetful") {
						t.Error("the control fails: two cookies of one name are no matter")
					}
				}
				if in := opens("/app/account"); in != (both || !test.anew) && !collision {
					t.Errorf("alice is signed in: %t", in)
				}
				if test.anew && !both {
					b.visit(s.at("app.test", "/enter"))
				} else {
					defer s.unharmed()
				}
				for range 2 {
					if !opens("/app/account") {
						t.Error("alice is signed out")
					}
					s.wait(expiry)
				}
				var names []string
				for _, c := range b.jar() {
					names = append(names, c.Name)
					if (c.PartitionKey != nil) != test.now.Partitioned || c.Path != "/" || strings.HasPrefix(c.Domain, ".") {
						t.Errorf("a former %s is left", c.Name)
					}
				}
				if slices.Sort(names); !slices.Equal(names, []string{"__Host-access", "__Host-refresh"}) {
					t.Errorf("the browser has %q", names)
				}
			})
		}
	}
}
