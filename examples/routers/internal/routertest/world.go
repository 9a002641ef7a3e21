// Package routertest shows what a guard promises on a running example, whatever its router.
package routertest

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

// Serve answers requests until ctx ends. It mounts, beside the example's own routes, those of Probe.
type Serve func(ctx context.Context, l net.Listener, a *notes.App, p *Probe) error

// bound is for what happens at once.
const bound = 10 * time.Second

// world is an example that runs, and a browser.
type world struct {
	*notes.App
	probe     *Probe
	url       string
	client    *http.Client
	config    writ.Config
	past      *writ.Manager // the same sessions, eleven minutes ago
	ahead     atomic.Int64  // of the clock
	verified  atomic.Int32
	refreshed atomic.Int32
	log       log
	stop      func() // the server; returns when it has ended

	cookies map[string]string // what the browser keeps
	secrets []string          // every cookie and token that there was
}

func start(t *testing.T, serve Serve) *world {
	t.Helper()
	w := newWorld(t)
	w.open(t, serve, writtest.New(t, w.config))
	return w
}

// startDeaf starts an example that hears of no revocation.
func startDeaf(t *testing.T, serve Serve) *world {
	t.Helper()
	w := newWorld(t)
	sessions, err := writ.Open(t.Context(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.open(t, serve, sessions)
	return w
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{cookies: map[string]string{}}
	store := memory.Open()
	t.Cleanup(func() { store.Close() })
	w.config = writ.Config{Issuer: "https://writ.test", Store: store, KeysInClear: true, Now: w.now, SignInPage: "/"}
	before := w.config
	before.Now = func() time.Time { return w.now().Add(-11 * time.Minute) } // an access token lives for 10
	var err error
	if w.past, err = writ.Open(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) open(t *testing.T, serve Serve, sessions *writ.Manager) {
	t.Helper()
	w.App = &notes.App{Sessions: sessions, Log: &w.log, Beat: 5 * time.Millisecond}
	config := middleware.Config{
		Verifier:   counted{w},
		Refresher:  counted{w},
		From:       []middleware.Source{middleware.Bearer(), middleware.Cookies{}},
		SignInPage: "/",
	}
	var err error
	if w.Guard, err = middleware.New(config); err != nil {
		t.Fatal(err)
	}
	w.probe = &Probe{}
	config.From, config.Refresher = []middleware.Source{middleware.Query{}, middleware.Form{}}, nil
	if w.probe.Anywhere, err = middleware.New(config); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, w.App, w.probe) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the server ended: %v", err)
			}
		case <-time.After(bound):
			t.Error("the server does not end")
		}
	})
	transport := &http.Transport{}
	w.client = &http.Client{
		Transport:     transport,
		Timeout:       bound,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		w.stop()
		w.log.keeps(t, w.secrets)
	})
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// counted is the Manager, and counts.
type counted struct{ *world }

func (c counted) Verify(ctx context.Context, raw string) (*token.Verified, error) {
	c.verified.Add(1)
	return c.Sessions.Verify(ctx, raw)
}

func (c counted) Refresh(ctx context.Context, raw string, from token.Client) (*token.Pair, error) {
	c.refreshed.Add(1)
	return c.Sessions.Refresh(ctx, raw, from)
}

// bearer is an access token of name.
func (w *world) bearer(t *testing.T, name string) string {
	t.Helper()
	return w.start(t, w.Sessions, name).Access
}

// browser signs name in, with cookies.
func (w *world) browser(t *testing.T, name string) {
	t.Helper()
	w.take(w.start(t, w.Sessions, name))
}

// expired has name signed in, eleven minutes ago: the access token has expired.
func (w *world) expired(t *testing.T, name string) {
	t.Helper()
	w.take(w.start(t, w.past, name))
}

func (w *world) start(t *testing.T, m *writ.Manager, name string) *token.Pair {
	t.Helper()
	login, ok := w.Check(name, map[string]string{"ada": "engine", "bob": "builder", "eve": "apple"}[name])
	if !ok {
		t.Fatal("nobody has that name")
	}
	pair, err := m.Start(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	w.secrets = append(w.secrets, pair.Access, pair.Refresh)
	return pair
}

func (w *world) take(p *token.Pair) {
	w.cookies[accessCookie], w.cookies[refreshCookie] = p.Access, p.Refresh
}

const accessCookie, refreshCookie = "__Host-access", "__Host-refresh"

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(bound); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about that " + what)
		}
	}
}

// log is what the example logs.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) keeps(t *testing.T, secrets []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(l.text.String(), s) }) {
		t.Error("the log has a token in it")
	}
}
