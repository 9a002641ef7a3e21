package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// req 100
func TestNoTokenOfTheQuickstartLeavesItsCookie(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), newServer(t)
	w := newWire(t, s)
	written := func() map[string]string {
		return map[string]string{"the server's log": s.written(), "the browser's console or its requests": b.seen.String()}
	}
	app := func() *app {
		a := s.app("alice", "wonderland")
		w.secret(a.Access)
		w.secret(a.Refresh)
		return a
	}
	submit := func(action, name, value string) int {
		t.Helper()
		b.visit(s.url + "/")
		b.script(fmt.Sprintf(`document.body.innerHTML = '<form method="post" action="%s"><textarea name="%s"></textarea></form>'`, action, name))
		b.script(fmt.Sprintf(`document.querySelector("textarea").value = %q`, value))
		return b.leave("document.forms[0].submit()")
	}

	// A wrong password, and the right one.
	b.visit(s.url + "/")
	b.do(
		chromedp.SendKeys(chromedp.CSS("#username"), "alice"),
		chromedp.SendKeys(chromedp.CSS("#password"), "queen"),
		chromedp.Click(chromedp.CSS("main form button")),
		chromedp.WaitVisible(chromedp.CSS("#wrong")),
	)
	b.signIn(s)

	// Pages and answers, when the token is good, and when it has expired.
	b.outlast()
	for path, status := range map[string]int{
		"/": 200, "/api/me": 200, "/sessions": 200, "/healthz": 200, "/.well-known/jwks.json": 200,
		"/nowhere": 404, "/login": 405, "/logout": 405, "/token": 405, "/api/note": 405,
	} {
		if got := b.status(s.url + path); got != status {
			t.Errorf("%s: status %d, want %d", path, got, status)
		}
	}
	b.visit(s.url + "/")

	// What is refused.
	for _, refused := range []struct {
		action, name, value string
		status              int
	}{
		{"/api/note", "text", strings.Repeat("x", 3000), 413},
		{"/api/note", "text", strings.Repeat("x", 80_000), 400},
		{"/sessions/bm8tc3VjaC1zZXNzaW9uIQ/end", "x", "", 404},
		{"/login", "username", strings.Repeat("x", 80_000), 400},
		{"/token", "grant_type", "refresh_token", 400},
	} {
		if got := submit(refused.action, refused.name, refused.value); got != refused.status {
			t.Errorf("POST %s: status %d, want %d", refused.action, got, refused.status)
		}
	}

	// Devices.
	phone, other := app(), b.open(chromedp.WithNewBrowserContext())
	other.signIn(s)
	b.visit(s.url + "/")
	b.click(`button[aria-label="Sign out Firefox on Android"]`)
	if !phone.refused() {
		t.Error("the device goes on")
	}
	b.click("#sign-out-others")
	b.shows(true)
	other.do(chromedp.Reload())
	other.shows(false)

	// Cookies that are no good any more.
	held := b.jar()
	b.click("#sign-out")
	b.setCookies(held)
	b.visit(s.url + "/")
	b.shows(false)
	for _, path := range []string{"/api/me", "/sessions"} {
		b.visit(s.url + path)
		b.shows(false)
	}
	b.emptyJar()

	// A program that sends tokens where they do not belong.
	lost := app()
	misuse := func(method, path string, form url.Values) {
		t.Helper()
		if _, body := lost.send(method, path, form); w.repeats(string(body)) {
			t.Errorf("an answer to %s repeats a token", method)
		}
	}
	for _, path := range []string{"/?access_token=" + lost.Access, "/?a=1;refresh_token=" + lost.Refresh, "/" + lost.Access, "/sessions/" + lost.Refresh + "/end"} {
		misuse(http.MethodGet, path, nil)
		misuse(http.MethodPost, path, url.Values{"refresh_token": {lost.Access}, "username": {lost.Refresh}, "password": {lost.Refresh}})
	}
	misuse(http.MethodPost, "/login", url.Values{"username": {lost.Refresh}, "password": {lost.Access}})
	misuse(http.MethodPost, "/token", url.Values{"grant_type": {lost.Refresh}, "refresh_token": {lost.Access}})
	misuse(lost.Access[:40], "/", nil)

	b.signIn(s)
	app()
	b.visit(s.url + "/")
	b.click("#sign-out-all")
	b.shows(false)
	b.keepsSecrets(s)

	if w.quiet("an answer's header Location", "a request's header Referer", "a form", "an answer's body") {
		t.Fatal("the wire heard too little")
	}
	for _, place := range w.leaks(written()) {
		t.Errorf("a piece of a token is in %s", place)
	}

	// The control: a piece of a token in an address is seen there, in the Referer of what the page loads, and where a form
	// leads back to; and in the console and the log.
	b.signIn(s)
	app()
	leaked := b.cookies()["__Host-access"].Value[100 : 100+piece]
	b.visit(s.url + "/?x=" + leaked)
	b.click("#sign-out-others")
	b.script(fmt.Sprintf("void console.log(%q)", leaked))
	logged := written()
	logged["the server's log"] += leaked
	got := w.leaks(logged)
	for _, place := range []string{"an address", "a request's header Referer", "an answer's header Location", "the browser's console or its requests", "the server's log"} {
		if !slices.Contains(got, place) {
			t.Errorf("the control fails: nothing is seen in %s", place)
		}
	}
	if w.repeats(leaked[1:]) {
		t.Error("the control fails: too short a piece is seen")
	}
}
