package e2e_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// sameSite is a configuration with that attribute.
func sameSite(v http.SameSite) func(*writ.Config) {
	return func(c *writ.Config) { c.Cookies.SameSite = v }
}

// way is how a page has its browser send a POST to an address.
type way struct {
	name  string
	post  func(b *tab, address string)
	frame bool // from a frame without an origin, which is another site everywhere
}

var ways = []way{
	{"by a script", func(b *tab, address string) {
		b.script(fmt.Sprintf(`fetch(%q, {method: "POST", credentials: "include", mode: "no-cors"})`, address))
	}, false},
	{"by a script of a page that is left", func(b *tab, address string) {
		b.script(fmt.Sprintf(`fetch(%q, {method: "POST", credentials: "include", mode: "no-cors", keepalive: true, headers: {"Content-Type": "text/plain"}})`, address))
	}, false},
	{"by a frame without an origin", func(b *tab, address string) {
		b.script(fmt.Sprintf(`(() => {
			const f = document.createElement("iframe")
			f.sandbox = "allow-forms allow-scripts"
			f.srcdoc = '<form method="post" action="%s"></form><script>document.forms[0].submit()</'+'script>'
			document.body.append(f)
		})()`, address))
	}, true},
	{"by a form", func(b *tab, address string) {
		b.script(fmt.Sprintf(`document.body.innerHTML = '<form method="post" action="%s"></form>'`, address))
		b.leave("document.forms[0].submit()")
	}, false},
	{"by a form of text", func(b *tab, address string) {
		b.script(fmt.Sprintf(`document.body.innerHTML = '<form method="post" enctype="text/plain" action="%s"><input name="{&quot;a" value="&quot;:1}"></form>'`, address))
		b.leave("document.forms[0].submit()")
	}, false},
}

// Past failures: CSRF through SameSite=None and through sub domains, in most frameworks.
func TestAnotherSiteCannotHaveAnythingChanged(t *testing.T) { // req 77
	browser := newBrowser(t)
	for name, test := range map[string]struct {
		sameSite http.SameSite
		from     string
		sent     bool // a form of that page is sent with the cookie: then the check is what refuses
		runs     bool
	}{
		"another site, SameSite=Lax":       {http.SameSiteLaxMode, "evil.test", false, false},
		"another site, SameSite=Strict":    {http.SameSiteStrictMode, "evil.test", false, false},
		"another site, SameSite=None":      {http.SameSiteNoneMode, "evil.test", true, false},
		"another host, SameSite=Lax":       {http.SameSiteLaxMode, "sub.app.test", true, false},
		"another host, SameSite=Strict":    {http.SameSiteStrictMode, "sub.app.test", true, false},
		"the site itself, as a control":    {http.SameSiteLaxMode, "app.test", true, true},
		"the site itself, SameSite=Strict": {http.SameSiteStrictMode, "app.test", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := browser.in(t), newSite(t, sameSite(test.sameSite))
			s.mux.HandleFunc("POST /enter", s.enter)
			b.visit(s.at("app.test", "/enter"))
			attack := func(w way, path string) visit {
				if page := s.at(test.from, "/blank"); run(b, chromedp.Location()) != page {
					b.visit(page)
				}
				return s.answer("app.test", path, func() { w.post(b, s.at("app.test", path)) })
			}
			for _, w := range ways {
				sent, runs := test.sent && (!w.frame || test.sameSite == http.SameSiteNoneMode), test.runs && !w.frame
				before := s.times("change")
				v := attack(w, "/change")
				if _, got := v.sent("__Host-access"); got != sent {
					t.Errorf("%s: the cookie is sent: %t, want %t", w.name, got, sent)
				}
				if ran := s.times("change") > before; ran != runs {
					t.Errorf("%s: the handler ran: %t, want %t", w.name, ran, runs)
				}
				if sent && !runs && v.status != http.StatusForbidden {
					t.Errorf("%s: status %d", w.name, v.status)
				}
			}
			if test.runs {
				return
			}
			held := b.tokens()
			for _, path := range []string{"/enter", "/logout"} { // to sign in as somebody else, to sign out
				for _, w := range []way{ways[0], ways[3]} {
					if v := attack(w, path); v.status != http.StatusForbidden {
						t.Errorf("%s %s: status %d", path, w.name, v.status)
					}
				}
			}
			s.wait(expiry)
			for _, w := range []way{ways[0], ways[3]} {
				attack(w, "/change")
			}
			if s.times("change") > 0 || s.happened(writ.Renewed) > 0 {
				t.Error("it is refreshed or done after the access token has expired")
			}
			if got := b.tokens(); got != held {
				t.Error("the cookies are others")
			}
			b.visit(s.at("app.test", "/"))
			b.signedIn()
		})
	}
}

