package routertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Run shows every promise on an example.
func Run(t *testing.T, serve Serve) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Serve)
	}{
		{"who signs in is known, until they sign out", signIn},
		{"another site cannot sign a browser in", loginCSRF},
		{"nobody: 401 to a program, the sign-in page to a browser", nobody},
		{"a handler never runs for two credentials", twoCredentials},
		{"a handler never runs for a request of another site", crossOrigin},
		{"an expired page is refreshed before its handler runs", refresh},
		{"a refreshed page stays out of caches however it ends", refreshedOtherwise},
		{"guards that are nested agree", nested},
		{"a refused answer keeps what outer middleware set", outer},
		{"a body and every value of a header reach the handler", wholeRequest},
		{"a token that stood in the query or a form does not reach the handler", anywhere},
		{"a token stays its own while memory is used again", memoryReuse},
		{"what cannot be judged is 503 and not a sign-out", stale},
		{"a panic tells nobody anything", panics},
		{"HEAD is answered as GET is, without a body", head},
		{"a stream ends with its session", streamEnds},
		{"a stream that is refreshed has its cookies at once", streamRefreshed},
		{"a client that goes away ends its stream", clientGone},
		{"a server that stops ends its streams", serverStops},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, serve) })
	}
}

var (
	asPage   = http.Header{"Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}, "Sec-Fetch-Site": {"same-origin"}}
	asForm   = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}}
	asJSON   = http.Header{"Content-Type": {"application/json"}}
	elsewise = http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}
)

// with is a header that has these values beside its own.
func with(h http.Header, more ...http.Header) http.Header {
	h = h.Clone()
	for _, m := range more {
		for name, values := range m {
			h[name] = append([]string(nil), values...)
		}
	}
	return h
}

func signIn(t *testing.T, serve Serve) {
	w := start(t, serve)
	form := func(name, password string) string {
		return url.Values{"name": {name}, "password": {password}}.Encode()
	}
	wrong := w.do(t, ask{method: "POST", path: "/login", header: asForm, body: form("ada", "wonderland")})
	if wrong.status != 401 || len(wrong.set) > 0 {
		t.Fatalf("a wrong password: status %d, %d cookies", wrong.status, len(wrong.set))
	}
	if home := w.do(t, ask{method: "GET", path: "/", header: asPage}); home.status != 200 || !strings.Contains(home.body, "password") {
		t.Fatalf("the front page for nobody: status %d", home.status)
	}
	in := w.do(t, ask{method: "POST", path: "/login", header: asForm, body: form("ada", "engine")})
	if in.status != 303 || in.header.Get("Location") != "/" || len(in.set) != 2 {
		t.Fatalf("sign-in: status %d, %d cookies", in.status, len(in.set))
	}
	for _, path := range []string{"/", "/me", "/team/me"} {
		if got := w.do(t, ask{method: "GET", path: path, header: asPage}); got.status != 200 || !strings.Contains(got.body, "ada") {
			t.Errorf("%s: status %d", path, got.status)
		}
	}
	w.do(t, ask{method: "GET", path: "/healthz", bare: true}).want(t, 200)

	kept := with(http.Header{"Cookie": {accessCookie + "=" + w.cookies[accessCookie]}}, asPage)
	out := w.do(t, ask{method: "POST", path: "/logout", header: asForm})
	if out.status != 204 || len(w.cookies) != 0 {
		t.Fatalf("sign-out: status %d, %d cookies are left", out.status, len(w.cookies))
	}
	w.do(t, ask{method: "GET", path: "/me", header: kept, bare: true}).want(t, 303)
	w.do(t, ask{method: "GET", path: "/team/me", header: http.Header{"Cookie": kept["Cookie"]}}).want(t, 401)
}

func loginCSRF(t *testing.T, serve Serve) {
	w := start(t, serve)
	got := w.do(t, ask{method: "POST", path: "/login", header: with(asForm, elsewise), body: "name=ada&password=engine"})
	if got.status != 403 || len(got.set) > 0 {
		t.Errorf("sign-in: status %d, %d cookies", got.status, len(got.set))
	}
	w.browser(t, "ada")
	if got := w.do(t, ask{method: "POST", path: "/logout", header: with(asForm, elsewise)}); got.status != 403 || len(got.set) > 0 {
		t.Errorf("sign-out: status %d, %d cookies", got.status, len(got.set))
	}
	w.do(t, ask{method: "GET", path: "/me"}).want(t, 200)
}

