package middleware_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
)

func TestAHandlerSeesTheRequestWithoutTheToken(t *testing.T) { // req 72
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: everywhere()})
	for _, c := range []struct{ name, query, body, wantQuery, wantBody string }{
		{"the query's first", "access_token=T&tab=1", "", "tab=1", ""},
		{"the query's last, between others as they were", "b=%7e&a;c&&access_token=T", "", "b=%7e&a;c&", ""},
		{"the query's only", "access_token=T", "", "", ""},
		{"an encoded name", "tab=1&%61ccess%5ftoken=T", "", "tab=1", ""},
		{"a field", "tab=1", "b=2&access_token=T&a=1+%2b", "tab=1", "b=2&a=1+%2b"},
		{"a field with an encoded name", "", "access%5Ftoken=T", "", ""},
		{"none", "tab=1&x=access_token", "y=access_token", "tab=1&x=access_token", "y=access_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := l.token()
			fill := func(s string) string { return strings.Replace(s, "T", raw, 1) }
			var got *http.Request
			var body []byte
			url, client := serve(t, g.Optional().Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
			})))
			r, _ := http.NewRequest("POST", strings.TrimSuffix(url+"/p%2Fq?"+fill(c.query), "?"), strings.NewReader(fill(c.body)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			wantURI := "/p%2Fq"
			if c.wantQuery != "" {
				wantURI += "?" + c.wantQuery
			}
			if resp.StatusCode != 200 || got.URL.RawQuery != c.wantQuery || got.RequestURI != wantURI {
				t.Errorf("status %d, query %q, RequestURI %q", resp.StatusCode, got.URL.RawQuery, got.RequestURI)
			}
			if string(body) != c.wantBody || got.ContentLength != int64(len(body)) {
				t.Errorf("body %q, length %d", body, got.ContentLength)
			}
			if n := got.Header.Get("Content-Length"); n != "" && n != strconv.Itoa(len(body)) {
				t.Errorf("Content-Length %q of %d", n, len(body))
			}
		})
	}
	t.Run("a form that was parsed before the guard", func(t *testing.T) {
		r, w := formRequest(), httptest.NewRecorder()
		places["form"](r, l.token())
		r.ParseForm()
		g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.FormValue("a") != "1" || r.FormValue("access_token") != "" || r.PostFormValue("access_token") != "" {
				t.Error("the field is still there")
			}
		})).ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("status %d", w.Code)
		}
	})
	t.Run("a query that was parsed before the guard", func(t *testing.T) {
		r, w := httptest.NewRequest("GET", "/?tab=1", nil), httptest.NewRecorder()
		places["query"](r, l.token())
		r.ParseForm()
		g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.FormValue("tab") != "1" || r.FormValue("access_token") != "" {
				t.Error("the parameter is still there")
			}
		})).ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("status %d", w.Code)
		}
	})
}

