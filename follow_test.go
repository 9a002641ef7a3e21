package writ_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
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
		"MustRefresh":  func(p, _ *token.Pair) error { return m.MustRefresh(t.Context(), "alice") },
		"RevokeToken":  func(p, _ *token.Pair) error { return m.RevokeToken(t.Context(), verified(t, m, p.Access).ID()) },
		"EndAllBefore": func(*token.Pair, *token.Pair) error { return m.EndAllBefore(t.Context(), "alice", time.Now()) },
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
	p, bob := start(t, m, "alice"), start(t, m, "bob")
	if err := m.EndEverything(t.Context()); err != nil {
		t.Fatal(err)
	}
	soon(t, "the service refuses everything", func() bool { return ask(p) == 401 && ask(bob) == 401 })
	if got := ask(start(t, m, "alice")); got != 200 {
		t.Errorf("a sign-in after it: %d", got)
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

// An issuer keeps cutoffs for as long as a session can live; who follows is spared those whose tokens are over.
func TestAFollowerIsSparedOldCutoffs(t *testing.T) {
	s := memory.Open()
	for subject, before := range map[string]time.Time{"alice": time.Now().Add(-2 * time.Hour), "bob": time.Now().Add(-30 * time.Minute)} {
		err := s.Append(t.Context(), revocation.Entry{Kind: revocation.Subject, ID: subject, Before: before.UnixMicro(), Expires: time.Now().AddDate(1, 0, 0)})
		if err != nil {
			t.Fatal(err)
		}
	}
	m, server := publish(t, func(c *writ.Config) { c.Store = s })
	f := follow(t, writ.FollowConfig{Issuer: server.URL})
	if here, there := m.Revocations().Entries, f.Revocations().Entries; here != 2 || there != 1 {
		t.Errorf("%d entries at the issuer, %d at a follower", here, there)
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
		change func(*writ.FollowConfig)
		want   string
	}{
		"no issuer":                   {func(c *writ.FollowConfig) { c.Issuer = "" }, "Issuer (WRIT_ISSUER) is empty"},
		"no audience":                 {func(c *writ.FollowConfig) { c.Audience = "" }, "Audience (WRIT_AUDIENCE) is empty"},
		"a feed, or none":             {func(c *writ.FollowConfig) { c.UntilExpiry, c.FeedURL = true, "https://x.example" }, "UntilExpiry (WRIT_UNTIL_EXPIRY) excludes FeedURL (WRIT_FEED_URL)"},
		"an audience with a line end": {func(c *writ.FollowConfig) { c.Audience += "\n" }, "Audience (WRIT_AUDIENCE) begins or ends with white space"},
		"an audience of nothing":      {func(c *writ.FollowConfig) { c.Audience = " " }, "Audience (WRIT_AUDIENCE) begins or ends with white space"},
		"an audience cut in two":      {func(c *writ.FollowConfig) { c.Audience = "a\x00b" }, "control characters"},
		"stale, or until expiry":      {func(c *writ.FollowConfig) { c.UntilExpiry, c.MaxStale = true, time.Minute }, "MaxStale (WRIT_MAX_STALE) has no effect beside UntilExpiry (WRIT_UNTIL_EXPIRY)"},
		"plain http":                  {func(c *writ.FollowConfig) { c.Issuer = "http://login.example" }, "Issuer (WRIT_ISSUER) has http: use https"},
		"plain http for keys":         {func(c *writ.FollowConfig) { c.KeysURL = "http://127.0.0.1/keys" }, "KeysURL (WRIT_KEYS_URL) has http: use https, or set AllowPlainLoopback"},
		"a feed in a network":         {func(c *writ.FollowConfig) { c.FeedURL = "https://10.0.0.1" }, "FeedURL (WRIT_FEED_URL) is no good"},
		"stale for a day":             {func(c *writ.FollowConfig) { c.MaxStale = 24 * time.Hour }, "MaxStale (WRIT_MAX_STALE) is 24h0m0s"},
		"clocks far apart":            {func(c *writ.FollowConfig) { c.Leeway = time.Hour }, "Leeway (WRIT_CLOCK_SKEW) is 1h0m0s"},
		"less than no leeway":         {func(c *writ.FollowConfig) { c.Leeway = -1 }, "Leeway (WRIT_CLOCK_SKEW)"},
		"a small cache":               {func(c *writ.FollowConfig) { c.CacheBytes = 1 }, "CacheBytes (WRIT_CACHE_BYTES)"},
		"keys that are shared":        {func(c *writ.FollowConfig) { c.Algorithms = []keys.Algorithm{keys.HS256} }, "Algorithms (WRIT_ALGORITHMS) has HS256"},
		"an algorithm twice":          {func(c *writ.FollowConfig) { c.Algorithms = []keys.Algorithm{keys.ES256, keys.ES256} }, "Algorithms (WRIT_ALGORITHMS) has one twice"},
		"a nil algorithm":             {func(c *writ.FollowConfig) { c.Algorithms = []keys.Algorithm{nil} }, "Algorithms (WRIT_ALGORITHMS) has one that is nil"},
		"no algorithm":                {func(c *writ.FollowConfig) { c.Algorithms = []keys.Algorithm{} }, "Algorithms (WRIT_ALGORITHMS) is empty"},
		"long lives":                  {func(c *writ.FollowConfig) { c.Foreign.MaxTTL = 24 * time.Hour }, "Foreign (WRIT_FOREIGN_MAX_TTL"},
		"a claim that is known": {func(c *writ.FollowConfig) { c.Foreign.Claims = []string{"sub"} },
			"WRIT_FOREIGN_CLAIMS): token: VerifierConfig.Foreign.Claims[0]"},
		"a Transport that is not checked": {func(c *writ.FollowConfig) { c.Transport = http.DefaultTransport }, "AllowPrivateAddresses (WRIT_ALLOW_PRIVATE_ADDRESSES)"},
		"a Transport and RootCAs": {func(c *writ.FollowConfig) {
			c.Transport, c.RootCAs, c.AllowPrivateAddresses = http.DefaultTransport, x509.NewCertPool(), true
		}, "RootCAs (WRIT_ROOT_CAS_FILE) has no effect"},
		"an origin that is none": {func(c *writ.FollowConfig) { c.TrustedOrigins = []string{"app.example"} }, "trusted origin"},
	} {
		t.Run(name, func(t *testing.T) {
			c := writ.FollowConfig{Issuer: "https://login.example", Audience: api}
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			test.change(&c)
			for what, err := range map[string]error{"Validate": c.Validate(), "Follow": func() error { _, err := writ.Follow(t.Context(), c); return err }()} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: %v, want %q in it", what, err, test.want)
				}
			}
		})
	}

	c := writ.FollowConfig{MaxStale: time.Second, Leeway: time.Hour}
	err := c.Validate()
	for _, want := range []string{"WRIT_ISSUER", "WRIT_AUDIENCE", "WRIT_MAX_STALE", "WRIT_CLOCK_SKEW"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not all mistakes are said: %v", err)
		}
	}

	c = writ.FollowConfig{Issuer: "https://login.example", Audience: api, CacheDir: "follow_test.go"}
	if _, err := writ.Follow(t.Context(), c); err == nil || !strings.Contains(err.Error(), "CacheDir (WRIT_CACHE_DIR)") {
		t.Errorf("a CacheDir that is a file: %v", err)
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
