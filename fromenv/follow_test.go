package fromenv_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
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
	_, server := publish(t, httptest.NewTLSServer)
	followed().but(environment{
		"WRIT_KEYS_URL":                  "https://keys.test/set",
		"WRIT_CACHE_DIR":                 "cache",
		"WRIT_CLOCK_SKEW":                "2s",
		"WRIT_CACHE_BYTES":               "0",
		"WRIT_ALGORITHMS":                "RS256, EdDSA",
		"WRIT_ROOT_CAS_FILE":             writeFile(t, "roots.pem", "# of the test\n"+certificateOf(server), 0o644),
		"WRIT_UNTIL_EXPIRY":              "true",
		"WRIT_ALLOW_PLAIN_LOOPBACK":      "true",
		"WRIT_ALLOW_PRIVATE_ADDRESSES":   "true",
		"WRIT_FOREIGN_TYPE_JWT":          "true",
		"WRIT_FOREIGN_WITHOUT_STAMP":     "true",
		"WRIT_FOREIGN_WITHOUT_ID":        "true",
		"WRIT_FOREIGN_WITHOUT_CLIENT_ID": "true",
		"WRIT_FOREIGN_MAX_TTL":           "24h",
		"WRIT_FOREIGN_CLAIMS":            "realm_access, https://app.example/roles",
		"WRIT_SERVICE_HOST":              "10.0.0.1", // of Kubernetes
	}).use(t)
	got, err := fromenv.FollowConfig()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("cache")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	if !got.RootCAs.Equal(roots) {
		t.Error("the authorities are not those of the file")
	}
	got.RootCAs = nil
	want := writ.FollowConfig{
		Issuer: "https://issuer.test", Audience: "https://api.test", KeysURL: "https://keys.test/set", CacheDir: dir,
		Leeway: 2 * time.Second, CacheBytes: -1, Algorithms: []keys.Algorithm{keys.RS256, keys.EdDSA},
		UntilExpiry: true, AllowPlainLoopback: true, AllowPrivateAddresses: true,
		Foreign: token.Foreign{
			TypeJWT: true, WithoutStamp: true, WithoutID: true, WithoutClientID: true, MaxTTL: 24 * time.Hour,
			Claims: []string{"realm_access", "https://app.example/roles"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}

	followed().but(environment{"WRIT_FEED_URL": "https://feed.test/revoked", "WRIT_MAX_STALE": "5m"}).use(t)
	if got, err = fromenv.FollowConfig(); err != nil || got.FeedURL != "https://feed.test/revoked" || got.MaxStale != 5*time.Minute {
		t.Errorf("the feed: %q, %s, %v", got.FeedURL, got.MaxStale, err)
	}
	followed().use(t)
	want = writ.FollowConfig{Issuer: "https://issuer.test", Audience: "https://api.test"}
	if got, err = fromenv.FollowConfig(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("with no more than is required: %+v, %v", got, err)
	}
}

// certificateOf is a server's, as PEM.
func certificateOf(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// What the environment waives needs no program.
func TestFollowWaivesWhatTheEnvironmentDoes(t *testing.T) {
	for name, test := range map[string]struct {
		serve  func(http.Handler) *httptest.Server
		waived func(*httptest.Server) environment
	}{
		"http on this machine": {httptest.NewServer, func(*httptest.Server) environment {
			return environment{"WRIT_ALLOW_PLAIN_LOOPBACK": "true"}
		}},
		"an authority of its own": {httptest.NewTLSServer, func(s *httptest.Server) environment {
			return environment{"WRIT_ROOT_CAS_FILE": writeFile(t, "roots.pem", certificateOf(s), 0o644)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m, server := publish(t, test.serve)
			pair, err := m.Start(t.Context(), writ.Login{Subject: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			e := followed().but(environment{"WRIT_ISSUER": server.URL})
			e.use(t)
			_, err = fromenv.Follow(t.Context())
			if err == nil {
				t.Fatal("nothing has to be waived")
			}
			for waived := range test.waived(server) {
				if !strings.Contains(err.Error(), "set "+waived) {
					t.Errorf("the error does not name %s:\n%v", waived, err)
				}
			}
			leaksNothing(t, err, e)
			e.but(test.waived(server)).use(t)
			f, err := fromenv.Follow(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Verify(t.Context(), pair.Access); err != nil || f.Ready() != nil {
				t.Errorf("err = %v, %v", err, f.Ready())
			}
		})
	}
}

// An issuer that has no feed is not ready, unless that is given up.
func TestFollowUntilExpiry(t *testing.T) {
	_, server := publish(t, httptest.NewServer)
	e := followed().but(environment{
		"WRIT_ISSUER": server.URL, "WRIT_KEYS_URL": server.URL + "/keys", "WRIT_ALLOW_PLAIN_LOOPBACK": "true",
	})
	for name, test := range map[string]struct {
		change environment
		ready  bool
	}{
		"a feed that is not there": {environment{"WRIT_FEED_URL": server.URL + "/none"}, false},
		"until expiry":             {environment{"WRIT_UNTIL_EXPIRY": "true"}, true},
	} {
		e.but(test.change).use(t)
		f, err := fromenv.Follow(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Ready(); (err == nil) != test.ready {
			t.Errorf("%s: ready: %v", name, err)
		}
	}
}

// Whatever has "canary" in it must not be in any part of the error.
func TestEachMistakeOfAFollowerIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change environment
		want   []string // variables and the remedy
	}{
		"an issuer that is not set":                  {environment{"WRIT_ISSUER": "unset"}, []string{"WRIT_ISSUER", "set the URL"}},
		"an issuer that is empty":                    {environment{"WRIT_ISSUER": ""}, []string{"WRIT_ISSUER", "give it a value"}},
		"an issuer that is no URL":                   {environment{"WRIT_ISSUER": "canary.test"}, []string{"WRIT_ISSUER", "such as https://"}},
		"an issuer of another kind":                  {environment{"WRIT_ISSUER": "canary://issuer.test"}, []string{"WRIT_ISSUER", "such as https://"}},
		"an issuer with a password":                  {environment{"WRIT_ISSUER": "https://me:canary@issuer.test"}, []string{"WRIT_ISSUER", "without user, query"}},
		"an issuer with a query":                     {environment{"WRIT_ISSUER": "https://issuer.test?canary"}, []string{"WRIT_ISSUER", "without user, query"}},
		"an issuer with http":                        {environment{"WRIT_ISSUER": "http://canary.test"}, []string{"WRIT_ISSUER", "use https"}},
		"an issuer in the network":                   {environment{"WRIT_ISSUER": "https://10.97.0.5"}, []string{"its host is $WRIT_ISSUER", "set WRIT_ALLOW_PRIVATE_ADDRESSES=true"}},
		"an issuer in the network, by its long name": {environment{"WRIT_ISSUER": "https://[FD00:0:0:0:0:0:0:97]:4"}, []string{"its host is $WRIT_ISSUER", "set WRIT_ALLOW_PRIVATE_ADDRESSES=true"}},
		"an issuer in the network, by both names":    {environment{"WRIT_ISSUER": "https://[::ffff:10.97.0.5]/x"}, []string{"its host is $WRIT_ISSUER", "set WRIT_ALLOW_PRIVATE_ADDRESSES=true"}},
		"an audience with a line end":                {environment{"WRIT_AUDIENCE": "https://canary.test\n"}, []string{"WRIT_AUDIENCE", "line end"}},
		"an audience of nothing":                     {environment{"WRIT_AUDIENCE": " \t "}, []string{"WRIT_AUDIENCE", "white space"}},
		"a staleness that has no effect":             {environment{"WRIT_UNTIL_EXPIRY": "true", "WRIT_MAX_STALE": "97s"}, []string{"MaxStale (WRIT_MAX_STALE)", "UntilExpiry (WRIT_UNTIL_EXPIRY)"}},
		"a feed of another kind":                     {environment{"WRIT_FEED_URL": "canary-of-a-long-name-that-is-cut://feed.test"}, []string{"FeedURL (WRIT_FEED_URL) has another scheme: use https"}},
		"keys of another kind":                       {environment{"WRIT_KEYS_URL": "CANARY://keys.test"}, []string{"KeysURL (WRIT_KEYS_URL) has another scheme: use https"}},
		"an audience that is not set":                {environment{"WRIT_AUDIENCE": "unset"}, []string{"WRIT_AUDIENCE", "what the issuer has"}},
		"an audience that is empty":                  {environment{"WRIT_AUDIENCE": ""}, []string{"WRIT_AUDIENCE", "give it a value"}},
		"keys with http":                             {environment{"WRIT_KEYS_URL": "http://canary.test/keys"}, []string{"WRIT_KEYS_URL", "use https"}},
		"keys that are no URL":                       {environment{"WRIT_KEYS_URL": "/canary"}, []string{"WRIT_KEYS_URL", "such as https://"}},
		"a feed at this machine":                     {environment{"WRIT_FEED_URL": "http://127.0.0.97/canary"}, []string{"WRIT_FEED_URL", "set WRIT_ALLOW_PLAIN_LOOPBACK=true"}},
		"a feed that is empty":                       {environment{"WRIT_FEED_URL": ""}, []string{"WRIT_FEED_URL", "unset it"}},
		"a cache that is a file":                     {environment{"WRIT_CACHE_DIR": writeFile(t, "canary", "", 0o600)}, []string{"$WRIT_CACHE_DIR"}},
		"a store, which it has not":                  {environment{"WRIT_STORE": "canary:"}, []string{"WRIT_STORE is for", "(Open)", "unset it"}},
		"a secret, which it must not":                {environment{"WRIT_SECRET": "canary" + newSecret()}, []string{"WRIT_SECRET is for", "(Open)"}},
		"a life that the issuer gives":               {environment{"WRIT_ACCESS_TTL": "canary"}, []string{"WRIT_ACCESS_TTL is for", "unset it"}},
		"a misspelt variable":                        {environment{"WRIT_KEY_URL": "canary"}, []string{"WRIT_KEY_URL", "did you mean WRIT_KEYS_URL?"}},
		"an unknown variable":                        {environment{"WRIT_UNTIL_EXPIRED": "canary"}, []string{"WRIT_UNTIL_EXPIRED", "is not a variable"}},
		"a staleness that is no duration":            {environment{"WRIT_MAX_STALE": "canary"}, []string{"WRIT_MAX_STALE", "such as 90s"}},
		"stale for a day":                            {environment{"WRIT_MAX_STALE": "1440m"}, []string{"MaxStale (WRIT_MAX_STALE) is 24h", "to 1h"}},
		"clocks that are far apart":                  {environment{"WRIT_CLOCK_SKEW": "600s"}, []string{"Leeway (WRIT_CLOCK_SKEW) is 10m", "at most 1m"}},
		"a cache of no number":                       {environment{"WRIT_CACHE_BYTES": "canary"}, []string{"WRIT_CACHE_BYTES", "number of bytes"}},
		"a cache that is too small":                  {environment{"WRIT_CACHE_BYTES": "97"}, []string{"CacheBytes (WRIT_CACHE_BYTES)", "65536"}},
		"an algorithm that there is not":             {environment{"WRIT_ALGORITHMS": "RS256,canary"}, []string{"WRIT_ALGORITHMS", "one of ES256"}},
		"algorithms without commas":                  {environment{"WRIT_ALGORITHMS": "RS256 ES256"}, []string{"WRIT_ALGORITHMS", "commas"}},
		"an algorithm twice":                         {environment{"WRIT_ALGORITHMS": "ES256,ES256"}, []string{"Algorithms (WRIT_ALGORITHMS) has one twice"}},
		"an algorithm with shared keys":              {environment{"WRIT_ALGORITHMS": "RS256,HS256"}, []string{"Algorithms (WRIT_ALGORITHMS) has HS256", "secrets"}},
		"authorities that are not there":             {environment{"WRIT_ROOT_CAS_FILE": "/canary/roots.pem"}, []string{"WRIT_ROOT_CAS_FILE cannot be read", "$WRIT_ROOT_CAS_FILE"}},
		"authorities that are a directory":           {environment{"WRIT_ROOT_CAS_FILE": t.TempDir()}, []string{"WRIT_ROOT_CAS_FILE", "not a file"}},
		"authorities that are no PEM":                {environment{"WRIT_ROOT_CAS_FILE": writeFile(t, "canary.pem", "canary", 0o644)}, []string{"WRIT_ROOT_CAS_FILE", "without a certificate"}},
		"authorities with a key among them": {environment{"WRIT_ROOT_CAS_FILE": writeFile(t, "canary.pem", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n", 0o600)},
			[]string{"WRIT_ROOT_CAS_FILE", "no certificate"}},
		"a waiver that is no answer":    {environment{"WRIT_UNTIL_EXPIRY": "canary"}, []string{"WRIT_UNTIL_EXPIRY", "true or false"}},
		"a feed, or none":               {environment{"WRIT_UNTIL_EXPIRY": "true", "WRIT_FEED_URL": "https://canary.test"}, []string{"UntilExpiry (WRIT_UNTIL_EXPIRY) excludes FeedURL (WRIT_FEED_URL)"}},
		"long lives with a feed":        {environment{"WRIT_FOREIGN_MAX_TTL": "1440m"}, []string{"WRIT_FOREIGN_MAX_TTL", "needs UntilExpiry"}},
		"a claim without a name":        {environment{"WRIT_FOREIGN_CLAIMS": "canary,,roles"}, []string{"WRIT_FOREIGN_CLAIMS", "commas"}},
		"a claim that is known":         {environment{"WRIT_FOREIGN_CLAIMS": "canary,sub"}, []string{"WRIT_FOREIGN_CLAIMS", "Foreign.Claims[1]"}},
		"several of them, and all said": {environment{"WRIT_ISSUER": "canary", "WRIT_AUDIENCE": "unset", "WRIT_KEYS": "canary"}, []string{"(WRIT_ISSUER) is", "(WRIT_AUDIENCE) is", "WRIT_KEYS is"}},
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
			if strings.Contains(err.Error(), "fd00::97") || strings.Contains(err.Error(), "10.97.0.5") {
				t.Error("the error has the address in another form")
			}
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

func TestTheDocumentationHasEveryVariable(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	open, follow, _ := strings.Cut(string(doc), "# The variables of a service that follows")
	for file, text := range map[string]string{"variables.go": open, "follow.go": follow} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`env:"(WRIT_[A-Z_]+)"`).FindAllSubmatch(source, -1)
		if len(names) < 19 {
			t.Errorf("%s has %d variables", file, len(names))
		}
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^//\t` + string(name[1]) + `\b`).MatchString(text) {
				t.Errorf("the documentation lacks %s of %s", name[1], file)
			}
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
