package middleware_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// A handler that makes its answer cacheable must not hand the new cookies to a shared cache.
func TestAnAnswerWithNewTokensIsNeverCached(t *testing.T) { // req 89
	cacheable := func(w http.ResponseWriter) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("CDN-Cache-Control", "max-age=3600")
		w.Header().Set("Surrogate-Control", "max-age=3600")
	}
	for _, c := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request)
	}{
		{"the handler writes a body", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("x")) }},
		{"the handler writes a status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
		{"the handler sends an early hint first", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); cacheable(w); w.WriteHeader(200) }},
		{"the handler writes nothing", func(http.ResponseWriter, *http.Request) {}},
		{"the handler flushes", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }},
		{"the handler flushes through a controller", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}},
		{"the handler copies a body", func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, strings.NewReader("x")) }},
		{"the handler redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusSeeOther) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessions(newLogin())
			url, client := serve(t, pages(s).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				cacheable(w)
				c.handler(w, r)
			})))
			r, _ := http.NewRequest("GET", url, nil)
			r.Header.Set("Cookie", "__Host-refresh=r1")
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if len(resp.Cookies()) != 2 || resp.Header.Get("Cache-Control") != "no-store" ||
				resp.Header.Get("CDN-Cache-Control") != "" || resp.Header.Get("Surrogate-Control") != "" {
				t.Errorf("%d cookies, Cache-Control %q, CDN %q", len(resp.Cookies()), resp.Header.Get("Cache-Control"), resp.Header.Get("CDN-Cache-Control"))
			}
		})
	}
	t.Run("without a refresh the handler's headers stand", func(t *testing.T) {
		s := newSessions(newLogin())
		h := pages(s).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { cacheable(w) }))
		resp := do(h, "GET", "/", "Cookie", "__Host-access="+s.token())
		if resp.Header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("Cache-Control %q", resp.Header.Get("Cache-Control"))
		}
	})
	t.Run("a refusal by a Deny of one's own is protected too", func(t *testing.T) {
		s := newSessions(newLogin())
		g := newGuard(middleware.Config{Verifier: s.verifier, Refresher: s, From: []middleware.Source{middleware.Cookies{}},
			Deny: func(w http.ResponseWriter, _ *http.Request, _ error) { cacheable(w); w.WriteHeader(403) }}).Scope("admin")
		resp := do(g.Func(hello), "GET", "/", "Cookie", "__Host-refresh=r1")
		if resp.StatusCode != 403 || len(resp.Cookies()) != 2 || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("status %d, Cache-Control %q", resp.StatusCode, resp.Header.Get("Cache-Control"))
		}
	})
}

// After a refresh a handler can still stream, and take over the connection.
func TestARefreshedAnswerCanStream(t *testing.T) {
	s := newSessions(newLogin())
	next := make(chan struct{})
	url, client := serve(t, pages(s).Func(func(w http.ResponseWriter, r *http.Request, _ *token.Verified) {
		for range 3 {
			io.WriteString(w, "event\n")
			w.(http.Flusher).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	}))
	r, _ := http.NewRequest("GET", url, nil)
	r.Header.Set("Cookie", "__Host-refresh=r1")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for range 3 {
		if !lines.Scan() || lines.Text() != "event" { // arrives while the handler waits
			t.Fatal("no event")
		}
		next <- struct{}{}
	}
}

func TestARefreshedConnectionCanBeTakenOver(t *testing.T) {
	s := newSessions(newLogin())
	server := httptest.NewServer(pages(s).Func(func(w http.ResponseWriter, _ *http.Request, _ *token.Verified) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\nhi\n")
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\nCookie: __Host-refresh=r1\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	if !strings.HasSuffix(string(answer), "\r\n\r\nhi\n") {
		t.Error("the handler could not take over the connection")
	}
}

func TestAPageThatACookieLetInIsKeptFromCaches(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: everywhere()})
	for _, c := range []struct {
		name, place string
		outside     string // Cache-Control of a middleware around the guard
		handler     string // Cache-Control that it writes
		want        string
	}{
		{"unless there is one", "cookie", "private", "", "private"},
		{"though the whole site is for caches", "cookie", "public, max-age=60", "", "no-store"},
		{"of a header that caches do not know", "header", "", "", "no-store"},
		{"by default", "cookie", "", "", "no-store"},
		{"unless the handler knows better", "cookie", "", "private, max-age=60", "private, max-age=60"},
		{"a form's answer", "form", "", "", "no-store"},
		{"not what a header let in, of which caches know", "bearer", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				r, w := formRequest(), httptest.NewRecorder()
				places[c.place](r, l.token())
				if c.outside != "" {
					w.Header().Set("Cache-Control", c.outside)
				}
				g.Func(func(w http.ResponseWriter, _ *http.Request, _ *token.Verified) {
					if c.handler != "" {
						w.Header().Set("Cache-Control", c.handler)
					}
					w.Header().Add("Cache-Control", "x-mark") // stays with this answer
				}).ServeHTTP(w, r)
				want := strings.TrimPrefix(c.want+",x-mark", ",")
				if got := strings.Join(w.Header().Values("Cache-Control"), ","); got != want {
					t.Errorf("Cache-Control %q, want %q", got, want)
				}
			}
		})
	}
}
