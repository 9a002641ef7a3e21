package revocation_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
)

const issuerName = "https://login.example"

// signer has an issuer's signing key, a test key, and counts what it signs.
type signer struct {
	name   string
	signed atomic.Int64
	down   atomic.Bool

	mu  sync.Mutex
	all []*keys.Private // the last signs
}

func newSigner(t testing.TB, name string) *signer {
	t.Helper()
	s := &signer{name: name}
	s.rotate(t)
	return s
}

// rotate has another key sign, and drops all but that.
func (s *signer) rotate(t testing.TB) {
	t.Helper()
	test, err := keys.EdDSA.Generate()
	if err != nil {
		t.Fatal(err)
	}
	private, err := keys.FromSigner(keys.EdDSA, counted{test, &s.signed})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = []*keys.Private{private}
}

type counted struct {
	crypto.Signer
	n *atomic.Int64
}

func (c counted) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	c.n.Add(1)
	return c.Signer.Sign(rand, digest, opts)
}

func (s *signer) Signing() (*keys.Private, error) {
	if s.down.Load() {
		return nil, keys.ErrUnavailable
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[len(s.all)-1], nil
}

func (s *signer) Public(issuer, kid string) (*keys.Public, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.all {
		if issuer == s.name && k.ID() == kid {
			return k.Public(), nil
		}
	}
	return nil, keys.ErrUnknown
}

// feedKey is a test key.
var feedKey = bytes.Repeat([]byte{7}, 32)

func serves(t testing.TB, l *revocation.List, s *signer, change ...func(*revocation.HandlerConfig)) *revocation.Handler {
	t.Helper()
	c := revocation.HandlerConfig{List: l, Key: feedKey, Keys: s, Issuer: s.name, Public: true}
	for _, f := range change {
		f(&c)
	}
	h, err := revocation.NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// inProcess is a network without sockets, which works in a bubble of fake time.
type inProcess struct {
	mu    sync.Mutex
	serve http.Handler
	takes time.Duration // on the way, there and back
}

func (n *inProcess) becomes(h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serve = h
}

func (n *inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	n.mu.Lock()
	serve, takes := n.serve, n.takes
	n.mu.Unlock()
	sleep := func() error {
		select {
		case <-time.After(takes):
			return req.Context().Err()
		case <-req.Context().Done():
			return req.Context().Err()
		}
	}
	if takes > 0 && sleep() != nil {
		return nil, req.Context().Err()
	}
	if serve == nil {
		return nil, errors.New("down")
	}
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		serve.ServeHTTP(w, req)
		done <- w.Result()
	}()
	select {
	case res := <-done:
		if takes > 0 && sleep() != nil {
			return nil, req.Context().Err()
		}
		return res, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// overNetwork is a configuration of a feed by s over n.
func overNetwork(s *signer, n http.RoundTripper) revocation.FeedConfig {
	return revocation.FeedConfig{
		URL: s.name + "/revocations", Issuer: s.name, Keys: s, Transport: n, AllowPrivateAddresses: true,
	}
}

// overTLS is a configuration of a feed by s from a real server.
func overTLS(t testing.TB, s *signer, h http.Handler) revocation.FeedConfig {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	c := revocation.FeedConfig{URL: server.URL + "/revocations?code=QUERY", Issuer: s.name, Keys: s, RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(server.Certificate())
	return c
}

func newFeed(t testing.TB, c revocation.FeedConfig) *revocation.Feed {
	t.Helper()
	f, err := revocation.NewFeed(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func followed(t testing.TB, c revocation.FeedConfig) *revocation.List {
	t.Helper()
	return load(t, newFeed(t, c))
}

func mustKey(t testing.TB) *keys.Private {
	t.Helper()
	k, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
