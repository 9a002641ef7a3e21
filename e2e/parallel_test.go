package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// gate holds requests until so many wait at it: then they are refreshed at the same time.
type gate struct {
	mu      sync.Mutex
	missing int
	open    chan struct{}
}

func (g *gate) expect(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.missing, g.open = n, make(chan struct{})
}

func (g *gate) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		if g.missing--; g.missing == 0 {
			close(g.open)
		}
		open := g.open
		g.mu.Unlock()
		select {
		case <-open:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

const (
	images, scripts, fetches = 8, 4, 8

	// A GIF of one pixel.
	pixel = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"
)

// parts mounts a page that anybody may see, and its parts, which only alice may: images, scripts, what scripts fetch,
// a stream, and something that takes forever.
func (s *site) parts(g *gate) {
	guard := s.sessions.Guard()
	part := func(name, contentType, body string) {
		s.mux.Handle("GET /part/"+name, g.handler(guard.Func(func(w http.ResponseWriter, _ *http.Request, _ *token.Verified) {
			w.Header().Set("Content-Type", contentType)
			fmt.Fprint(w, body)
		})))
	}
	part("image", "image/gif", pixel)
	part("script", "text/javascript", "ran++")
	part("data", "application/json", "{}")
	s.mux.Handle("GET /part/stream", g.handler(guard.Func(func(w http.ResponseWriter, r *http.Request, _ *token.Verified) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: hello\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			s.t.Error(err)
		}
		<-r.Context().Done()
	})))
	s.mux.Handle("GET /part/endless", guard.Func(func(_ http.ResponseWriter, r *http.Request, _ *token.Verified) {
		s.ran("endless")
		<-r.Context().Done()
		s.ran("endless, aborted")
	}))

	var html strings.Builder
	html.WriteString("<script>ran = 0; stream = new Promise(done => new EventSource('/part/stream' + location.search).onmessage = e => done(e.data))</script>")
	for i := range images {
		fmt.Fprintf(&html, "<img src='/part/image?%d'>", i)
	}
	for i := range scripts {
		fmt.Fprintf(&html, "<script async src='/part/script?%d'></script>", i)
	}
	fmt.Fprintf(&html, `<script>
all = Promise.all([stream, new Promise(done => onload = done), ...Array.from({length: %d}, (_, i) => fetch("/part/data?" + i))]).then(([hello, _, ...answers]) => [
	hello, ran, [...document.images].filter(i => i.naturalWidth == 1).length, answers.filter(a => a.status == 200).length,
].join(" "))
</script>`, fetches)
	s.mux.HandleFunc("GET /parts", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store") // or the browser keeps the page, and its requests alive, for the way back
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html>", html.String())
	})
}

// Past failures: rotations that take the second of two requests with one refresh token for a thief's.
func TestAPageWhosePartsAreRefreshedAtOnceIsComplete(t *testing.T) {
	browser := newBrowser(t)
	for name, test := range map[string]struct {
		address func(s *site) func(host, path string) string
		host    string
		proto   int
		atOnce  int // as many as the browser sends before it waits for an answer
	}{
		"by HTTP/2":   {func(s *site) func(_, _ string) string { return s.at }, "app.test", 2, images + scripts + fetches + 1},
		"by HTTP/1.1": {func(s *site) func(_, _ string) string { return s.inClear }, "localhost", 1, 6},
	} {
		t.Run(name, func(t *testing.T) {
			b, s, g := browser.in(t), newSite(t), &gate{}
			s.parts(g)
			address := test.address(s)
			b.visit(address(test.host, "/enter"))
			for round := 1; round <= 4; round++ {
				s.wait(expiry)
				g.expect(test.atOnce)
				b.visit(address(test.host, fmt.Sprint("/parts?", round)))
				want := fmt.Sprint("hello ", scripts, " ", images, " ", fetches)
				if got := b.script("all"); got != want {
					t.Fatalf("in round %d these came: %s, want %s", round, got, want)
				}
				if v := s.last(test.host, "/part/data"); v.proto != test.proto {
					t.Fatalf("HTTP/%d", v.proto)
				}
				if n := s.happened(writ.Renewed); n != 2*round-1 {
					t.Fatalf("in round %d there are %d new generations so far", round, n)
				}
				// A refresh whose answer nobody waits for.
				s.wait(expiry)
				b.script(fmt.Sprintf("void fetch('/part/endless?%d')", round))
				s.await(func() bool { return s.times("endless") == round })
				b.visit(address(test.host, "/"))
				s.await(func() bool { return s.times("endless, aborted") == round })
				b.signedIn()
			}
			s.unharmed()
		})
	}
}

// Past failures: Keycloak #51312, #50999 and others, a false sign-out by two refreshes at once.
func TestTwoTabsThatOpenExpiredPagesAtOnceStaySignedIn(t *testing.T) {
	b, s, g := newBrowser(t), newSite(t), &gate{}
	account := s.sessions.Guard().Func(s.account)
	s.mux.Handle("GET /alone/{tab}", account)
	s.mux.Handle("GET /together/{tab}", g.handler(account))
	b.visit(s.at("app.test", "/enter"))
	tabs := []*tab{b, b.open()}
	for round := range 20 {
		s.wait(expiry)
		g.expect(len(tabs))
		var group sync.WaitGroup
		for i, tab := range tabs {
			group.Go(func() {
				path := fmt.Sprint([]string{"/together/", "/alone/"}[round%2], i)
				ctx, cancel := context.WithTimeout(tab.ctx, patience)
				defer cancel()
				if err := chromedp.Do(ctx, chromedp.Navigate(s.at("app.test", path))); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for _, tab := range tabs {
			tab.signedIn()
		}
	}
	s.unharmed()
}