func TestWhoComesFromAnotherSiteIsSignedInUnlessSameSiteIsStrict(t *testing.T) {
	browser := newBrowser(t)
	for name, test := range map[string]struct {
		sameSite http.SameSite
		from     string
		signedIn bool
	}{
		"Lax":                          {http.SameSiteLaxMode, "evil.test", true},
		"None":                         {http.SameSiteNoneMode, "evil.test", true},
		"Strict":                       {http.SameSiteStrictMode, "evil.test", false},
		"Strict, from a sister domain": {http.SameSiteStrictMode, "sub.app.test", true},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := browser.in(t), newSite(t, sameSite(test.sameSite))
			s.page(test.from+"/link", fmt.Sprintf(`<a id="go" href="%s">Go</a>`, s.at("app.test", "/")))
			b.visit(s.at("app.test", "/enter"))
			for _, expired := range []bool{false, true} {
				if expired {
					s.wait(expiry)
				}
				b.visit(s.at(test.from, "/link"))
				b.press("#go")
				if got := b.count("#who") == 1; got != test.signedIn || b.count("#login") == 1 == got {
					t.Errorf("signed in: %t, with an expired access token: %t", got, expired)
				}
			}
			b.visit(s.at("app.test", "/")) // typed
			b.signedIn()
		})
	}
}

// Somebody who has a token of his own must not have another's browser write under it.
func TestAHiddenFieldCountsInFormsOfTheSiteOnly(t *testing.T) { // req 77
	b, s := newBrowser(t), newSite(t)
	s.byTransport()
	p, err := s.sessions.Start(t.Context(), writ.Login{Subject: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	for from, status := range map[string]int{"evil.test": 403, "sub.app.test": 403, "app.test": 200} {
		b.visit(s.at(from, "/blank"))
		b.script(fmt.Sprintf(`document.body.innerHTML = '<form method="post" action="%s"><input name="access_token" value="%s"></form>'`, s.at("app.test", "/by/form"), p.Access))
		before := s.times("form")
		b.leave("document.forms[0].submit()")
		if v := s.last("app.test", "/by/form"); v.status != status || (s.times("form") > before) != (status == 200) {
			t.Errorf("from %s: status %d", from, v.status)
		}
	}
}

func TestATokenInTheAddressIsNotSentOn(t *testing.T) { // req 72
	b, s := newBrowser(t), newSite(t)
	page := fmt.Sprintf(`<!doctype html><img src="/pixel"><img src="%s"><a id="go" href="%[1]s">Go</a>`, s.at("evil.test", "/pixel"))
	show := func(w http.ResponseWriter, _ *http.Request, _ *token.Verified) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Referrer-Policy", "unsafe-url")
		fmt.Fprint(w, page)
	}
	s.mux.HandleFunc("GET /pixel", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, pixel) })
	s.mux.Handle("GET /report", s.sessions.Guard(middleware.Query{}).Func(show))
	s.mux.HandleFunc("GET /careless", func(w http.ResponseWriter, r *http.Request) { show(w, r, nil) })
	p, err := s.sessions.Start(t.Context(), writ.Login{Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	for path, leaks := range map[string]bool{"/report": false, "/careless": true} { // the second is a control
		b.visit(s.at("app.test", path+"?access_token="+p.Access))
		b.script("fetch('/pixel?2')")
		visits := []visit{s.last("app.test", "/pixel"), s.last("evil.test", "/pixel")}
		b.press("#go")
		for _, v := range append(visits, s.last("evil.test", "/pixel")) {
			if got := strings.Contains(v.header.Get("Referer"), p.Access); got != leaks || !leaks && v.header["Referer"] != nil {
				t.Errorf("%s: the token is sent on to %s: %t", path, v.host, got)
			}
		}
	}
	s.wait(expiry)
	b.visit(s.at("app.test", "/report?x=1&access_token="+p.Access))
	if got := run(b, chromedp.Location()); got != s.at("app.test", "/login?return_to=%2Freport%3Fx%3D1") {
		t.Error("the sign-in page is told more than where to return to")
	}
}

func TestAWebSocketIsOpenedByPagesOfTheSiteOnly(t *testing.T) { // req 77
	browser := newBrowser(t)
	for name, test := range map[string]struct {
		sameSite http.SameSite
		from     string
		opens    string
	}{
		"another site":    {http.SameSiteNoneMode, "evil.test", "refused"},
		"another host":    {http.SameSiteLaxMode, "sub.app.test", "refused"},
		"the site itself": {http.SameSiteLaxMode, "app.test", "open"},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := browser.in(t), newSite(t, sameSite(test.sameSite))
			s.mux.Handle("GET /socket", s.sessions.Guard().Func(s.socket))
			b.visit(s.at("app.test", "/enter"))
			b.visit(s.at(test.from, "/blank"))
			got := b.script(fmt.Sprintf(`new Promise(done => {
				const w = new WebSocket(%q)
				w.onopen = () => done("open")
				w.onerror = () => done("refused")
			})`, strings.Replace(s.at("app.test", "/socket"), "https:", "wss:", 1)))
			v := s.last("app.test", "/socket")
			if _, sent := v.sent("__Host-access"); !sent {
				t.Error("the cookie was not sent: the test shows nothing")
			}
			if got != test.opens || s.times("socket") > 0 != (got == "open") || got == "refused" && v.status != http.StatusForbidden {
				t.Errorf("it is %s, with status %d", got, v.status)
			}
		})
	}
}

// socket opens a WebSocket (RFC 6455 section 4.2.2), says nothing, and closes it.
func (s *site) socket(w http.ResponseWriter, r *http.Request, _ *token.Verified) {
	s.ran("socket")
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, stream, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close()
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n\x88\x00",
		base64.StdEncoding.EncodeToString(sum[:]))
	stream.Flush()
}
