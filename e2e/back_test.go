package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/writ-go/writ/token"
)

// What was shown to alice is not shown to who sits there after she has signed out, neither as the browser kept the page nor from
// its cache.
func TestTheBackButtonShowsNothingAfterASignOut(t *testing.T) { // req 89
	cacheable := func(h http.Header) { h.Set("Cache-Control", "private, max-age=600") }
	pages := map[string]struct {
		header    func(http.Header)
		optional  bool
		refreshed bool // the page came with new cookies
		shown     bool // again
	}{
		"a guarded page as it is":                           {},
		"a page behind an optional guard":                   {optional: true},
		"a page that was refreshed":                         {refreshed: true},
		"a page that was refreshed, and wants to be cached": {header: cacheable, refreshed: true},
		"a page that wants to be cached, as a control":      {header: cacheable, shown: true},
	}
	signOuts := []struct {
		how string
		do  func(b *tab)
	}{
		{"by its form", func(b *tab) { b.press("#sign-out") }},
		{"by a script", func(b *tab) {
			b.script(`fetch("/logout", {method: "POST"})`)
			b.visit(b.origin() + "/blank")
		}},
		{"in another tab", func(b *tab) {
			b.visit(b.origin() + "/blank")
			other := b.open()
			other.visit(b.origin() + "/")
			other.press("#sign-out")
		}},
	}
	for name, test := range pages {
		for after, alone := range map[string]bool{"": true, ", after it has opened another": false} {
			t.Run(name+after, func(t *testing.T) {
				browser := newBrowser(t)
				ways := signOuts[:1]
				if test.header == nil && !test.optional && !test.refreshed || test.shown {
					ways = signOuts
				}
				for _, signOut := range ways {
					b, s := browser.in(t), newSite(t)
					guard := s.sessions.Guard()
					if test.optional {
						guard = guard.Optional()
					}
					s.mux.Handle("GET /page", guard.Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
						if test.header != nil {
							test.header(w.Header())
						}
						if t == nil {
							w.Write([]byte("Nobody"))
							return
						}
						s.account(w, r, t)
					}))
					b.visit(s.at("app.test", "/enter"))
					if test.refreshed {
						s.wait(expiry)
					}
					b.visit(s.at("app.test", "/page"))
					b.signedIn()
					if !alone { // such a page is not kept, and comes from the cache if at all
						b.script(`void open("/blank")`)
					}
					signOut.do(b)
					kept := b.back()
					if at := run(b, chromedp.Location()); test.shown != strings.HasSuffix(at, "/page") && !test.optional {
						t.Errorf("signed out %s: back at another page", signOut.how)
					}
					if shown := strings.Contains(b.text(), "The secret"); shown != test.shown || kept != (test.shown && alone) {
						t.Errorf("signed out %s: shown again: %t, as it was kept: %t", signOut.how, shown, kept)
					}
				}
			})
		}
	}
}

// A session that ends elsewhere changes nothing in the browser, which goes on to show what it has kept; but not to the next user.
func TestTheBackButtonShowsTheNextUserNothingOfTheLast(t *testing.T) {
	for name, next := range map[string]bool{"to bob, who signs in": true, "to nobody new, as a control": false} {
		t.Run(name, func(t *testing.T) {
			b, s := newBrowser(t), newSite(t)
			b.visit(s.at("app.test", "/enter"))
			b.visit(s.at("app.test", "/"))
			if err := s.sessions.EndAll(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			want := "alice"
			if next {
				want = "bob"
				b.visit(s.at("app.test", "/enter?as=bob"))
			} else {
				b.visit(s.at("app.test", "/blank"))
			}
			if kept := b.back(); kept == next || !strings.Contains(b.text(), "The secret of "+want) {
				t.Errorf("the page is shown as it was kept: %t", kept)
			}
		})
	}
}
