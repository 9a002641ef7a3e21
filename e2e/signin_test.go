package e2e_test

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

var signInForm = template.Must(template.New("").Parse(`<!doctype html><title>Sign in</title>
<form method="post" action="/sign-in"><input type="hidden" name="return_to" value="{{.}}"><button id="go">Sign in</button></form>`))

// signsIn mounts a sign-in form at /sign-in, which leads back to where its user came from.
func (s *site) signsIn() {
	s.mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := signInForm.Execute(w, middleware.ReturnPath(r)); err != nil {
			s.t.Error(err)
		}
	})
	s.mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if err := s.sessions.SignIn(w, r, writ.Login{Subject: "alice", Claims: token.Claims{ACR: "password"}}); err != nil {
			s.sessions.Deny(w, r, err)
			return
		}
		http.Redirect(w, r, middleware.ReturnPath(r), http.StatusSeeOther)
	})
}

func signInPage(c *writ.Config) { c.SignInPage = "/sign-in" }

func TestASignInLeadsBackToThePageThatAskedForIt(t *testing.T) {
	b, s := newBrowser(t), newSite(t, signInPage)
	s.signsIn()
	guard := s.sessions.Guard()
	s.mux.Handle("GET /notes/", guard.Func(s.account))
	s.mux.Handle("GET /stripped/", http.StripPrefix("/stripped", guard.Func(s.account)))
	s.mux.Handle("GET /vault", guard.Fresh(time.Hour, "password").Func(s.account))
	for name, path := range map[string]string{
		"a path":                    "/notes/a",
		"with a query":              "/notes/?q=a%20b&return_to=%2Felsewhere&q=%26",
		"with a fragment":           "/notes/a#part",
		"with characters of others": "/notes/%C3%BC/%22%3E%3Cscript%3E",
		"of which a part is hidden": "/stripped/notes/a?x=1",
	} {
		t.Run(name, func(t *testing.T) {
			b.emptyJar()
			b.visit(s.at("app.test", path))
			if b.count("#go") != 1 {
				t.Fatal("the page is not the sign-in page")
			}
			b.press("#go")
			b.signedIn()
			if got := run(b, chromedp.Location()); strings.Split(got, "#")[0] != s.at("app.test", strings.Split(path, "#")[0]) {
				t.Errorf("it leads to %s", got)
			}
		})
	}
	t.Run("to a page that needs another sign-in", func(t *testing.T) { // RFC 9470
		b.visit(s.at("app.test", "/enter"))
		b.visit(s.at("app.test", "/vault"))
		if got := run(b, chromedp.Location()); !strings.Contains(got, "prompt=login") || !strings.Contains(got, "max_age=") {
			t.Errorf("the sign-in page is not told that somebody is signed in: %s", got)
		}
		b.press("#go")
		b.signedIn()
	})
	t.Run("to the page of a form, which cannot be sent again", func(t *testing.T) {
		b.visit(s.at("app.test", "/"))
		b.emptyJar()
		b.press("#change")
		if got := run(b, chromedp.Location()); got != s.at("app.test", "/sign-in?return_to=%2F") {
			t.Errorf("the sign-in page is %s", got)
		}
	})
}

// Past failures: open redirects after sign-in, in most frameworks: CVE-2023-49438 and CVE-2021-23385 of Flask-Security among them.
func TestASignInLeadsToNoOtherSite(t *testing.T) {
	b, s := newBrowser(t), newSite(t, signInPage)
	s.signsIn()
	s.page("evil.test/", "<title>Evil</title>")
	evil := s.at("evil.test", "/")
	host := strings.TrimSuffix(strings.TrimPrefix(evil, "https://"), "/")
	tries := []string{
		evil, "//" + host, "///" + host, "/\\" + host, "\\\\" + host, "\\/" + host, "/\t/" + host, "\t//" + host, "/\n/" + host, " //" + host,
		"/\r\n//" + host, "https:" + host, "https:/" + host, "javascript:location='" + evil + "'", "data:text/html,<meta http-equiv=refresh content='0;" + evil + "'>",
		"@" + host, ".evil.test", ":@" + host, "/%09/" + host, "/%5c" + host, "/%2f" + host, "/./" + "/" + host, "/..//" + host, "/x/..//" + host,
		"/;@" + host, "/?//" + host, "/#//" + host, "/\u2000/" + host, "/\uff0f" + host, "\x00//" + host, "/\x00/" + host, "/" + "\u202e//" + host,
		"/\r\nLocation: " + evil, "/" + strings.Repeat("a", 4096) + "//" + host,
	}
	// A script of the site follows redirects as a page does, by the browser's own reading of Location.
	list, err := json.Marshal(tries)
	if err != nil {
		t.Fatal(err)
	}
	b.visit(s.at("app.test", "/blank"))
	for place, send := range map[string]string{
		"the address": `fetch("/sign-in?" + new URLSearchParams({return_to: to}), {method: "POST"})`,
		"the form":    `fetch("/sign-in", {method: "POST", body: new URLSearchParams({return_to: to})})`,
	} {
		before := s.happened(writ.Started)
		got := b.script(fmt.Sprintf(`Promise.all(%s.map(to => %s.then(a => new URL(a.url).origin == origin ? "" : JSON.stringify(to), () => JSON.stringify(to)))).then(all => all.join(""))`, list, send))
		if got != "" {
			t.Errorf("in %s these lead away: %s", place, got)
		}
		if n := s.happened(writ.Started) - before; n != len(tries) {
			t.Errorf("in %s: %d sign-ins", place, n)
		}
	}
	for _, try := range []string{evil, "//" + host, "/\\" + host, "/\t/" + host} {
		b.visit(s.at("app.test", "/sign-in?return_to="+url.QueryEscape(try)))
		b.press("#go")
		if got := b.origin(); got != s.at("app.test", "") {
			t.Errorf("%q leads to %s", try, got)
		}
	}
	if s.answered("evil.test", "/") > 0 {
		t.Error("the other site was asked")
	}
	b.script(fmt.Sprintf("void (location = %q)", evil))
	s.await(func() bool { return s.answered("evil.test", "/") > 0 }) // the control: it is there
}
