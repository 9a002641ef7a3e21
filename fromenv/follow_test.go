package fromenv_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
)

// followed is the environment of a service that follows, without a mistake.
func followed() environment {
	return environment{
		"WRIT_ISSUER":   "https://issuer.test",
		"WRIT_AUDIENCE": "https://api.test",
	}
}

// publish serves what followers ask for, with TLS if it is to be followed as in production.
func publish(t *testing.T, serve func(http.Handler) *httptest.Server) (*writ.Manager, *httptest.Server) {
	t.Helper()
	mux := http.NewServeMux()
	server := serve(mux)
	t.Cleanup(server.Close)
	m, err := writ.Open(t.Context(), writ.Config{
		Issuer: server.URL, Audience: "https://api.test", Store: memory.Open(), Secret: []byte(testSecret), FeedPublic: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	mux.Handle("/keys", m.Endpoints().Keys)
	mux.Handle("/.well-known/jwks.json", m.Endpoints().Keys)
	mux.Handle("/.well-known/revocations", m.Endpoints().Revocations)
	return m, server
}

func TestFollowNeedsAnIssuerAndAnAudience(t *testing.T) {
	m, server := publish(t, httptest.NewServer)
	pair, err := m.Start(t.Context(), writ.Login{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]environment{
		"alone":            followed(),
		"with another URL": followed().but(environment{"WRIT_KEYS_URL": server.URL + "/keys"}),
	} {
		t.Run(name, func(t *testing.T) {
			e.but(environment{"WRIT_ISSUER": server.URL}).use(t)
			c, err := fromenv.FollowConfig()
			if err != nil {
				t.Fatal(err)
			}
			c.AllowPlainLoopback = true
			f, err := writ.Follow(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if v, err := f.Verify(t.Context(), pair.Access); err != nil || v.Subject() != "ada" || f.Ready() != nil {
				t.Errorf("err = %v, %v", err, f.Ready())
			}
		})
	}
}

func TestFollowStartsFromTheCacheWhileTheIssuerIsDown(t *testing.T) {
	m, server := publish(t, httptest.NewTLSServer)
	pair, err := m.Start(t.Context(), writ.Login{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cache")
	e := followed().but(environment{"WRIT_ISSUER": server.URL, "WRIT_CACHE_DIR": dir})
	e.use(t)
	c, err := fromenv.FollowConfig()
	if err != nil {
		t.Fatal(err)
	}
	c.RootCAs = x509.NewCertPool()
	c.RootCAs.AddCert(server.Certificate())
	if _, err := writ.Follow(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	server.CloseClientConnections()
	server.Close()
	f, err := fromenv.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), pair.Access); err != nil {
		t.Error(err)
	}

	e.but(environment{"WRIT_CACHE_DIR": "unset"}).use(t)
	_, err = fromenv.Follow(t.Context())
	if !errors.Is(err, keys.ErrUnavailable) || !strings.Contains(err.Error(), "$WRIT_ISSUER") {
		t.Fatalf("without it: %v", err)
	}
	leaksNothing(t, err, e)
}

func TestEveryVariableReachesTheFollowConfig(t *testing.T) {
	followed().but(environment{
		"WRIT_KEYS_URL":     "https://keys.test/set",
		"WRIT_FEED_URL":     "https://feed.test/revoked",
		"WRIT_CACHE_DIR":    "cache",
		"WRIT_SERVICE_HOST": "10.0.0.1", // of Kubernetes
	}).use(t)
	c, err := fromenv.FollowConfig()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("cache")
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "https://issuer.test" || c.Audience != "https://api.test" || c.KeysURL != "https://keys.test/set" ||
		c.FeedURL != "https://feed.test/revoked" || c.CacheDir != dir {
		t.Errorf("%q %q %q %q %q", c.Issuer, c.Audience, c.KeysURL, c.FeedURL, c.CacheDir)
	}
}

// Whatever has "canary" in it must not be in any part of the error.
func TestEachMistakeOfAFollowerIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change environment
		want   []string // variables and the remedy
	}{
		"an issuer that is not set":     {environment{"WRIT_ISSUER": "unset"}, []string{"WRIT_ISSUER", "set the URL"}},
		"an issuer that is empty":       {environment{"WRIT_ISSUER": ""}, []string{"WRIT_ISSUER", "give it a value"}},
		"an issuer that is no URL":      {environment{"WRIT_ISSUER": "canary.test"}, []string{"WRIT_ISSUER", "such as https://"}},
		"an issuer of another kind":     {environment{"WRIT_ISSUER": "canary://issuer.test"}, []string{"WRIT_ISSUER", "such as https://"}},
		"an issuer with a password":     {environment{"WRIT_ISSUER": "https://me:canary@issuer.test"}, []string{"WRIT_ISSUER", "leave it out"}},
		"an issuer with a query":        {environment{"WRIT_ISSUER": "https://issuer.test?canary"}, []string{"WRIT_ISSUER", "without user, query"}},
		"an issuer with http":           {environment{"WRIT_ISSUER": "http://canary.test"}, []string{"WRIT_ISSUER", "use https"}},
		"an issuer in the network":      {environment{"WRIT_ISSUER": "https://10.97.0.5"}, []string{"its host is $WRIT_ISSUER", "AllowPrivateAddresses"}},
		"an audience that is not set":   {environment{"WRIT_AUDIENCE": "unset"}, []string{"WRIT_AUDIENCE", "what the issuer has"}},
		"an audience that is empty":     {environment{"WRIT_AUDIENCE": ""}, []string{"WRIT_AUDIENCE", "give it a value"}},
		"keys with http":                {environment{"WRIT_KEYS_URL": "http://canary.test/keys"}, []string{"WRIT_KEYS_URL", "use https"}},
		"keys that are no URL":          {environment{"WRIT_KEYS_URL": "/canary"}, []string{"WRIT_KEYS_URL", "such as https://"}},
		"a feed at this machine":        {environment{"WRIT_FEED_URL": "http://127.0.0.97/canary"}, []string{"WRIT_FEED_URL", "AllowPlainLoopback"}},
		"a feed that is empty":          {environment{"WRIT_FEED_URL": ""}, []string{"WRIT_FEED_URL", "unset it"}},
		"a cache that is a file":        {environment{"WRIT_CACHE_DIR": writeFile(t, "canary", "", 0o600)}, []string{"$WRIT_CACHE_DIR"}},
		"a store, which it has not":     {environment{"WRIT_STORE": "canary:"}, []string{"WRIT_STORE is for", "(Open)", "unset it"}},
		"a secret, which it must not":   {environment{"WRIT_SECRET": "canary" + newSecret()}, []string{"WRIT_SECRET is for", "(Open)"}},
		"a life that the issuer gives":  {environment{"WRIT_ACCESS_TTL": "canary"}, []string{"WRIT_ACCESS_TTL is for", "unset it"}},
		"a misspelt variable":           {environment{"WRIT_KEY_URL": "canary"}, []string{"WRIT_KEY_URL", "did you mean WRIT_KEYS_URL?"}},
		"an unknown variable":           {environment{"WRIT_MAX_STALE": "canary"}, []string{"WRIT_MAX_STALE", "is not a variable"}},
		"several of them, and all said": {environment{"WRIT_ISSUER": "canary", "WRIT_AUDIENCE": "unset", "WRIT_KEYS": "canary"}, []string{"WRIT_ISSUER is", "WRIT_AUDIENCE is", "WRIT_KEYS is"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := followed().but(c.change)
			e.use(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := fromenv.Follow(ctx)
			if err == nil {
				t.Fatal("it follows")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
			leaksNothing(t, err, e)
		})
	}
}

// A program may permit what FollowConfig then does not refuse; but http elsewhere nobody can permit.
func TestFollowConfigLeavesRoomForPermits(t *testing.T) {
	for issuer, ok := range map[string]bool{"http://localhost:8080": true, "https://10.97.0.5": true, "http://issuer.test": false} {
		followed().but(environment{"WRIT_ISSUER": issuer}).use(t)
		if _, err := fromenv.FollowConfig(); (err == nil) != ok {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

func TestAManagerHasNoVariablesOfAFollower(t *testing.T) {
	e := right().but(environment{"WRIT_CACHE_DIR": "canary"})
	e.use(t)
	_, err := fromenv.Open(t.Context(), drivers)
	if err == nil || !strings.Contains(err.Error(), "WRIT_CACHE_DIR is for a program that follows") {
		t.Fatalf("err = %v", err)
	}
	leaksNothing(t, err, e)
}
