package writ_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

// mount serves every endpoint as a program would.
func mount(m *writ.Manager) http.Handler {
	e := m.Endpoints()
	mux := http.NewServeMux()
	mux.Handle("/token", e.Token)
	mux.Handle("/refresh", e.Refresh)
	mux.Handle("/logout", e.Logout)
	mux.Handle("/logout-all", e.LogoutAll)
	mux.Handle("/logout-others", e.LogoutOthers)
	mux.Handle("/sessions", e.Sessions)
	mux.Handle("/sessions/{sid}/end", e.EndSession)
	mux.Handle("/.well-known/jwks.json", e.Keys)
	mux.Handle("/healthz", e.Health)
	return mux
}

// as puts a pair into the cookies of a request, as a browser has them.
func as(t testing.TB, p *token.Pair) func(*http.Request) {
	w := httptest.NewRecorder()
	if err := (middleware.Cookies{}).Set(w, p); err != nil {
		t.Fatal(err)
	}
	return func(r *http.Request) { cookies(r, w.Result().Cookies()) }
}

func bearer(p *token.Pair) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+p.Access) }
}

func form(values url.Values) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(values.Encode()))
	}
}

func page(r *http.Request)      { r.Header.Set("Accept", "text/html") }
func crossSite(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }

func call(h http.Handler, method, path string, change ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, "https://app.example"+path, nil)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// clears reports whether an answer removes both cookies.
func clears(r *http.Response) bool {
	n := 0
	for _, c := range r.Cookies() {
		if c.MaxAge < 0 {
			n++
		}
	}
	return n == 2
}

func TestTokenEndpoint(t *testing.T) { // req 90
	c := newClock()
	store := &failing{Store: memory.Open()}
	m := open(t, store, c, writ.Config{})
	h := mount(m)
	p := start(t, m, "alice")
	c.advance(afterWindow)
	grant := func(raw string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {raw}}
	}
	for name, test := range map[string]struct {
		path   string
		change func(*http.Request)
		method string
		status int
		says   string
	}{
		"a good token":                  {"/token", form(grant(p.Refresh)), "POST", 200, `"token_type":"Bearer"`},
		"garbage":                       {"/token", form(grant("x")), "POST", 400, `"invalid_grant"`},
		"an access token":               {"/token", form(grant(p.Access)), "POST", 400, `"invalid_grant"`}, // req 13
		"another client":                {"/token", form(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.Refresh}, "client_id": {"x"}}), "POST", 400, `"invalid_grant"`},
		"no token":                      {"/token", form(url.Values{"grant_type": {"refresh_token"}}), "POST", 400, `"invalid_request"`},
		"no grant type":                 {"/token", form(url.Values{"refresh_token": {p.Refresh}}), "POST", 400, `"invalid_request"`},
		"another grant type":            {"/token", form(url.Values{"grant_type": {"password"}}), "POST", 400, `"unsupported_grant_type"`},
		"a parameter twice":             {"/token", form(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.Refresh, p.Refresh}}), "POST", 400, `"invalid_request"`},
		"the token in the URL":          {"/token?" + grant(p.Refresh).Encode(), form(url.Values{"grant_type": {"refresh_token"}}), "POST", 400, `"invalid_request"`},
		"JSON":                          {"/token", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, "POST", 400, `"invalid_request"`},
		"a body of a mebibyte (req 96)": {"/token", form(url.Values{"grant_type": {strings.Repeat("x", 1<<20)}}), "POST", 400, `"invalid_request"`},
		"GET":                           {"/token", form(grant(p.Refresh)), "GET", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := call(h, test.method, test.path, test.change)
			body := text(t, answer)
			if answer.StatusCode != test.status || !strings.Contains(body, test.says) {
				t.Errorf("status %d, want %d and %s", answer.StatusCode, test.status, test.says)
			}
			if test.method == "POST" && (answer.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json")) {
				t.Error("the answer may be cached, or is not JSON")
			}
			if test.status != 200 && (strings.Contains(body, "rt1.") || strings.Contains(body, p.Access)) {
				t.Error("a token stands in an error") // req 100
			}
		})
	}
	wider := grant(p.Refresh) // req 51: a client cannot ask for more, and the answer says what it has
	wider.Set("scope", "notes admin")
	wider.Set("audience", "https://other.example")
	answer := call(h, "POST", "/token", form(wider))
	var got struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || verified(t, m, got.Access).HasScope("admin") {
		t.Errorf("a wider scope: status %d, %v", answer.StatusCode, err)
	}
	store.fail(errDown, nil)
	answer = call(h, "POST", "/token", form(grant(p.Refresh)))
	if body := text(t, answer); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || strings.Contains(body, "invalid_grant") || strings.Contains(body, "fire") {
		t.Errorf("a store that is down: %d", answer.StatusCode)
	}
	store.fail(nil, nil)
	if err := m.EndAll(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if answer := call(h, "POST", "/token", form(grant(p.Refresh))); answer.StatusCode != 400 {
		t.Errorf("revoked: %d", answer.StatusCode)
	}
}

