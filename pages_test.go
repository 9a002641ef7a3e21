package writ_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

// site is a server with guarded pages, and a browser in which alice is signed in, and has come back without
// her access token.
type site struct {
	manager *writ.Manager
	clock   *clock
	url     *url.URL
	browser *http.Client
	mu      sync.Mutex
	reused  int // events
}

func newSite(t *testing.T, http2 bool, page http.Handler) *site {
	s := &site{clock: newClock()}
	s.manager = open(t, memory.Open(), s.clock, writ.Config{Observe: func(_ context.Context, e writ.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.Kind == writ.Reused {
			s.reused++
		}
	}})
	server := httptest.NewUnstartedServer(s.manager.Guard().Handler(page))
	server.EnableHTTP2 = http2
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url, _ = url.Parse(server.URL)
	s.browser = server.Client()
	s.browser.Jar, _ = cookiejar.New(nil)
	w := httptest.NewRecorder()
	if err := (middleware.Cookies{}).Set(w, start(t, s.manager, "alice")); err != nil {
		t.Fatal(err)
	}
	s.browser.Jar.SetCookies(s.url, w.Result().Cookies())
	s.lapse()
	return s
}

// lapse takes the access cookie away, as a browser does that was closed.
func (s *site) lapse() {
	s.clock.advance(afterWindow)
	s.browser.Jar.SetCookies(s.url, []*http.Cookie{{Name: "__Host-access", Path: "/", Secure: true, MaxAge: -1}})
}

// fetch is one request with the cookies that the browser has now.
func (s *site) fetch(ctx context.Context, method string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url.String(), nil)
	if err != nil {
		return nil, err
	}
	return s.browser.Do(r)
}

func (s *site) stillSignedIn(t *testing.T) {
	t.Helper()
	resp, err := s.fetch(t.Context(), "GET")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if resp.StatusCode != 200 || s.reused != 0 {
		t.Errorf("status %d, %d alarms of theft", resp.StatusCode, s.reused)
	}
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	t, _ := token.FromContext(r.Context())
	fmt.Fprint(w, t.Subject())
})

func TestAPageAndAllThatItLoadsAreRefreshedTogether(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP/2 %t", http2), func(t *testing.T) {
			s := newSite(t, http2, hello)
			for range 5 {
				old := s.browser.Jar.Cookies(s.url)
				var group sync.WaitGroup
				for range 24 {
					group.Go(func() {
						// With the cookies of the page's beginning, whatever others have got meanwhile.
						r, _ := http.NewRequest("GET", s.url.String(), nil)
						for _, c := range old {
							r.AddCookie(c)
						}
						resp, err := s.browser.Transport.RoundTrip(r)
						if err != nil {
							t.Error(err)
							return
						}
						body, _ := io.ReadAll(resp.Body)
						resp.Body.Close()
						if resp.StatusCode != 200 || string(body) != "alice" || (resp.ProtoMajor == 2) != http2 {
							t.Errorf("status %d, %s", resp.StatusCode, resp.Proto)
						}
						s.browser.Jar.SetCookies(s.url, resp.Cookies())
					})
				}
				group.Wait()
				s.stillSignedIn(t)
				s.lapse()
			}
		})
	}
}

func TestAPageThatIsOnlyAskedAboutIsRefreshed(t *testing.T) {
	s := newSite(t, false, hello)
	resp, err := s.fetch(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || len(resp.Cookies()) != 2 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, %d cookies, Cache-Control %q", resp.StatusCode, len(resp.Cookies()), resp.Header.Get("Cache-Control"))
	}
	s.stillSignedIn(t)
}

// A browser that goes away while its page is refreshed has the old cookies, and comes back with them.
func TestABrowserThatWentAwayDuringARefreshIsStillSignedIn(t *testing.T) {
	t.Run("before the refresh", func(t *testing.T) {
		s := newSite(t, true, hello)
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := s.fetch(gone, "GET"); err == nil {
			t.Fatal("a request that was given up has an answer")
		}
		s.stillSignedIn(t)
	})
	t.Run("after the refresh, before the answer", func(t *testing.T) {
		inside, left := make(chan struct{}, 1), make(chan struct{}, 1)
		s := newSite(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				inside <- struct{}{}
				<-r.Context().Done()
				left <- struct{}{}
			}
		}))
		old := s.browser.Jar.Cookies(s.url)
		gone, leave := context.WithCancel(t.Context())
		go func() {
			<-inside
			leave()
		}()
		if _, err := s.fetch(gone, "POST"); err == nil {
			t.Fatal("a request that was given up has an answer")
		}
		<-left
		if now := s.browser.Jar.Cookies(s.url); len(now) != len(old) || now[0].Value != old[0].Value {
			t.Fatal("the browser has new cookies")
		}
		s.lapse()
		s.stillSignedIn(t)
	})
}

func TestAStreamThatIsRefreshedBeginsWithItsCookies(t *testing.T) {
	next := make(chan struct{})
	s := newSite(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "event\n")
		http.NewResponseController(w).Flush()
		select {
		case <-next:
		case <-r.Context().Done():
		}
	}))
	resp, err := s.fetch(t.Context(), "GET")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if len(resp.Cookies()) != 2 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d cookies, Cache-Control %q", len(resp.Cookies()), resp.Header.Get("Cache-Control"))
	}
	event := make([]byte, 6)
	if _, err := io.ReadFull(resp.Body, event); err != nil {
		t.Fatal(err) // nothing arrives while the handler waits
	}
	close(next)
	s.stillSignedIn(t)
}
