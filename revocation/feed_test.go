package revocation_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
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

func TestWhoFollowsAFeedRefusesWhatWasRevoked(t *testing.T) { // req 58, 59
	m, s := newMint(t), newSigner(t, issuerName)
	later := time.Now().Add(time.Hour)
	for name, entry := range map[string]func(v *token.Verified) revocation.Entry{
		"a token": func(v *token.Verified) revocation.Entry {
			return revocation.Entry{revocation.Token, v.ID(), revocation.Ended, later}
		},
		"a session": func(v *token.Verified) revocation.Entry {
			return revocation.Entry{revocation.Session, "s1", revocation.Ended, later}
		},
		"a key": func(v *token.Verified) revocation.Entry {
			return revocation.Entry{revocation.Key, v.KeyID(), revocation.Ended, time.Time{}}
		},
		"a subject": func(v *token.Verified) revocation.Entry {
			return revocation.Entry{revocation.Subject, "alice", 1000, later}
		},
		"everything": func(v *token.Verified) revocation.Entry {
			return revocation.Entry{revocation.Everything, "", 1000, later}
		},
	} {
		for _, late := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				v, after, other := m.token(t, "alice", "s1", 1000), m.token(t, "alice", "s2", 1001), mintWith(t, mustKey(t)).token(t, "bob", "s3", 1001)
				src := newSource()
				if !late {
					src.append(entry(v))
				}
				l := load(t, src)
				follower := followed(t, overTLS(t, s, serves(t, l, s)))
				if late { // it comes while the follower waits
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan error)
					go func() { done <- follower.Run(ctx) }()
					if revoked, _ := follower.Revoked(v); revoked {
						t.Error("revoked before it was")
					}
					l.Apply(entry(v))
					for follower.Stats().Entries == 0 && t.Context().Err() == nil {
						time.Sleep(time.Millisecond)
					}
					cancel()
					<-done
				}
				if revoked, _ := follower.Revoked(v); !revoked {
					t.Error("it is not revoked for who follows")
				}
				if revoked, _ := follower.Revoked(other); revoked {
					t.Error("another is")
				}
				if revoked, _ := follower.Revoked(after); revoked != (name == "a key") {
					t.Errorf("a token issued after that: revoked is %v", revoked)
				}
				e := entry(v)
				if got := follower.Before(e.Kind, e.ID); got != e.Before {
					t.Errorf("before %d, want %d", got, e.Before)
				}
				if n := follower.Stats().Entries; n != 1 {
					t.Errorf("%d entries", n)
				}
			})
		}
	}
}

func mustKey(t testing.TB) *keys.Private {
	t.Helper()
	k, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNoIDLeavesTheIssuer(t *testing.T) {
	s := newSigner(t, issuerName)
	r := seeded(t)
	var ids []string
	src := newSource()
	for _, n := range universe(r) {
		if len(n.id) < 5 {
			continue
		}
		ids = append(ids, n.id)
		src.entries = append(src.entries, revocation.Entry{Kind: n.kind, ID: n.id, Before: 7, Expires: time.Now().Add(time.Hour)})
	}
	l := load(t, src)
	h := serves(t, l, s)
	start := get(t, h, "")
	l.Apply(src.entries[0], revocation.Entry{Kind: revocation.Subject, ID: ids[1], Before: 9})
	var sent []byte
	for _, query := range []string{"", "page=0.1", "after=" + claim(t, start.Body.Bytes(), "cursor")} {
		res := get(t, h, query)
		if res.Code != http.StatusOK || res.Body.Len() < 100 {
			t.Fatalf("status %d", res.Code)
		}
		sent = append(sent, res.Body.Bytes()...)
		head, _, _ := bytes.Cut(res.Body.Bytes(), []byte("\n"))
		sent = append(sent, payload(t, head)...)
	}
	for _, id := range ids {
		raw, _ := rawURL.DecodeString(id)
		if bytes.Contains(sent, []byte(id)) || len(raw) == 16 && bytes.Contains(sent, raw) {
			t.Fatalf("the ID %.30q is in an answer", id)
		}
	}
	if bytes.Contains(sent, feedKey) || strings.Contains(string(sent), rawURL.EncodeToString(feedKey)) {
		t.Error("the issuer's own key is in an answer")
	}
}

// plain hides what a Feed is more than a Source.
type plain struct{ inner revocation.Source }

func (p plain) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	return p.inner.Snapshot(ctx, add)
}

func (p plain) Tail(ctx context.Context, c revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	return p.inner.Tail(ctx, c)
}

type embedding struct {
	*revocation.Feed
	asked *int
}

func (e embedding) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	*e.asked++
	return e.Feed.Snapshot(ctx, add)
}