// req 72
func TestAnAnswerToATokenInTheURLIsPrivate(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: everywhere()})
	for _, c := range []struct {
		name    string
		handler func(h http.Header)
		want    string // Cache-Control
	}{
		{"the handler says nothing", func(http.Header) {}, "private"},
		{"the handler wants caches", func(h http.Header) {
			h.Set("Cache-Control", "public, max-age=60")
			h.Set("CDN-Cache-Control", "max-age=60")
		}, "private"},
		{"the handler is stricter", func(h http.Header) { h.Set("Cache-Control", "No-Store, max-age=0") }, "No-Store, max-age=0"},
		{"only a field is private", func(h http.Header) { h.Set("Cache-Control", `private="x-user"`) }, "private"},
		{"the handler sends the URL on", func(h http.Header) { h.Set("Referrer-Policy", "unsafe-url") }, "private"},
	} {
		for name, h := range map[string]http.Handler{
			"guard": g.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.handler(w.Header()) })),
			"Hide": middleware.Query{}.Hide(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.handler(w.Header())
				w.Write([]byte("x"))
			})),
		} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				got := do(h, "GET", "/?access_token="+l.token()).Header
				if got.Get("Cache-Control") != c.want || got.Get("Referrer-Policy") != "no-referrer" || got.Get("CDN-Cache-Control") != "" {
					t.Errorf("Cache-Control %q, Referrer-Policy %q", got.Get("Cache-Control"), got.Get("Referrer-Policy"))
				}
			})
		}
	}
	t.Run("a refusal", func(t *testing.T) {
		got := do(g.Func(hello), "GET", "/?access_token=x")
		if got.StatusCode != 401 || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("status %d, header %v", got.StatusCode, got.Header)
		}
	})
	t.Run("Check, for other routers", func(t *testing.T) {
		r, w := httptest.NewRequest("GET", "/?access_token="+l.token(), nil), httptest.NewRecorder()
		if _, err := g.Check(w, r); err != nil || w.Header().Get("Cache-Control") != "private" || w.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%v, header %v", err, w.Header())
		}
	})
	t.Run("no token in the URL: the handler's headers stand", func(t *testing.T) {
		h := middleware.Query{}.Hide(g.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public")
		})))
		if got := do(h, "GET", "/", "Authorization", "Bearer "+l.token()).Header; got.Get("Cache-Control") != "public" || got.Get("Referrer-Policy") != "" {
			t.Errorf("header %v", got)
		}
	})
}

func TestWhatIsTakenOutIsFoundByGuardsInside(t *testing.T) {
	l := newLogin()
	v := &counted{Verifier: l.verifier}
	g := newGuard(middleware.Config{Verifier: v, From: everywhere()})
	inner := newGuard(middleware.Config{Verifier: v, From: []middleware.Source{middleware.Query{Name: "access_token"}, middleware.Form{}}}).Func(hello)
	for _, place := range []string{"query", "form"} {
		for name, h := range map[string]http.Handler{
			"Hide":      middleware.Query{}.Hide(inner),
			"a guard":   g.Handler(inner),
			"two":       g.Handler(g.Optional().Handler(inner)),
			"Hide, log": middleware.Query{}.Hide(g.Handler(middleware.Query{}.Hide(inner))),
			"Check, in a router of another kind": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := g.Check(w, r); err != nil {
					g.Deny(w, r, err)
					return
				}
				inner.ServeHTTP(w, r)
			}),
		} {
			t.Run(place+", "+name, func(t *testing.T) {
				r, w := formRequest(), httptest.NewRecorder()
				places[place](r, l.token())
				h.ServeHTTP(w, r)
				if w.Code != 200 {
					t.Errorf("status %d", w.Code)
				}
			})
		}
	}
	t.Run("one in the URL that a handler adds again makes two", func(t *testing.T) {
		h := g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.RawQuery = "access_token=" + l.token()
			inner.ServeHTTP(w, r)
		}))
		if got := do(h, "GET", "/?access_token="+l.token()).StatusCode; got != 400 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("verified once", func(t *testing.T) {
		v.calls.Store(0)
		if got := do(g.Handler(g.Scope("read").Handler(inner)), "GET", "/?access_token="+l.token("read")).StatusCode; got != 200 || v.calls.Load() != 1 {
			t.Errorf("status %d, %d verifications", got, v.calls.Load())
		}
	})
	t.Run("a log around all of it sees no token", func(t *testing.T) {
		raw := l.token()
		var seen []string
		log := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.URL.String(), r.RequestURI)
				next.ServeHTTP(w, r)
				seen = append(seen, r.URL.String(), r.RequestURI, r.FormValue("access_token"))
			})
		}
		do(middleware.Query{}.Hide(log(inner)), "GET", "/x?access_token="+raw+"&a=1")
		if len(seen) != 5 || strings.Contains(strings.Join(seen, " "), raw) || !strings.Contains(seen[0], "?a=1") {
			t.Error("the log has the token, or too little")
		}
	})
}
