package jwks_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

const login = "https://login.example"

// upstream is an issuer's server without a network. It says what it was asked, and how many asked at
// once.
type upstream struct {
	mu      sync.Mutex
	serve   http.HandlerFunc
	seen    []seen
	at      int
	atOnce  int
	blocked time.Duration // how long an answer that is ready takes to arrive
}

type seen struct {
	when   time.Time
	url    string
	header http.Header
}

func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	u.mu.Lock()
	u.seen = append(u.seen, seen{time.Now(), req.URL.String(), req.Header.Clone()})
	u.at++
	u.atOnce = max(u.atOnce, u.at)
	serve, blocked := u.serve, u.blocked
	u.mu.Unlock()
	w := httptest.NewRecorder()
	serve(w, req)
	select {
	case <-time.After(blocked):
	case <-req.Context().Done():
	}
	u.mu.Lock()
	u.at--
	u.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// becomes changes what is served from now on.
func (u *upstream) becomes(serve http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.serve = serve
}

// takes changes how long an answer takes to arrive.
func (u *upstream) takes(d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.blocked = d
}

// most is how many asked at once so far.
func (u *upstream) most() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.atOnce
}

// asked is what came so far.
func (u *upstream) asked() []seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen[:len(u.seen):len(u.seen)]
}

// answer serves a set with some headers, given as names and values in turn.
func answer(set string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Write([]byte(set))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// follows is a configuration for u.
func follows(u *upstream) jwks.RemoteConfig {
	return jwks.RemoteConfig{
		Transport: u,
		Issuers: []jwks.RemoteIssuer{{
			Issuer: login, URL: login + "/keys?code=QUERY", Algorithms: []keys.Algorithm{keys.ES256}, AllowPrivateAddresses: true,
		}},
	}
}

func newRemote(t testing.TB, c jwks.RemoteConfig) *jwks.Remote {
	t.Helper()
	r, err := jwks.NewRemote(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// loaded is a Remote that has the keys of u.
func loaded(t testing.TB, c jwks.RemoteConfig) *jwks.Remote {
	t.Helper()
	r := newRemote(t, c)
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// finds says what Public says.
func finds(r *jwks.Remote, kid string) string {
	k, err := r.Public(login, kid)
	switch {
	case k != nil && err == nil:
		return "key"
	case k != nil:
		return "a key and an error"
	case errors.Is(err, keys.ErrUnknown) && !errors.Is(err, keys.ErrUnavailable):
		return "unknown"
	case errors.Is(err, keys.ErrUnavailable) && !errors.Is(err, keys.ErrUnknown):
		return "unavailable"
	}
	return fmt.Sprint("neither: ", err)
}

func want(t testing.TB, r *jwks.Remote, kid, what string) {
	t.Helper()
	if got := finds(r, kid); got != what {
		t.Errorf("the kid %.20q is %s, want %s", kid, got, what)
	}
}

// newKey is a test key.
func newKey(t testing.TB) *keys.Public {
	t.Helper()
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func published(k ...*keys.Public) string { return string(jwks.Marshal(k)) }

// req 37: CVE-2026-49998, CVE-2026-32301
func TestEachIssuerHasItsOwnKeys(t *testing.T) {
	one, other, only := with(ecJWK, `"kid":"1"`), with(edJWK, `"kid":"1"`), with(edJWK, `"kid":"only"`)
	u := &upstream{serve: func(w http.ResponseWriter, req *http.Request) {
		w.Write([]byte(map[string]string{"/one": setOf(one), "/other": setOf(other, only)}[req.URL.Path]))
	}}
	c := follows(u)
	c.Issuers[0].URL, c.Issuers[0].Algorithms = login+"/one", []keys.Algorithm{keys.ES256, keys.EdDSA}
	second := c.Issuers[0]
	second.Issuer, second.URL, second.Algorithms = login+"/", login+"/other", []keys.Algorithm{keys.EdDSA}
	c.Issuers = append(c.Issuers, second)
	r := loaded(t, c)
	for _, test := range []struct {
		issuer, kid string
		want        keys.Algorithm
	}{
		{login, "1", keys.ES256},
		{login + "/", "1", keys.EdDSA},
		{login + "/", "only", keys.EdDSA},
		{login, "only", nil},
		{login + "/other", "1", nil},
		{"HTTPS://login.example", "1", nil},
		{"https://evil.example", "1", nil},
		{"", "1", nil},
	} {
		k, err := r.Public(test.issuer, test.kid)
		if test.want == nil {
			if k != nil || err == nil || test.issuer != login && !errors.Is(err, keys.ErrUnknown) {
				t.Errorf("%q has the kid %q, or %v", test.issuer, test.kid, err)
			}
		} else if err != nil || k.Algorithm() != test.want {
			t.Errorf("%q, %q: %v", test.issuer, test.kid, err)
		}
	}
	if n := len(u.asked()); n != 2 {
		t.Errorf("%d requests, want one for each issuer: what a token says leads to no other", n)
	}
}

func TestAnIssuersFailureIsItsOwn(t *testing.T) {
	u := &upstream{serve: func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/broken" {
			w.WriteHeader(500)
		}
		w.Write([]byte(setOf(good)))
	}}
	c := follows(u)
	second := c.Issuers[0]
	second.Issuer, second.URL = "https://broken.example", login+"/broken"
	c.Issuers = append(c.Issuers, second)
	r := newRemote(t, c)
	err := r.Load(t.Context())
	if !errors.Is(err, keys.ErrUnavailable) || !strings.Contains(err.Error(), "broken.example") {
		t.Errorf("Load: %v", err)
	}
	if err := r.Ready(); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Ready: %v", err)
	}
	want(t, r, "good", "key")
	s := r.Status()
	if len(s) != 2 || s[0].Issuer != login || s[0].Err != nil || s[0].Keys != 1 || s[0].AsOf.IsZero() ||
		s[1].Err == nil || s[1].Keys != 0 || !s[1].AsOf.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestStatusSaysWhatIsSkippedAndWhatWasNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := loaded(t, follows(&upstream{serve: answer(setOf(good, `{"kty":"PQ","kid":"x"}`))}))
		go r.Run(t.Context())
		want(t, r, "x", "unavailable")
		synctest.Wait()
		want(t, r, "x", "unknown")
		s := r.Status()[0]
		if s.Keys != 1 || len(s.Skipped) != 1 || s.Unknown != 2 || s.Refetches != 1 || s.FromCache || !s.AsOf.Equal(time.Now()) {
			t.Errorf("%+v", s)
		}
	})
}