// A List that does not know that IDs are digests would look up what is never there.
func TestAFeedAnswersOnlyTheOneListThatKnowsWhatItIs(t *testing.T) {
	s := newSigner(t, issuerName)
	v := newMint(t).token(t, "alice", "s1", 1000)
	n := &inProcess{serve: serves(t, load(t, newSource(revocation.Entry{Kind: revocation.Session, ID: "s1", Before: revocation.Ended})), s)}
	refused := func(name string, l *revocation.List) {
		t.Helper()
		if err := l.Load(t.Context()); err == nil || !l.AsOf().IsZero() {
			t.Errorf("%s: loaded, %v", name, err)
		}
	}
	refused("wrapped", revocation.NewList(revocation.Config{Source: plain{newFeed(t, overNetwork(s, n))}}))
	f, asked := newFeed(t, overNetwork(s, n)), 0
	l := load(t, embedding{f, &asked})
	if revoked, _ := l.Revoked(v); !revoked || asked != 1 {
		t.Errorf("embedded: revoked is %v, asked %d times", revoked, asked)
	}
	refused("taken twice", revocation.NewList(revocation.Config{Source: f}))
}

func TestAnotherFeedKeyIsNeverMixedWithTheOneBefore(t *testing.T) { // req 64
	s, m := newSigner(t, issuerName), newMint(t)
	first, second := m.token(t, "alice", "s1", 1000), m.token(t, "alice", "s2", 1000)
	ended := func(id string) revocation.Entry {
		return revocation.Entry{Kind: revocation.Session, ID: id, Before: revocation.Ended}
	}
	n := &inProcess{serve: serves(t, load(t, newSource(ended("s1"))), s)}
	follower := followed(t, overNetwork(s, n))
	want := func(when string, one, two bool) {
		t.Helper()
		for range 2 { // looked up, and kept with the token
			if revoked, _ := follower.Revoked(first); revoked != one {
				t.Errorf("%s: the first is revoked: %v", when, revoked)
			}
			if revoked, _ := follower.Revoked(second); revoked != two {
				t.Errorf("%s: the second is revoked: %v", when, revoked)
			}
		}
	}
	want("under the first key", true, false)
	// The issuer's new store has another key, and has lost the first session's end.
	n.becomes(serves(t, load(t, newSource(ended("s2"))), s, func(c *revocation.HandlerConfig) { c.Key = bytes.Repeat([]byte{8}, 32) }))
	if err := follower.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("under the second", true, true)
	third := m.token(t, "alice", "s1", 1000)
	if revoked, _ := follower.Revoked(third); !revoked {
		t.Error("what the list knew under the former key is forgotten for new tokens")
	}
	for i := range 10 {
		n.becomes(serves(t, load(t, newSource(ended("s2"))), s, func(c *revocation.HandlerConfig) { c.Key = bytes.Repeat([]byte{byte(i % 2)}, 32) }))
		if err := follower.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if revoked, _ := follower.Revoked(second); !revoked {
			t.Error("under a changing key: not revoked")
		}
	}
	if want := m.token(t, "alice", "s9", 1000); follower.Before(revocation.Session, want.SessionID()) != 0 {
		t.Error("another session is")
	}
}

func TestWhatAFollowerIsToldByOthersIsNamedAsTheFeedNamesIt(t *testing.T) {
	s := newSigner(t, issuerName)
	v := newMint(t).token(t, "alice", "s1", 1000)
	n := &inProcess{serve: serves(t, load(t, newSource()), s)}
	l := revocation.NewList(revocation.Config{Source: newFeed(t, overNetwork(s, n))})
	e := revocation.Entry{Kind: revocation.Session, ID: "s1", Before: revocation.Ended}
	l.Apply(e) // before there is a key
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.Stats().Entries != 0 {
		t.Error("an entry is kept that nothing finds")
	}
	l.Apply(e, revocation.Entry{Kind: revocation.Session, Before: 5})
	if revoked, _ := l.Revoked(v); !revoked || l.Stats().Entries != 1 {
		t.Error("it is not revoked")
	}
}

func TestAFeedOfAFeed(t *testing.T) {
	s, relay := newSigner(t, issuerName), newSigner(t, "https://relay.example")
	v, other := newMint(t).token(t, "alice", "s1", 1000), newMint(t).token(t, "bob", "s2", 1000)
	origin := load(t, newSource(
		revocation.Entry{Kind: revocation.Session, ID: "s1", Before: revocation.Ended},
		revocation.Entry{Kind: revocation.Everything, Before: 5},
	))
	middle := followed(t, overTLS(t, s, serves(t, origin, s)))
	last := followed(t, overTLS(t, relay, serves(t, middle, relay, func(c *revocation.HandlerConfig) { c.Key = bytes.Repeat([]byte{9}, 32) })))
	if revoked, _ := last.Revoked(v); !revoked {
		t.Error("not revoked at the end of the chain")
	}
	if revoked, _ := last.Revoked(other); revoked || last.Before(revocation.Everything, "") != 5 {
		t.Error("another is revoked, or a cutoff is missing")
	}
	if !last.AsOf().Round(0).Equal(origin.AsOf().Truncate(time.Microsecond)) && last.AsOf().After(origin.AsOf()) {
		t.Errorf("the end of the chain is as of %s, its origin as of %s", last.AsOf(), origin.AsOf())
	}
}
