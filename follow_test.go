package writ_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

const api = "https://api.example"

// publish serves what followers ask for, on this machine, and returns a running Manager with its issuer.
func publish(t *testing.T, change func(*writ.Config)) (*writ.Manager, *httptest.Server) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	config := writ.Config{Issuer: server.URL, Audience: api, Secret: testSecret, Store: memory.Open(), FeedPublic: true}
	if change != nil {
		change(&config)
	}
	m, err := writ.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan error)
	go func() { running <- m.Run(ctx) }()
	t.Cleanup(func() { stop(); <-running; m.Close() })
	e := m.Endpoints()
	mux.Handle("/.well-known/jwks.json", e.Keys)
	mux.Handle("/.well-known/revocations", e.Revocations)
	return m, server
}

func follow(t *testing.T, c writ.FollowConfig) *writ.Follower {
	t.Helper()
	c.Audience, c.AllowPlainLoopback = api, true
	f, err := writ.Follow(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan error)
	go func() { running <- f.Run(ctx) }()
	t.Cleanup(func() { stop(); <-running })
	return f
}

// soon waits until a follower has heard.
func soon(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about that " + what)
		}
	}
}

func TestAServiceThatKnowsOnlyItsIssuer(t *testing.T) { // req 58, 59
	m, server := publish(t, nil)
	f := follow(t, writ.FollowConfig{Issuer: server.URL})
	if err := f.Ready(); err != nil {
		t.Fatal(err)
	}
	guarded := f.Guard().Func(func(w http.ResponseWriter, r *http.Request, v *token.Verified) { w.Write([]byte(v.Subject())) })
	ask := func(p *token.Pair) int {
		r := httptest.NewRequest("GET", "/me", nil)
		r.Header.Set("Authorization", "Bearer "+p.Access)
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		return w.Code
	}
	for name, end := range map[string]func(p, other *token.Pair) error{
		"End":    func(p, _ *token.Pair) error { return m.End(t.Context(), "alice", p.SessionID) },
		"Revoke": func(p, _ *token.Pair) error { return m.Revoke(t.Context(), p.Access) },
		"EndAll": func(p, _ *token.Pair) error { return m.EndAll(t.Context(), "alice") },
		"EndOthers": func(_, other *token.Pair) error {
			_, err := m.EndOthers(t.Context(), verified(t, m, other.Access))
			return err
		},
		"MustRefresh": func(p, _ *token.Pair) error { return m.MustRefresh(t.Context(), "alice") },
	} {
		t.Run(name, func(t *testing.T) {
			p, other, bob := start(t, m, "alice"), start(t, m, "alice"), start(t, m, "bob")
			if got := ask(p); got != 200 {
				t.Fatalf("a good token: %d", got)
			}
			if err := end(p, other); err != nil {
				t.Fatal(err)
			}
			soon(t, "the service refuses it", func() bool { return ask(p) == 401 })
			if got := ask(bob); got != 200 {
				t.Errorf("somebody else's: %d", got)
			}
		})
	}
	if s := f.Revocations(); s.Entries == 0 || s.AsOf.IsZero() || s.Err != nil {
		t.Errorf("stats %+v", s)
	}
}

func TestAFollowerWhoseIssuerIsDownSaysThatItCannotTell(t *testing.T) { // req 62
	m, server := publish(t, nil)
	late := &clock{start: time.Now()}
	p := start(t, m, "alice")
	f := follow(t, writ.FollowConfig{Issuer: server.URL, Now: func() time.Time { return time.Now().Add(time.Duration(late.moved.Load())) }})
	accepted := func() error { _, err := f.Verify(t.Context(), p.Access); return err }
	if err := accepted(); err != nil {
		t.Fatal(err)
	}
	server.CloseClientConnections()
	server.Close()
	late.advance(2 * time.Minute)
	if err := accepted(); !errors.Is(err, token.ErrStale) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("error %v, want that it is stale", err)
	}
	if f.Ready() == nil {
		t.Error("it says that it is ready")
	}
	if _, err := f.Verifier().ServeStale(time.Hour).Verify(t.Context(), p.Access); err != nil {
		t.Errorf("ServeStale: %v", err)
	}
}