func TestRefreshEndpoint(t *testing.T) {
	c := newClock()
	store := &failing{Store: memory.Open()}
	m := open(t, store, c, writ.Config{})
	h := mount(m)
	p := start(t, m, "alice")
	c.advance(afterWindow)
	if answer := call(h, "POST", "/refresh", as(t, p), crossSite); answer.StatusCode != 403 || len(answer.Cookies()) != 0 { // req 77
		t.Errorf("from another site: %d", answer.StatusCode)
	}
	if answer := call(h, "POST", "/refresh"); answer.StatusCode != 401 {
		t.Errorf("without a cookie: %d", answer.StatusCode)
	}
	store.fail(errDown, nil)
	if answer := call(h, "POST", "/refresh", as(t, p)); answer.StatusCode != 503 || len(answer.Cookies()) != 0 {
		t.Errorf("a store that is down: %d, %d cookies", answer.StatusCode, len(answer.Cookies()))
	}
	store.fail(nil, nil)
	answer := call(h, "POST", "/refresh", as(t, p))
	body := text(t, answer)
	if answer.StatusCode != 200 || len(answer.Cookies()) != 2 || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, %d cookies", answer.StatusCode, len(answer.Cookies()))
	}
	if strings.Contains(body, "rt1.") || strings.Contains(body, "ey") || !strings.Contains(body, "expires_in") { // req 83
		t.Error("the body of a cookie's refresh has a token")
	}
	if err := m.End(t.Context(), "alice", p.SessionID); err != nil {
		t.Fatal(err)
	}
	if answer := call(h, "POST", "/refresh", as(t, p)); answer.StatusCode != 401 || len(answer.Cookies()) != 0 { // req 57: never cleared
		t.Errorf("ended: %d, %d cookies", answer.StatusCode, len(answer.Cookies()))
	}
}

func TestRefreshOnlyCookies(t *testing.T) {
	c := newClock()
	m := open(t, memory.Open(), c, writ.Config{Cookies: middleware.Cookies{RefreshOnly: true, RefreshPath: "/auth"}})
	w := httptest.NewRecorder()
	if err := m.SignIn(w, httptest.NewRequest("POST", "https://app.example/login", nil), writ.Login{Subject: "alice"}); err != nil {
		t.Fatal(err)
	}
	set := w.Result().Cookies()
	if len(set) != 1 || set[0].Name != "__Secure-refresh" || set[0].Path != "/auth" {
		t.Fatalf("%d cookies", len(set))
	}
	c.advance(afterWindow)
	answer := call(m.Endpoints().Refresh, "POST", "/auth/refresh", func(r *http.Request) { cookies(r, set) })
	var body struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.Refresh != "" || len(answer.Cookies()) != 1 {
		t.Fatalf("status %d, %v: want the access token in the body and the refresh token in its cookie", answer.StatusCode, err)
	}
	verified(t, m, body.Access)
}