// req 70, 74
func nobody(t *testing.T, serve Serve) {
	w := start(t, serve)
	for _, path := range []string{"/probe", "/me", "/api/notes", "/team/me", "/team/authors", "/events"} {
		got := w.do(t, ask{method: "GET", path: path})
		if got.status != 401 || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") ||
			!strings.HasPrefix(got.header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s for a program: status %d, %q", path, got.status, got.header.Get("Content-Type"))
		}
		got.json(t, &struct{ Status int }{})
		got = w.do(t, ask{method: "GET", path: path, header: asPage})
		if got.status != 303 || !strings.HasPrefix(got.header.Get("Location"), "/") || strings.HasPrefix(got.header.Get("Location"), path+"/") {
			t.Errorf("%s for a browser: status %d, to %q", path, got.status, got.header.Get("Location"))
		}
	}
	if w.do(t, ask{method: "GET", path: "/team/me", bearer: "spoilt"}).status != 401 {
		t.Error("a spoilt token is taken")
	}
	w.do(t, ask{method: "GET", path: "/nowhere"}).want(t, 404)
	if n := w.probe.ran.Load(); n != 0 {
		t.Errorf("the handler ran %d times", n)
	}
}

// req 69, 74
func twoCredentials(t *testing.T, serve Serve) {
	w := start(t, serve)
	w.browser(t, "ada")
	ada, bob := w.bearer(t, "ada"), w.bearer(t, "bob")
	cookie := accessCookie + "=" + w.cookies[accessCookie]
	for name, h := range map[string]http.Header{
		"two Authorization headers": {"Authorization": {"Bearer " + ada, "Bearer " + bob}},
		"the same one twice":        {"Authorization": {"Bearer " + ada, "Bearer " + ada}},
		"one of another scheme":     {"Authorization": {"Basic eDp5", "Bearer " + ada}},
		"and in the other order":    {"Authorization": {"Bearer " + ada, "Basic eDp5"}},
		"a header and a cookie":     {"Authorization": {"Bearer " + bob}, "Cookie": {cookie}},
		"two cookies":               {"Cookie": {cookie + "; " + accessCookie + "=" + bob}},
		"two lines of cookies":      {"Cookie": {cookie, accessCookie + "=" + bob}},
	} {
		for _, path := range []string{"/probe", "/", "/me", "/team/authors"} {
			if got := w.do(t, ask{method: "GET", path: path, header: h, bare: true}); got.status != 400 {
				t.Errorf("%s, %s: status %d", name, path, got.status)
			}
		}
	}
	if n := w.probe.ran.Load(); n != 0 {
		t.Errorf("the handler ran %d times", n)
	}
}

// req 74, 77
func crossOrigin(t *testing.T, serve Serve) {
	w := start(t, serve)
	w.browser(t, "ada")
	note := `{"text": "buy milk"}`
	w.do(t, ask{method: "POST", path: "/api/notes", header: with(asJSON, elsewise), body: note}).want(t, 403)
	w.do(t, ask{method: "POST", path: "/probe", header: with(asJSON, elsewise), body: note}).want(t, 403)
	if w.probe.ran.Load() != 0 || len(w.List("ada")) != 0 {
		t.Error("the handler ran")
	}
	w.do(t, ask{method: "POST", path: "/api/notes", header: with(asJSON, asPage), body: note}).want(t, 201)
	w.do(t, ask{method: "POST", path: "/api/notes", header: with(asJSON, elsewise), body: note, bearer: w.bearer(t, "ada"), bare: true}).want(t, 201)
	w.do(t, ask{method: "POST", path: "/api/notes", header: asJSON, body: note, bearer: w.bearer(t, "eve"), bare: true}).want(t, 403)
	var got struct{ Notes []string }
	w.do(t, ask{method: "GET", path: "/api/notes"}).json(t, &got)
	if !slices.Equal(got.Notes, []string{"buy milk", "buy milk"}) {
		t.Errorf("notes %q", got.Notes)
	}
}