func TestBeforeTheFirstFetchNothingIsKnown(t *testing.T) {
	u := &upstream{serve: answer(setOf(good))}
	for name, r := range map[string]*jwks.Remote{"new": newRemote(t, follows(u)), "zero": {}} {
		want(t, r, "good", "unavailable")
		if err := r.Ready(); !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("%s: Ready: %v", name, err)
		}
	}
	if len(u.asked()) != 0 {
		t.Error("it fetches by itself")
	}
	zero := &jwks.Remote{}
	if zero.Load(t.Context()) == nil || zero.Run(t.Context()) == nil || len(zero.Status()) != 0 {
		t.Error("the zero Remote does something")
	}
}

func TestAnUnsafeConfigurationIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *jwks.RemoteConfig)
		reason string
	}{
		"no issuer":                {func(c *jwks.RemoteConfig) { c.Issuers = nil }, "Issuers is empty"},
		"an issuer without a name": {func(c *jwks.RemoteConfig) { c.Issuers[0].Issuer = "" }, "Issuer is empty"},
		"an issuer twice: req 37":  {func(c *jwks.RemoteConfig) { c.Issuers = append(c.Issuers, c.Issuers[0]) }, "is there twice"},
		"no algorithms: req 1":     {func(c *jwks.RemoteConfig) { c.Issuers[0].Algorithms = nil }, "no algorithm is allowed"},
		"a symmetric one: req 5":   {func(c *jwks.RemoteConfig) { c.Issuers[0].Algorithms = []keys.Algorithm{keys.HS256} }, "HS256 cannot be allowed"},
		"a Transport, whose addresses cannot be checked: req 36": {
			func(c *jwks.RemoteConfig) { c.Issuers[0].AllowPrivateAddresses = false }, "what a Transport connects to cannot be checked"},
		"certificates beside it":    {func(c *jwks.RemoteConfig) { c.RootCAs = x509.NewCertPool() }, "RootCAs has no effect"},
		"a short MinRefresh":        {func(c *jwks.RemoteConfig) { c.MinRefresh = time.Millisecond }, "MinRefresh is 1ms"},
		"a MinRefresh too long":     {func(c *jwks.RemoteConfig) { c.MinRefresh = 16 * time.Minute }, "MinRefresh is 16m0s"},
		"a MaxRefresh of a day":     {func(c *jwks.RemoteConfig) { c.MaxRefresh = 24 * time.Hour }, "MaxRefresh is 24h"},
		"a negative MaxRefresh":     {func(c *jwks.RemoteConfig) { c.MaxRefresh = -1 }, "MaxRefresh is -1ns"},
		"an UnknownRefresh of none": {func(c *jwks.RemoteConfig) { c.UnknownRefresh = 1 }, "UnknownRefresh is 1ns"},
		"a short MaxStale":          {func(c *jwks.RemoteConfig) { c.MaxStale = 29 * time.Minute }, "MaxStale is 29m0s: use twice MaxRefresh (30m0s)"},
		"a MaxStale for ever":       {func(c *jwks.RemoteConfig) { c.MaxStale = 25 * time.Hour }, "MaxStale is 25h"},
		"a Timeout of an hour":      {func(c *jwks.RemoteConfig) { c.Timeout = time.Hour }, "Timeout is 1h"},
	} {
		c := follows(&upstream{})
		test.change(&c)
		if r, err := jwks.NewRemote(c); r != nil || err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