// A browser from before a change of the refresh cookie's path sends the old one and, once signed in
// anew, both: it must get rid of the old one.
func TestARefreshAfterAChangeOfCookies(t *testing.T) {
	c := newClock()
	m := open(t, memory.Open(), c, writ.Config{Cookies: middleware.Cookies{RefreshPath: "/auth", Former: []middleware.FormerCookie{
		{Name: "__Secure-refresh", Path: "/"}, {Name: "refresh", AcceptRefresh: true}}}})
	refresh := func(names ...string) *http.Response {
		p := start(t, m, "alice")
		c.advance(afterWindow)
		return call(m.Endpoints().Refresh, "POST", "/auth/refresh", func(r *http.Request) {
			for _, name := range names {
				r.AddCookie(&http.Cookie{Name: name, Value: p.Refresh})
			}
		})
	}
	removed := func(r *http.Response) (names []string) {
		for _, c := range r.Cookies() {
			if c.MaxAge < 0 {
				names = append(names, c.Name+" at "+c.Path)
			}
		}
		return names
	}
	twice := refresh("__Secure-refresh", "__Secure-refresh")
	if got := strings.Join(removed(twice), ", "); twice.StatusCode != 400 || got != "__Secure-refresh at /" || len(twice.Cookies()) != 1 {
		t.Errorf("two of one name: status %d, removed %s", twice.StatusCode, got)
	}
	two := refresh("refresh", "refresh")
	if got := strings.Join(removed(two), ", "); two.StatusCode != 400 || got != "refresh at /" {
		t.Errorf("two former ones: status %d, removed %s", two.StatusCode, got)
	}
	former := refresh("refresh")
	if got := strings.Join(removed(former), ", "); former.StatusCode != 200 || got != "__Secure-refresh at /, refresh at /" || len(former.Cookies()) != 4 {
		t.Errorf("the former name: status %d, removed %s", former.StatusCode, got)
	}
	w := httptest.NewRecorder()
	p := start(t, m, "alice")
	r := httptest.NewRequest("POST", "https://app.example/auth/logout", nil)
	r.AddCookie(&http.Cookie{Name: "refresh", Value: p.Refresh})
	if err := m.SignOut(w, r); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("a sign-out by the former cookie: %v", err)
	}
}

func TestLogoutEndpoint(t *testing.T) { // req 58
	for name, test := range map[string]struct {
		how    func(t *testing.T, p *token.Pair) []func(*http.Request)
		later  bool // the access token has expired
		status int
		clears bool
	}{
		"by cookies": {func(t *testing.T, p *token.Pair) []func(*http.Request) { return []func(*http.Request){as(t, p)} }, false, 204, true},
		"by the refresh cookie when access expired": {func(t *testing.T, p *token.Pair) []func(*http.Request) { return []func(*http.Request){as(t, p)} }, true, 204, true},
		"by the access cookie alone": {func(t *testing.T, p *token.Pair) []func(*http.Request) {
			q := *p
			q.Refresh = ""
			return []func(*http.Request){as(t, &q)}
		}, false, 204, true},
		"by Bearer": {func(t *testing.T, p *token.Pair) []func(*http.Request) { return []func(*http.Request){bearer(p)} }, false, 204, true},
		"by a form with the refresh token": {func(t *testing.T, p *token.Pair) []func(*http.Request) {
			return []func(*http.Request){form(url.Values{"refresh_token": {p.Refresh}})}
		}, true, 204, true},
		"as a page": {func(t *testing.T, p *token.Pair) []func(*http.Request) { return []func(*http.Request){as(t, p), page} }, false, 303, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			m := open(t, memory.Open(), c, writ.Config{SignInPage: "/login"})
			p := start(t, m, "alice")
			if test.later {
				c.advance(11 * 60e9)
			}
			answer := call(mount(m), "POST", "/logout", test.how(t, p)...)
			if answer.StatusCode != test.status || clears(answer) != test.clears {
				t.Errorf("status %d, cookies cleared: %v", answer.StatusCode, clears(answer))
			}
			if test.status == 303 && answer.Header.Get("Location") != "/login" {
				t.Errorf("to %q", answer.Header.Get("Location"))
			}
			refused(t, m, p)
			if s, _ := m.Sessions(t.Context(), "alice"); len(s) != 0 {
				t.Error("the session lives on")
			}
		})
	}
}