// req 89
func refresh(t *testing.T, serve Serve) {
	w := start(t, serve)
	for _, method := range []string{"GET", "POST"} {
		w.expired(t, "ada")
		expired, calls := w.cookies[accessCookie], w.refreshed.Load()
		w.cookies["theme"] = "dark"
		got := w.do(t, ask{method: method, path: "/probe", body: "a body", header: asPage})
		got.want(t, 200)
		got.isRefreshed(t)
		var seen Seen
		got.json(t, &seen)
		access, refresh := w.cookies[accessCookie], w.cookies[refreshCookie]
		switch {
		case access == expired:
			t.Error("the browser has the old cookie")
		case seen.Access != access:
			t.Error("the handler finds another access cookie than the browser gets")
		case strings.Contains(seen.Cookie, expired) || strings.Count(seen.Cookie, access) != 1 || strings.Count(seen.Cookie, refresh) != 1:
			t.Error("the handler does not have the new cookies, and only those")
		case !strings.Contains(seen.Cookie, "theme=dark"):
			t.Error("the handler lacks another cookie")
		case seen.Router != "ada" || seen.Context != "ada":
			t.Errorf("the handler serves %q, and finds %q", seen.Router, seen.Context)
		case seen.Body != "a body":
			t.Errorf("the handler reads %q", seen.Body)
		case len(got.set["outer"]) != 1 || len(got.set["inner"]) != 1:
			t.Errorf("cookies of others: %d and %d", len(got.set["outer"]), len(got.set["inner"]))
		case w.refreshed.Load() != calls+1:
			t.Errorf("refreshed %d times", w.refreshed.Load()-calls)
		}
	}
	again := w.do(t, ask{method: "GET", path: "/probe"})
	again.want(t, 200)
	if len(again.set[accessCookie]) != 0 {
		t.Error("a live token is refreshed")
	}
	if got := again.header.Values("Cache-Control"); !slices.Equal(got, []string{Public[0][1]}) {
		t.Errorf("what needs no protection has Cache-Control %q", got)
	}
	for _, path := range []string{"/", "/me"} {
		w.expired(t, "ada")
		got := w.do(t, ask{method: "GET", path: path, header: asPage})
		got.want(t, 200)
		got.isRefreshed(t)
		if !strings.Contains(got.body, "ada") {
			t.Errorf("%s is not the page of who was refreshed", path)
		}
	}
}

func refreshedOtherwise(t *testing.T, serve Serve) {
	w := start(t, serve)
	for path, status := range map[string]int{"/probe/error": 418, "/probe/panic": 500, "/probe/flush": 200} {
		w.expired(t, "ada")
		got := w.do(t, ask{method: "GET", path: path})
		got.want(t, status)
		got.isRefreshed(t)
	}
	w.do(t, ask{method: "GET", path: "/me"}).want(t, 200)
}

// req 71
func nested(t *testing.T, serve Serve) {
	w := start(t, serve)
	ada, bob := w.bearer(t, "ada"), w.bearer(t, "bob")
	before := w.verified.Load()
	w.do(t, ask{method: "GET", path: "/team/authors", bearer: ada}).want(t, 200)
	if n := w.verified.Load() - before; n != 1 {
		t.Errorf("verified %d times", n)
	}
	got := w.do(t, ask{method: "GET", path: "/team/authors", bearer: bob})
	if challenge := got.header.Get("WWW-Authenticate"); got.status != 403 ||
		!strings.Contains(challenge, "insufficient_scope") || !strings.Contains(challenge, `scope="admin"`) {
		t.Errorf("status %d, %q", got.status, challenge)
	}
	w.do(t, ask{method: "GET", path: "/team/me", bearer: bob}).want(t, 200)

	for name, status := range map[string]int{"ada": 200, "bob": 403} {
		w.expired(t, name)
		verified, refreshed := w.verified.Load(), w.refreshed.Load()
		got := w.do(t, ask{method: "GET", path: "/team/authors"})
		got.want(t, status)
		got.isRefreshed(t)
		if v, r := w.verified.Load()-verified, w.refreshed.Load()-refreshed; v != 2 || r != 1 { // the old one, and the new
			t.Errorf("verified %d times, refreshed %d times", v, r)
		}
	}
}

