package middleware_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// What once got past the guard.

// New tokens are in the answer, and no cache keeps it, whatever stands behind the guard.
func TestNoHandlerLosesTheNewTokens(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", "public")
		w.Write([]byte("page"))
	}))
	defer backend.Close()
	at := must(url.Parse(backend.URL))
	cacheable := func(w http.ResponseWriter) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		for _, name := range []string{"cdn-cache-control", "CDN-CACHE-CONTROL", "X-Accel-Expires", "Edge-Control"} {
			w.Header()[name] = []string{"max-age=3600"}
		}
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
		cookies int
	}{
		{"a proxy, which clears the header after an early hint", &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(at) }}, 2},
		{"http.TimeoutHandler, which puts its header in the place of this one", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "flash", Value: "1"})
		}), time.Minute, "late"), 3},
		{"a handler that cannot take over the connection", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, _, err := w.(http.Hijacker).Hijack(); err == nil {
				t.Error("taken over")
			}
			cacheable(w)
			w.Write([]byte("x"))
		}), 2},
		{"headers for the caches of some networks", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { cacheable(w) }), 2},
		{"a handler that signs out", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { middleware.Cookies{}.Clear(w) }), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessions(newLogin())
			server := httptest.NewUnstartedServer(pages(s).Handler(c.handler))
			server.EnableHTTP2 = true
			server.StartTLS()
			defer server.Close()
			r, _ := http.NewRequest("GET", server.URL, nil)
			r.Header.Set("Cookie", "__Host-refresh=r1")
			resp, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 || len(resp.Cookies()) != c.cookies || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("status %d, %d cookies, Cache-Control %q", resp.StatusCode, len(resp.Cookies()), resp.Header.Get("Cache-Control"))
			}
			for name := range resp.Header {
				if strings.EqualFold(name, "CDN-Cache-Control") || name == "X-Accel-Expires" || name == "Edge-Control" {
					t.Errorf("%s is left", name)
				}
			}
		})
	}
	t.Run("one that cannot flush", func(t *testing.T) {
		s := newSessions(newLogin())
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "__Host-refresh=r1")
		pages(s).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.NewResponseController(w).Flush()
			cacheable(w)
			w.Write([]byte("x"))
		})).ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		if got := w.Result().Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control %q", got)
		}
	})
}

func TestADenyThatFailsToTakeOverTheConnectionIsNoAnswer(t *testing.T) {
	g := newGuard(middleware.Config{Verifier: newLogin().verifier, Deny: func(w http.ResponseWriter, _ *http.Request, _ error) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	}})
	if got := do(g.Func(hello), "GET", "/").StatusCode; got != 401 {
		t.Errorf("status %d", got)
	}
}

// late answers when its request has been given up.
type late struct{ *sessions }

func (l late) Refresh(ctx context.Context, raw string, from token.Client) (*token.Pair, error) {
	<-ctx.Done()
	return l.sessions.Refresh(context.WithoutCancel(ctx), raw, from)
}

// A log outside does not wait for a guard inside http.TimeoutHandler: under -race this fails if they share
// what the guard changes.
func TestALogMayReadTheRequestThatAGuardIsStillChanging(t *testing.T) {
	s := newSessions(newLogin())
	g := newGuard(middleware.Config{Verifier: s.verifier, Refresher: late{s}, From: []middleware.Source{middleware.Cookies{}, middleware.Form{}, middleware.Query{}}})
	for name, request := range map[string]func(body io.Reader) *http.Request{
		"cookies": func(io.Reader) *http.Request {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Cookie", "__Host-refresh=r1")
			return r
		},
		"query": func(body io.Reader) *http.Request {
			r := httptest.NewRequest("POST", "/?a=1&access_token=x", body)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Form = url.Values{"access_token": {"x"}}
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			body, rest := io.Pipe()
			done := make(chan struct{})
			r := request(body)
			http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(done)
				g.Func(hello).ServeHTTP(w, r)
			}), time.Millisecond, "late").ServeHTTP(httptest.NewRecorder(), r)
			rest.Close()
			for range 1000 {
				_, _, _, _ = r.UserAgent(), r.URL.String(), r.Form.Get("a"), r.Header.Get("Cookie")
			}
			<-done
		})
	}
}