// A 204 says that a session has ended. If a guard around the endpoint knows whose it is, it does end.
func TestLogoutEndsWhatItIsShown(t *testing.T) {
	header := middleware.Header{Name: "X-Access-Token"}
	inHeader := func(p *token.Pair) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Access-Token", p.Access) }
	}
	for _, c := range []struct {
		name string
		show func(p *token.Pair) func(*http.Request)
	}{
		{"Bearer", bearer},
		{"Bearer and a tab", func(p *token.Pair) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Authorization", "Bearer\t"+p.Access) }
		}},
		{"a header that the guard around it reads", inHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := open(t, memory.Open(), newClock(), writ.Config{})
			p := start(t, m, "alice")
			guarded := m.Guard(middleware.Bearer(), header).Handler(m.Endpoints().Logout)
			if answer := call(guarded, "POST", "/logout", c.show(p)); answer.StatusCode != 204 {
				t.Errorf("status %d", answer.StatusCode)
			}
			if _, err := m.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrRevoked) {
				t.Errorf("the session lives: %v", err)
			}
		})
	}
}

func TestLogoutThatCannotReachTheStoreSaysSo(t *testing.T) { // req 60
	c := newClock()
	store := &failing{Store: memory.Open()}
	m := open(t, store, c, writ.Config{})
	h := mount(m)
	p := start(t, m, "alice")
	store.fail(errDown, nil)
	for _, path := range []string{"/logout", "/logout-all"} {
		answer := call(h, "POST", path, as(t, p))
		if body := text(t, answer); answer.StatusCode != 503 || !clears(answer) || !strings.Contains(body, "still signed in elsewhere") || strings.Contains(body, "fire") {
			t.Errorf("%s: status %d, cleared %v", path, answer.StatusCode, clears(answer))
		}
	}
	if answer := call(h, "POST", "/logout", as(t, p), crossSite); answer.StatusCode != 403 || clears(answer) {
		t.Errorf("from another site: %d", answer.StatusCode)
	}
	store.fail(nil, nil)
	if answer := call(h, "POST", "/logout"); answer.StatusCode != 204 || !clears(answer) {
		t.Errorf("nobody signed in: %d", answer.StatusCode)
	}
}

func TestDeviceEndpoints(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		h := mount(m)
		mine, other, bob := start(t, m, "alice"), start(t, m, "alice"), start(t, m, "bob")

		var list []struct {
			ID      string `json:"sid"`
			Current bool   `json:"current"`
		}
		answer := call(h, "GET", "/sessions", as(t, mine))
		if err := json.NewDecoder(answer.Body).Decode(&list); err != nil || len(list) != 2 || answer.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("status %d, %d sessions, %v", answer.StatusCode, len(list), err)
		}
		for _, s := range list {
			if s.Current != (s.ID == mine.SessionID) {
				t.Error("the list does not know which session asks")
			}
		}
		if answer := call(h, "POST", "/sessions/"+bob.SessionID+"/end", as(t, mine)); answer.StatusCode != 404 {
			t.Errorf("a stranger's session: %d", answer.StatusCode)
		}
		if answer := call(h, "POST", "/sessions/"+other.SessionID+"/end", as(t, mine), crossSite); answer.StatusCode != 403 {
			t.Errorf("from another site: %d", answer.StatusCode)
		}
		accepted(t, m, bob)
		accepted(t, m, other)
		if answer := call(h, "POST", "/sessions/"+other.SessionID+"/end", as(t, mine)); answer.StatusCode != 204 || clears(answer) {
			t.Errorf("another device: %d", answer.StatusCode)
		}
		refused(t, m, other)

		third := start(t, m, "alice")
		answer = call(h, "POST", "/logout-others", as(t, mine))
		if answer.StatusCode != 200 || len(answer.Cookies()) != 1 {
			t.Fatalf("logout-others: %d, %d cookies", answer.StatusCode, len(answer.Cookies()))
		}
		refused(t, m, third)
		if _, err := m.Verify(t.Context(), mine.Access); err == nil {
			t.Error("the token that was replaced still works")
		}
		mine.Access = answer.Cookies()[0].Value
		accepted(t, m, mine)
		if answer := call(h, "POST", "/logout-others", bearer(mine)); answer.StatusCode != 200 || len(answer.Cookies()) != 0 || !strings.Contains(text(t, answer), "access_token") {
			t.Errorf("logout-others by Bearer: %d", answer.StatusCode)
		}
		mine = start(t, m, "alice")
		if answer := call(h, "POST", "/sessions/"+mine.SessionID+"/end", as(t, mine)); answer.StatusCode != 204 || !clears(answer) {
			t.Errorf("this device: %d, cleared %v", answer.StatusCode, clears(answer))
		}
		refused(t, m, mine)

		mine, third = start(t, m, "alice"), start(t, m, "alice")
		if answer := call(h, "POST", "/logout-all", as(t, mine)); answer.StatusCode != 204 || !clears(answer) {
			t.Errorf("logout-all: %d", answer.StatusCode)
		}
		refused(t, m, mine)
		refused(t, m, third)
		accepted(t, m, bob)
		if answer := call(h, "GET", "/sessions"); answer.StatusCode != 401 {
			t.Errorf("nobody: %d", answer.StatusCode)
		}
	})
}