func outer(t *testing.T, serve Serve) {
	w := start(t, serve)
	for name, a := range map[string]ask{
		"nobody":    {method: "GET", path: "/probe"},
		"a browser": {method: "GET", path: "/probe", header: asPage},
		"somebody":  {method: "GET", path: "/probe", bearer: w.bearer(t, "ada")},
	} {
		a.bare = true
		got := w.do(t, a)
		if got.header.Get("Outer") != "1" || len(got.set["outer"]) != 1 {
			t.Errorf("%s: status %d, Outer %q, %d cookies", name, got.status, got.header.Get("Outer"), len(got.set["outer"]))
		}
		if got := got.header.Values("Cache-Control"); len(got) != 1 {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
	}
}

func wholeRequest(t *testing.T, serve Serve) {
	w := start(t, serve)
	body := strings.Repeat("a long body, ", 4000)
	got := w.do(t, ask{method: "POST", path: "/probe?q=a%2Fb&q=c", bearer: w.bearer(t, "ada"), body: body, header: http.Header{"Several": {"one", "two, three"}}})
	got.want(t, 200)
	var seen Seen
	got.json(t, &seen)
	if seen.Body != body || !slices.Equal(seen.Several, []string{"one", "two, three"}) || seen.URI != "/probe?q=a%2Fb&q=c" {
		t.Errorf("%d bytes, %q, %q", len(seen.Body), seen.Several, seen.URI)
	}
}

// req 69, 72, 73
func anywhere(t *testing.T, serve Serve) {
	w := start(t, serve)
	ada := w.bearer(t, "ada")
	var seen Seen
	got := w.do(t, ask{method: "GET", path: "/probe/anywhere?a=1&access_token=" + ada + "&b=2"})
	got.want(t, 200)
	got.json(t, &seen)
	if seen.URI != "/probe/anywhere?a=1&b=2" {
		t.Error("the handler's URL is not the one without the token")
	}
	if seen.Router != "ada" || got.header.Get("Referrer-Policy") != "no-referrer" || strings.Contains(got.header.Get("Cache-Control"), "public") {
		t.Errorf("for %q: Referrer-Policy %q, Cache-Control %q", seen.Router, got.header.Get("Referrer-Policy"), got.header.Get("Cache-Control"))
	}
	seen = Seen{}
	got = w.do(t, ask{method: "POST", path: "/probe/anywhere", header: asForm, body: "a=1&access_token=" + ada + "&b=2"})
	got.want(t, 200)
	got.json(t, &seen)
	if seen.Body != "a=1&b=2" || seen.Router != "ada" {
		t.Error("the handler's form is not the one without the token")
	}
	w.do(t, ask{method: "GET", path: "/probe/anywhere?access_token=" + ada + "&access_token=" + ada}).want(t, 400)
	w.do(t, ask{method: "POST", path: "/probe/anywhere", header: with(asForm, elsewise), body: "access_token=" + ada}).want(t, 403)
}

// memoryReuse sends requests on one connection, whose memory a router may use again.
func memoryReuse(t *testing.T, serve Serve) {
	w := start(t, serve)
	tokens := map[string]string{}
	for _, name := range []string{"ada", "bob", "eve"} {
		tokens[name] = w.bearer(t, name)
	}
	for range 20 {
		for name, raw := range tokens {
			var got struct{ Subject string }
			r := w.do(t, ask{method: "GET", path: "/team/me", bearer: raw})
			r.want(t, 200)
			if r.json(t, &got); got.Subject != name {
				t.Fatalf("the token of %s is taken for that of %s", name, got.Subject)
			}
			w.do(t, ask{method: "GET", path: "/team/me", bearer: strings.Repeat("x", len(raw))}).want(t, 401)
		}
	}
}

func stale(t *testing.T, serve Serve) {
	w := startDeaf(t, serve)
	w.browser(t, "ada")
	ada := w.bearer(t, "ada")
	w.ahead.Store(int64(61 * time.Second)) // more than Config.MaxStale
	for name, a := range map[string]ask{
		"a page":             {method: "GET", path: "/me", header: asPage},
		"the front page":     {method: "GET", path: "/", header: asPage},
		"a program":          {method: "GET", path: "/api/notes", bearer: ada, bare: true},
		"behind two guards":  {method: "GET", path: "/team/authors"},
		"the probe":          {method: "POST", path: "/probe", header: asPage},
		"a stream of events": {method: "GET", path: "/events"},
	} {
		got := w.do(t, a)
		if got.status != 503 || got.header.Get("Retry-After") == "" || len(got.set[accessCookie])+len(got.set[refreshCookie]) != 0 {
			t.Errorf("%s: status %d, Retry-After %q, %d cookies", name, got.status, got.header.Get("Retry-After"), len(got.set))
		}
	}
	w.do(t, ask{method: "GET", path: "/healthz"}).want(t, 503)
	if n := w.probe.ran.Load(); n != 0 {
		t.Errorf("the handler ran %d times", n)
	}
}

func panics(t *testing.T, serve Serve) {
	w := start(t, serve)
	ada := w.bearer(t, "ada")
	for _, a := range []ask{{bearer: ada}, {header: asPage}} {
		a.method, a.path = "GET", "/probe/panic"
		if a.bearer == "" {
			w.browser(t, "ada")
		}
		got := w.do(t, a)
		got.want(t, 500)
		if strings.Contains(got.body, Secret) || strings.Contains(got.body, "goroutine") || strings.Contains(got.body, ada) {
			t.Error("the answer says what went wrong")
		}
	}
	clear(w.cookies)
	w.do(t, ask{method: "GET", path: "/probe/panic"}).want(t, 401)
	w.do(t, ask{method: "GET", path: "/team/me", bearer: ada}).want(t, 200)
}

func head(t *testing.T, serve Serve) {
	w := start(t, serve)
	for _, path := range []string{"/probe", "/me", "/team/authors"} {
		if got := w.do(t, ask{method: "HEAD", path: path}); got.status != 401 || got.body != "" || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s for nobody: status %d", path, got.status)
		}
	}
	if n := w.probe.ran.Load(); n != 0 {
		t.Errorf("the handler ran %d times", n)
	}
	for _, path := range []string{"/probe", "/me", "/team/authors", "/"} {
		w.expired(t, "ada")
		got := w.do(t, ask{method: "HEAD", path: path})
		if got.status != 200 || got.body != "" {
			t.Errorf("%s: status %d, %d bytes", path, got.status, len(got.body))
		}
		got.isRefreshed(t)
	}
}