func TestAFollowerStartsWhileItsIssuerIsDown(t *testing.T) { // req 63
	m, server := publish(t, nil)
	dir := t.TempDir()
	c := writ.FollowConfig{Issuer: server.URL, Audience: api, AllowPlainLoopback: true, CacheDir: dir, MaxStale: time.Hour}
	f, err := writ.Follow(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan error)
	go func() { running <- f.Run(ctx) }()
	good, ended := start(t, m, "alice"), start(t, m, "bob")
	if err := m.Revoke(t.Context(), ended.Refresh); err != nil {
		t.Fatal(err)
	}
	soon(t, "it has heard", func() bool { _, err := f.Verify(ctx, ended.Access); return errors.Is(err, token.ErrRevoked) })
	stop()
	<-running
	server.CloseClientConnections()
	server.Close()

	again, err := writ.Follow(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Verify(t.Context(), ended.Access); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("what had ended: %v", err)
	}
	if _, err := again.Verify(t.Context(), good.Access); err != nil {
		t.Errorf("what is good: %v", err)
	}
}

func TestFollowWithoutRevocations(t *testing.T) {
	m, server := publish(t, func(c *writ.Config) { c.FeedPublic = false })
	p := start(t, m, "alice")
	f := follow(t, writ.FollowConfig{Issuer: server.URL})
	if _, err := f.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrStale) || f.Ready() == nil {
		t.Errorf("an issuer without a feed: %v, want that it cannot be told", err)
	}
	f = follow(t, writ.FollowConfig{Issuer: server.URL, UntilExpiry: true})
	if _, err := f.Verify(t.Context(), p.Access); err != nil || f.Ready() != nil {
		t.Errorf("UntilExpiry: %v, %v", err, f.Ready())
	}
}

func TestTheFeedIsForWhomItIsFor(t *testing.T) {
	const word = "Bearer let-me-in"
	m, server := publish(t, func(c *writ.Config) {
		c.FeedPublic, c.FeedAllow = false, func(r *http.Request) bool { return r.Header.Get("Authorization") == word }
	})
	p := start(t, m, "alice")
	if f := follow(t, writ.FollowConfig{Issuer: server.URL}); f.Ready() == nil {
		t.Error("it is for everybody")
	}
	f := follow(t, writ.FollowConfig{Issuer: server.URL, Authorize: func(r *http.Request) error {
		r.Header.Set("Authorization", word)
		return nil
	}})
	if _, err := f.Verify(t.Context(), p.Access); err != nil {
		t.Error(err)
	}
}

func TestAFollowerAcceptsNothingElse(t *testing.T) {
	m, server := publish(t, nil)
	p := start(t, m, "alice")
	f := follow(t, writ.FollowConfig{Issuer: server.URL})
	other, err := writ.Open(t.Context(), writ.Config{Issuer: server.URL, Audience: api, Secret: testSecret, Store: memory.Open()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for name, raw := range map[string]string{"the refresh token": p.Refresh, "nothing": "", "another's": start(t, other, "alice").Access} {
		if _, err := f.Verify(t.Context(), raw); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	elsewhere, err := writ.Follow(t.Context(), writ.FollowConfig{Issuer: server.URL, Audience: "https://other.example", AllowPlainLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrAudience) {
		t.Errorf("for another audience: %v", err)
	}
}

func TestAWrongFollowerDoesNotStart(t *testing.T) {
	for name, test := range map[string]struct {
		c    writ.FollowConfig
		want string
	}{
		"no issuer":            {writ.FollowConfig{Audience: api}, "WRIT_ISSUER"},
		"no audience":          {writ.FollowConfig{Issuer: "https://login.example"}, "WRIT_AUDIENCE"},
		"a feed, or none":      {writ.FollowConfig{Issuer: "https://login.example", Audience: api, UntilExpiry: true, FeedURL: "https://x.example"}, "UntilExpiry"},
		"plain http":           {writ.FollowConfig{Issuer: "http://login.example", Audience: api}, "https"},
		"stale for a day":      {writ.FollowConfig{Issuer: "https://login.example", Audience: api, MaxStale: 24 * time.Hour}, "MaxStale"},
		"keys that are shared": {writ.FollowConfig{Issuer: "https://login.example", Audience: api, Algorithms: []keys.Algorithm{keys.HS256}}, "HS256"},
	} {
		if _, err := writ.Follow(t.Context(), test.c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", name, err, test.want)
		}
	}
}

func TestDrainLetsAServerEnd(t *testing.T) {
	m, server := publish(t, nil)
	server.Config.RegisterOnShutdown(m.Drain)
	follow(t, writ.FollowConfig{Issuer: server.URL})
	time.Sleep(50 * time.Millisecond) // it waits at the feed by now, or soon
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