func TestAPageGoesBackToWhereItsFormWas(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{SignInPage: "/login"})
	h := mount(m)
	for referer, want := range map[string]string{
		"https://app.example/account?tab=devices": "/account?tab=devices",
		"https://evil.example/account":            "/",
		"https://app.example//evil.example":       "/",
		"https://app.example/\\evil.example":      "/",
		"":                                        "/",
	} {
		mine, other := start(t, m, "alice"), start(t, m, "alice")
		answer := call(h, "POST", "/sessions/"+other.SessionID+"/end", as(t, mine), page, func(r *http.Request) { r.Header.Set("Referer", referer) })
		if answer.StatusCode != 303 || answer.Header.Get("Location") != want {
			t.Errorf("from %q: %d to %q, want %q", referer, answer.StatusCode, answer.Header.Get("Location"), want)
		}
	}
}

func TestKeysAndHealth(t *testing.T) {
	c := newClock()
	m := open(t, memory.Open(), c, writ.Config{})
	h := mount(m)
	answer := call(h, "GET", "/.well-known/jwks.json")
	body := text(t, answer)
	if answer.StatusCode != 200 || !strings.Contains(body, `"kty"`) || strings.Contains(body, `"d"`) || strings.Contains(body, `"oct"`) { // req 32
		t.Errorf("keys: %d", answer.StatusCode)
	}
	if answer := call(h, "GET", "/healthz"); answer.StatusCode != 200 {
		t.Errorf("health: %d", answer.StatusCode)
	}
	p := start(t, m, "alice")
	c.advance(3601e9) // nobody runs this Manager
	if answer := call(h, "GET", "/healthz"); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || m.Ready() == nil {
		t.Errorf("health of a Manager that does not run: %d", answer.StatusCode)
	}
	c.advance(-3595e9 + 3595e9)
	if answer := call(h, "GET", "/sessions", bearer(p)); answer.StatusCode == 200 {
		t.Error("a Manager that does not run lets requests in")
	}
}

// A stranger's flood of one cookie costs the store what one costs.
func TestSigningOutWithOneTokenManyTimesAsksTheStoreOnce(t *testing.T) {
	store := &asked{Store: memory.Open()}
	m := open(t, store, newClock(), writ.Config{})
	p := start(t, m, "alice")
	r := httptest.NewRequest("POST", "https://app.example/logout", nil)
	r.Header.Set("Cookie", strings.Repeat("__Host-refresh="+p.Refresh+"; ", 200))
	store.n.Store(0)
	if err := m.SignOut(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	if n := store.n.Load(); n > 3 {
		t.Errorf("the store was asked %d times", n)
	}
}

// asked counts what reads and writes rows.
type asked struct {
	writ.Store
	n atomic.Int32
}

func (s *asked) Load(ctx context.Context, id string) (writ.Row, error) {
	s.n.Add(1)
	return s.Store.Load(ctx, id)
}

func (s *asked) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	s.n.Add(1)
	return s.Store.Save(ctx, row, entries...)
}