// A stranger can make the guard do no more work than the parsers of net/http and net/url do.
func TestAFloodOfParametersIsRefusedBeforeItIsTakenApart(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: everywhere()})
	many := strings.Repeat("&", 10_000)
	form := httptest.NewRequest("POST", "/", strings.NewReader(many+"access_token=x"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, r := range map[string]*http.Request{"query": httptest.NewRequest("GET", "/?"+many+"access_token=x", nil), "form": form} {
		if _, err := g.Check(httptest.NewRecorder(), r); middleware.Status(err) != 413 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := do(g.Func(hello), "GET", "/", "Accept", strings.Repeat("text/html;q=1;", 100)+",text/html"); got.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("an Accept that no browser sends was taken apart: %s", got.Header.Get("Content-Type"))
	}
}

// Whatever one source says, the others take out what must not go on.
func TestARefusedRequestHasNoTokenLeftEither(t *testing.T) {
	l := newLogin()
	var seen string
	g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Form{MaxBytes: 1}, middleware.Query{}},
		Observe: func(r *http.Request, _ *token.Verified, _ error) { seen = r.URL.String() + r.RequestURI }})
	r := formRequest()
	places["query"](r, "SECRET")
	w := httptest.NewRecorder()
	g.Func(hello).ServeHTTP(w, r)
	if w.Code != 413 || strings.Contains(seen, "SECRET") || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("status %d, Referrer-Policy %q, token seen: %t", w.Code, w.Header().Get("Referrer-Policy"), strings.Contains(seen, "SECRET"))
	}
}

func TestABodyThatWasPutBackIsCutAsWell(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Form{}}})
	raw := l.token()
	body := "a=1&access_token=" + raw
	r, w := formRequest(), httptest.NewRecorder()
	r.Body = io.NopCloser(strings.NewReader(body))
	r.ParseForm()
	r.Body = io.NopCloser(strings.NewReader(body)) // as a log of bodies does
	g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if left, _ := io.ReadAll(r.Body); string(left) != "a=1" || r.Form.Has("access_token") || r.PostForm.Has("access_token") {
			t.Error("the token is still there")
		}
	})).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

func TestASecondContentTypeHidesNoForm(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Bearer(), middleware.Form{}}})
	r, w := formRequest(), httptest.NewRecorder()
	places["form"](r, l.token())
	places["bearer"](r, l.token())
	r.Header["Content-Type"] = []string{"text/plain", "application/x-www-form-urlencoded"}
	g.Func(hello).ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("status %d", w.Code)
	}
}

// req 100
func TestPrintingARequestPrintsNoTokenThatWasTakenOut(t *testing.T) {
	l := newLogin()
	raw := l.token()
	print := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if strings.Contains(fmt.Sprintf(verb, r), raw) || strings.Contains(fmt.Sprintf(verb, r.Context()), raw) {
				t.Errorf("%s prints the token", verb)
			}
		}
	})
	g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Query{}}})
	for _, h := range []http.Handler{g.Handler(print), middleware.Query{}.Hide(print)} {
		do(h, "GET", "/?access_token="+raw)
	}
}

// A change of cookies locks nobody out.
func TestFormerCookiesNeverMakeARequestAmbiguousForGood(t *testing.T) {
	twoDomains := []middleware.FormerCookie{{Name: "old", AcceptRefresh: true}, {Name: "old", Domain: "example.com", AcceptRefresh: true}}
	for _, c := range []struct {
		name, cookie string
		former       []middleware.FormerCookie
		statuses     []int // of a guard, and of an optional one
		removed      int
	}{
		{"one name that was set for two domains", "old=r1", twoDomains, []int{200, 200}, 2},
		{"two cookies of that name: nobody can say which", "old=r1; old=r2", twoDomains, []int{401, 200}, 0},
		{"one that another host of the domain has set", "old=r1; other=r2", append(twoDomains, middleware.FormerCookie{Name: "other", AcceptRefresh: true}), []int{401, 200}, 0},
		{"the present one twice, beside a dead access cookie", "__Host-access=dead; __Host-refresh=r1; __Host-refresh=r2",
			[]middleware.FormerCookie{{Name: "__Host-refresh", Partitioned: true}}, []int{400, 400}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, want := range c.statuses {
				s := newSessions(newLogin())
				g := newGuard(middleware.Config{Verifier: s.verifier, Refresher: s, From: []middleware.Source{middleware.Cookies{Former: c.former}}})
				if i == 1 {
					g = g.Optional()
				}
				resp := do(g.Func(hello), "GET", "/", "Cookie", c.cookie)
				removed := 0
				for _, cookie := range resp.Cookies() {
					if cookie.MaxAge < 0 {
						removed++
					}
				}
				if resp.StatusCode != want || removed != c.removed {
					t.Errorf("status %d, want %d; %d cookies removed, want %d", resp.StatusCode, want, removed, c.removed)
				}
			}
		})
	}
}