func streamEnds(t *testing.T, serve Serve) {
	w := start(t, serve)
	w.browser(t, "ada")
	other, _ := w.listen(t, ask{method: "GET", path: "/events", bearer: w.bearer(t, "bob"), bare: true})
	s, got := w.listen(t, ask{method: "GET", path: "/events"})
	if got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, %q", got.status, got.header.Get("Content-Type"))
	}
	if first, _ := s.next(t); first != "beat: 1" {
		t.Fatalf("the first event is %q", first)
	}
	w.do(t, ask{method: "POST", path: "/logout", header: asForm}).want(t, 204)
	if last := s.last(t); last != "end: sign in again" {
		t.Errorf("the last event is %q", last)
	}
	for range 3 {
		if event, ok := other.next(t); !ok || strings.HasPrefix(event, "end") {
			t.Fatalf("somebody else's stream: %q", event)
		}
	}
}

func streamRefreshed(t *testing.T, serve Serve) {
	w := start(t, serve)
	w.expired(t, "ada")
	s, got := w.listen(t, ask{method: "GET", path: "/events"}) // returns when the header has come, which the first event brings
	got.want(t, 200)
	got.isRefreshed(t)
	for range 3 {
		if event, ok := s.next(t); !ok || !strings.HasPrefix(event, "beat") {
			t.Fatalf("event %q", event)
		}
	}
	w.do(t, ask{method: "POST", path: "/logout", header: asForm}).want(t, 204)
	if last := s.last(t); last != "end: sign in again" {
		t.Errorf("the last event is %q", last)
	}
}

func clientGone(t *testing.T, serve Serve) {
	w := start(t, serve)
	s, _ := w.listen(t, ask{method: "GET", path: "/events", bearer: w.bearer(t, "ada")})
	s.next(t)
	if w.Streams() != 1 {
		t.Fatalf("%d streams", w.Streams())
	}
	s.leave()
	eventually(t, "the stream ends", func() bool { return w.Streams() == 0 })
}

func serverStops(t *testing.T, serve Serve) {
	w := start(t, serve)
	s, _ := w.listen(t, ask{method: "GET", path: "/events", bearer: w.bearer(t, "ada")})
	s.next(t)
	w.stop()
	s.last(t)
	if w.Streams() != 0 {
		t.Error("the stream goes on")
	}
}
