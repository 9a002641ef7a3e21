package revocation_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

func TestAFeedThatWouldTrustTooMuchIsRefused(t *testing.T) {
	s := newSigner(t, issuerName)
	for name, test := range map[string]struct {
		change func(c *revocation.FeedConfig)
		reason string
	}{
		"no URL":                 {func(c *revocation.FeedConfig) { c.URL = "" }, "URL is not a URL"},
		"http":                   {func(c *revocation.FeedConfig) { c.URL = "http://login.example/r?QUERY" }, "URL has http: use https"},
		"http to this machine":   {func(c *revocation.FeedConfig) { c.URL = "http://127.0.0.1:1/" }, "set AllowPlainLoopback"},
		"a private address":      {func(c *revocation.FeedConfig) { c.URL = "https://10.0.0.1/r" }, "set AllowPrivateAddresses"},
		"the cloud's address":    {func(c *revocation.FeedConfig) { c.URL = "https://169.254.169.254/" }, "not an address on the Internet"},
		"no issuer":              {func(c *revocation.FeedConfig) { c.Issuer = "" }, "Issuer is empty"},
		"no keys":                {func(c *revocation.FeedConfig) { c.Keys = nil }, "Keys is nil"},
		"a Transport":            {func(c *revocation.FeedConfig) { c.Transport = http.DefaultTransport }, "what a Transport connects to"},
		"a leeway of an hour":    {func(c *revocation.FeedConfig) { c.Leeway = time.Hour }, "Leeway"},
		"a Timeout of none":      {func(c *revocation.FeedConfig) { c.Timeout = 1 }, "Timeout"},
		"more than a list holds": {func(c *revocation.FeedConfig) { c.MaxEntries = 64<<20 + 1 }, "MaxEntries"},
		"less than nothing":      {func(c *revocation.FeedConfig) { c.MaxEntries = -1 }, "MaxEntries"},
	} {
		c := revocation.FeedConfig{URL: "https://login.example/r", Issuer: s.name, Keys: s}
		test.change(&c)
		if f, err := revocation.NewFeed(c); f != nil || err == nil || !strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "QUERY") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFeedThatIsTooLargeIsRefused(t *testing.T) {
	s := newSigner(t, issuerName)
	h := serves(t, load(t, newSource(sessions(0, 11, time.Now().Add(time.Hour))...)), s)
	for limit, good := range map[int]bool{10: false, 11: true} {
		c := overNetwork(s, &inProcess{serve: h})
		c.MaxEntries = limit
		l := revocation.NewList(revocation.Config{Source: newFeed(t, c)})
		if err := l.Load(t.Context()); (err == nil) != good || !good && (!strings.Contains(err.Error(), "MaxEntries") || l.Stats().Entries != 0) {
			t.Errorf("%d allowed: %v", limit, err)
		}
	}
}

func TestWhoMayReadSaysSo(t *testing.T) {
	s := newSigner(t, issuerName)
	h := serves(t, load(t, newSource()), s, func(c *revocation.HandlerConfig) {
		c.Public, c.Allow = false, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer of a test" }
	})
	c := overTLS(t, s, h)
	l := revocation.NewList(revocation.Config{Source: newFeed(t, c)})
	if err := l.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "status 403") {
		t.Errorf("without: %v", err)
	}
	c.Authorize = func(r *http.Request) error { r.Header.Set("Authorization", "Bearer of a test"); return nil }
	followed(t, c)
	c.Authorize = func(*http.Request) error { return errors.New("no credential now") }
	l = revocation.NewList(revocation.Config{Source: newFeed(t, c)})
	if err := l.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "no credential now") {
		t.Errorf("an Authorize that fails: %v", err)
	}
}

func TestAVersionThatDoesNotKnowTheCursorIsAskedForASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		origin := load(t, newSource())
		h := serves(t, origin, s)
		n := &inProcess{serve: h}
		f := newFeed(t, overNetwork(s, n))
		defer run(t, load(t, f))()
		time.Sleep(time.Second)
		refused := false
		n.becomes(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if kindOf(req) == "after" && !refused {
				refused = true
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			h.ServeHTTP(w, req)
		}))
		time.Sleep(15 * time.Second)
		if n := f.Status().Snapshots; n != 2 {
			t.Errorf("%d snapshots", n)
		}
	})
}

// A snapshot from a cache that is of no use is not taken from there again.
func TestAnOldSnapshotIsAskedForPastCaches(t *testing.T) {
	synctest.Test(t, anOldSnapshot)
}

func anOldSnapshot(t *testing.T) {
	s := newSigner(t, issuerName)
	var asked []string
	h := serves(t, load(t, newSource()), s)
	serve := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, kindOf(req)+" "+req.Header.Get("Cache-Control"))
		if kindOf(req) == "after" && len(asked) <= 6 {
			w.WriteHeader(http.StatusGone)
			return
		}
		h.ServeHTTP(w, req)
	})
	l := revocation.NewList(revocation.Config{Source: newFeed(t, overNetwork(s, &inProcess{serve: serve}))})
	if err := l.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "too old to be followed") {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := "snapshot ,page ,after ,after ,after ,after ,snapshot no-cache,page no-cache,after no-cache,snapshot ,page ,after "
	if got := strings.Join(asked, ","); got != want {
		t.Errorf("asked %s", got)
	}
}
