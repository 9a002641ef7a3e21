package middleware_test

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
)

// everywhere is every kind of source at once.
func everywhere() []middleware.Source {
	return []middleware.Source{
		middleware.Bearer(), middleware.Header{Name: "x-access-token"}, middleware.Cookies{}, middleware.Query{}, middleware.Form{},
		&middleware.Custom{Place: "the WebSocket protocol", Find: func(r *http.Request) (tokens []string) {
			for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
				if raw, ok := strings.CutPrefix(line, "bearer."); ok {
					tokens = append(tokens, raw)
				}
			}
			return tokens
		}},
	}
}

// places put a token into a request, by the names of the sources.
var places = map[string]func(r *http.Request, raw string){
	"bearer": func(r *http.Request, raw string) { r.Header.Add("Authorization", "Bearer "+raw) },
	"header": func(r *http.Request, raw string) { r.Header.Add("X-Access-Token", raw) },
	"cookie": func(r *http.Request, raw string) { r.Header.Add("Cookie", "__Host-access="+raw) },
	"query": func(r *http.Request, raw string) {
		r.URL.RawQuery += "&access_token=" + raw
		r.RequestURI = r.URL.RequestURI()
	},
	"form": func(r *http.Request, raw string) {
		before, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(before) + "&access_token=" + raw))
		r.ContentLength = -1
	},
	"custom": func(r *http.Request, raw string) { r.Header.Add("Sec-WebSocket-Protocol", "bearer."+raw) },
}

// formRequest is a POST of a page of this site with a form in which the fields are a and b.
func formRequest() *http.Request {
	r := httptest.NewRequest("POST", "/save?tab=1&page=2", strings.NewReader("a=1&b=2"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func TestEverySourceLetsItsOwnTokenThrough(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: everywhere()})
	for name, put := range places {
		t.Run(name, func(t *testing.T) {
			r, w := formRequest(), httptest.NewRecorder()
			put(r, l.token())
			g.Func(hello).ServeHTTP(w, r)
			if w.Code != 200 || w.Body.String() != "alice" {
				t.Errorf("status %d", w.Code)
			}
		})
		t.Run(name+", not named", func(t *testing.T) {
			bare := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Header{Name: "X-Other"}}})
			r, w := formRequest(), httptest.NewRecorder()
			put(r, l.token())
			bare.Func(hello).ServeHTTP(w, r)
			if w.Code != 401 {
				t.Errorf("status %d", w.Code)
			}
		})
		t.Run(name+", empty", func(t *testing.T) {
			r, w := formRequest(), httptest.NewRecorder()
			put(r, "")
			g.Optional().Func(hello).ServeHTTP(w, r)
			if wantsDead := name == "cookie"; wantsDead != (w.Code == 200) && name != "bearer" {
				t.Errorf("status %d", w.Code)
			}
		})
		t.Run(name+", after the session has ended", func(t *testing.T) {
			over := newLogin()
			g := newGuard(middleware.Config{Verifier: over.verifier, From: everywhere()})
			raw := over.token()
			for _, want := range []int{200, 401} {
				r, w := formRequest(), httptest.NewRecorder()
				put(r, raw)
				g.Func(hello).ServeHTTP(w, r)
				if w.Code != want {
					t.Errorf("status %d, want %d", w.Code, want)
				}
				over.revoke("s1")
			}
		})
		t.Run(name+", while revocations are stale", func(t *testing.T) {
			stale := newLogin()
			g := newGuard(middleware.Config{Verifier: stale.verifier, From: everywhere()})
			raw := stale.token()
			stale.goStale()
			r, w := formRequest(), httptest.NewRecorder()
			put(r, raw)
			g.Func(hello).ServeHTTP(w, r)
			if w.Code != 503 || w.Header().Get("Retry-After") == "" {
				t.Errorf("status %d", w.Code)
			}
		})
	}
}

// req 69
func TestTwoCredentialsAreRefusedWhereverTheyStand(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: everywhere()})
	for one, putOne := range places {
		for other, putOther := range places {
			t.Run(one+" and "+other, func(t *testing.T) {
				r, w := formRequest(), httptest.NewRecorder()
				raw := l.token()
				putOne(r, raw)
				putOther(r, raw)
				g.Optional().Func(hello).ServeHTTP(w, r)
				if w.Code != 400 {
					t.Errorf("status %d", w.Code)
				}
			})
		}
	}
}

func TestSourcesThatDoNotAddUpAreRefused(t *testing.T) {
	l := newLogin()
	find := func(*http.Request) []string { return nil }
	for _, c := range []struct {
		name string
		from []middleware.Source
		want string
	}{
		{"a header without a name", []middleware.Source{middleware.Header{}}, "Header.Name"},
		{"a header with a line break", []middleware.Source{middleware.Header{Name: "X\r\nY"}}, "Header.Name"},
		{"the Authorization header as one of its own", []middleware.Source{middleware.Header{Name: "authorization"}}, "Bearer()"},
		{"the Cookie header", []middleware.Source{middleware.Header{Name: "cookie"}}, "Cookie"},
		{"one header in two spellings", []middleware.Source{middleware.Header{Name: "X-Token"}, middleware.Header{Name: "x-token"}}, "twice"},
		{"the default parameter twice", []middleware.Source{middleware.Query{}, middleware.Query{Name: "access_token"}}, "twice"},
		{"the default field twice", []middleware.Source{middleware.Form{}, middleware.Form{Name: "access_token"}}, "twice"},
		{"a negative limit", []middleware.Source{middleware.Form{MaxBytes: -1}}, "MaxBytes"},
		{"a limit that is none", []middleware.Source{middleware.Form{MaxBytes: math.MaxInt64}}, "MaxBytes"},
		{"a custom place without a name", []middleware.Source{&middleware.Custom{Find: find}}, "Place"},
		{"a custom place without a finder", []middleware.Source{&middleware.Custom{Place: "x"}}, "Find"},
		{"no custom place", []middleware.Source{(*middleware.Custom)(nil)}, "Custom"},
		{"two custom places of one name", []middleware.Source{&middleware.Custom{Place: "x", Find: find}, &middleware.Custom{Place: "x", Find: find}}, "twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := middleware.New(middleware.Config{Verifier: l.verifier, From: c.from}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}
