package e2e_test

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

// site is an application of a few lines on real listeners, with a clock of its own. Every name that ends
// in .test leads to it: app.test and sub.app.test are one site to a browser, evil.test is another.
type site struct {
	t        *testing.T
	sessions *writ.Manager
	cookies  middleware.Cookies
	mux      *http.ServeMux
	secure   *httptest.Server
	plain    *httptest.Server
	ahead    atomic.Int64 // how far its clock is ahead

	mu      sync.Mutex
	visits  []visit
	changed chan struct{}  // closed when one of these changes
	runs    map[string]int // how often each handler ran
	events  map[writ.EventKind]int
}

// visit is a request that was answered.
type visit struct {
	method, host, path string
	proto              int
	header             http.Header
	status             int
}

const (
	accessTTL = 2 * time.Minute
	expiry    = accessTTL + 10*time.Second // with leeway: then an access token has expired for everybody
)

// newSite starts one. Pages and handlers of a test's own go into its mux; a pattern may name a host.
func newSite(t *testing.T, change ...func(*writ.Config)) *site {
	t.Helper()
	s := &site{t: t, mux: http.NewServeMux(), changed: make(chan struct{}), runs: map[string]int{}, events: map[writ.EventKind]int{}}
	c := writ.Config{
		Issuer:      "https://app.test",
		Store:       memory.Open(),
		KeysInClear: true,
		AccessTTL:   accessTTL,
		MaxStale:    time.Hour,
		SignInPage:  "/login",
		Now:         func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
		Observe: func(_ context.Context, e writ.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events[e.Kind]++
			s.change()
		},
	}
	for _, f := range change {
		f(&c)
	}
	s.cookies = c.Cookies
	sessions, err := writ.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.sessions = sessions
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); sessions.Run(ctx) }()

	s.secure = httptest.NewUnstartedServer(s)
	s.secure.EnableHTTP2 = true
	s.secure.TLS = serverTLS()
	s.plain = httptest.NewUnstartedServer(s)
	s.secure.Config.ErrorLog, s.plain.Config.ErrorLog = log.New(panics{t}, "", 0), log.New(panics{t}, "", 0)
	s.secure.StartTLS()
	s.plain.Start()
	t.Cleanup(func() {
		s.secure.CloseClientConnections() // a browser keeps its connections
		s.plain.CloseClientConnections()
		s.secure.Close()
		s.plain.Close()
		stop()
		<-done
		sessions.Close()
	})

	e := sessions.Endpoints()
	s.mux.HandleFunc("GET /enter", s.enter)
	s.mux.Handle("GET /{$}", sessions.Guard().Func(s.account))
	s.mux.Handle("POST /change", sessions.Guard().Func(s.write))
	s.mux.Handle("POST /logout", e.Logout)
	s.page("/login", `<title>Sign in</title><p id="login">Who are you?</p>`)
	s.page("/blank", `<title>Blank</title>`)
	return s
}

// panics is a server's log: connections that a browser gives up are no news.
type panics struct{ t *testing.T }

func (p panics) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "panic") {
		p.t.Error("a handler panicked")
	}
	return len(line), nil
}

// ServeHTTP serves every host, and keeps a record.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	v := visit{method: r.Method, host: host, path: r.URL.Path, proto: r.ProtoMajor, header: r.Header.Clone()}
	recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
	s.mux.ServeHTTP(recorder, r)
	v.status = recorder.status
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits = append(s.visits, v)
	s.change()
}

// change wakes who waits. The caller holds mu.
func (s *site) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// await waits until something that is on record holds.
func (s *site) await(holds func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			s.t.Fatal("what the test waits for does not happen")
		}
	}
}

// answer is the answer to the request that f causes.
func (s *site) answer(host, path string, f func()) visit {
	s.t.Helper()
	before := s.answered(host, path)
	f()
	s.await(func() bool { return s.answered(host, path) > before })
	return s.last(host, path)
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// at is an address of the site under one of its names.
func (s *site) at(host, path string) string {
	_, port, _ := strings.Cut(s.secure.Listener.Addr().String(), ":")
	return "https://" + host + ":" + port + path
}

// inClear is the same without TLS.
func (s *site) inClear(host, path string) string {
	_, port, _ := strings.Cut(s.plain.Listener.Addr().String(), ":")
	return "http://" + host + ":" + port + path
}

// wait moves the site's clock.
func (s *site) wait(d time.Duration) { s.ahead.Add(int64(d)) }

// page serves a page that anybody may see and that caches may keep, like any page of a site that knows nothing of guards.
func (s *site) page(pattern, html string) {
	s.mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html>"+html)
	})
}

// enter signs alice in, or who else is named.
func (s *site) enter(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.SignIn(w, r, writ.Login{Subject: cmp.Or(r.URL.Query().Get("as"), "alice")}); err != nil {
		s.sessions.Deny(w, r, err)
		return
	}
	fmt.Fprint(w, "signed in")
}

func (s *site) account(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
	s.ran("account")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Account</title><p id="who">%s</p><p>The secret of %[1]s.</p>
<form method="post" action="/logout"><button id="sign-out">Sign out</button></form>
<form method="post" action="/change"><button id="change">Change</button></form>`, t.Subject())
}

func (s *site) write(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
	s.ran("change")
	fmt.Fprint(w, "changed")
}

// ran notes that a handler ran; times is how often it did.
func (s *site) ran(handler string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[handler]++
	s.change()
}

func (s *site) times(handler string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[handler]
}

// happened is how often an event was observed.
func (s *site) happened(kind writ.EventKind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[kind]
}

// unharmed fails unless alice's session goes on, and nothing raised an alarm.
func (s *site) unharmed() {
	s.t.Helper()
	if n := s.happened(writ.Started); n != 1 {
		s.t.Errorf("%d sign-ins", n)
	}
	for _, kind := range []writ.EventKind{writ.Ended, writ.Expired, writ.Reused, writ.Regressed, writ.Failed} {
		if n := s.happened(kind); n != 0 {
			s.t.Errorf("%s: %d times", kind, n)
		}
	}
}

// last is the newest request for a path that was answered.
func (s *site) last(host, path string) visit {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.visits) - 1; i >= 0; i-- {
		if v := s.visits[i]; v.host == host && v.path == path {
			return v
		}
	}
	s.t.Fatalf("%s%s was never asked for", host, path)
	return visit{}
}

// answered is how many requests for a path were.
func (s *site) answered(host, path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.visits {
		if v.host == host && v.path == path {
			n++
		}
	}
	return n
}

// sent is the value of a cookie that came with a request, if it came.
func (v visit) sent(name string) (value string, ok bool) {
	r := &http.Request{Header: v.header}
	c, err := r.Cookie(name)
	if err != nil {
		return "", false
	}
	return c.Value, true
}
