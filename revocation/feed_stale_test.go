package revocation_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// cache is between a feed and its server, and may serve what it has for as long as it likes.
type cache struct {
	inner http.Handler

	mu     sync.Mutex
	stuck  bool
	kept   map[string]*httptest.ResponseRecorder
	any    map[string][]*httptest.ResponseRecorder // by what was asked for, whatever the cursor
	replay bool                                    // answers with what it gave to another cursor
}

func newCache(inner http.Handler) *cache {
	return &cache{inner: inner, kept: map[string]*httptest.ResponseRecorder{}, any: map[string][]*httptest.ResponseRecorder{}}
}

func (c *cache) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cache) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	url, kind := req.URL.RawQuery, "snapshot"
	for _, name := range []string{"page", "after"} {
		if req.URL.Query().Has(name) {
			kind = name
		}
	}
	c.mu.Lock()
	kept := c.kept[url]
	if c.replay && len(c.any[kind]) > 0 {
		kept = c.any[kind][0]
	}
	stuck := c.stuck
	c.mu.Unlock()
	if !stuck || kept == nil {
		if stuck {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		kept = httptest.NewRecorder()
		c.inner.ServeHTTP(kept, req)
		c.mu.Lock()
		c.kept[url] = kept
		c.any[kind] = append(c.any[kind], kept)
		c.mu.Unlock()
	}
	w.WriteHeader(kept.Code)
	w.Write(kept.Body.Bytes())
}

// req 62: whatever a cache does, the follower is as old as what it knows.
func TestACacheCannotLookFresh(t *testing.T) {
	for name, misbehave := range map[string]func(c *cache){
		"serves what it has":           func(c *cache) { c.stuck = true },
		"serves what others were told": func(c *cache) { c.stuck, c.replay = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				src := newSource()
				origin := load(t, src)
				defer run(t, origin)()
				c := newCache(serves(t, origin, s))
				follower := followed(t, overNetwork(s, &inProcess{serve: c}))
				stop := run(t, follower)
				k := key{mustKey(t)}
				issuer, err := token.NewIssuer(token.IssuerConfig{Issuer: "i", Audience: "a", Keys: k})
				if err != nil {
					t.Fatal(err)
				}
				v, err := token.NewVerifier(token.VerifierConfig{Issuer: "i", Audience: "a", Keys: k, Revocations: follower})
				if err != nil {
					t.Fatal(err)
				}
				raw, err := issuer.Issue(token.Claims{Subject: "alice", SessionID: "s1"}, time.Now(), time.Now().Add(10*time.Minute), 1)
				if err != nil {
					t.Fatal(err)
				}
				verify := func() error { _, err := v.Verify(t.Context(), raw); return err }
				for range 60 {
					time.Sleep(2 * time.Second)
					if err := verify(); err != nil {
						t.Fatal(err)
					}
					if age := time.Since(follower.AsOf()); age > 16*time.Second {
						t.Fatalf("the follower of a quiet feed is %s old", age)
					}
				}
				c.set(func() { misbehave(c) })
				time.Sleep(6 * time.Second) // a request that waits has got through
				src.append(revocation.Entry{Kind: revocation.Session, ID: "s1", Before: revocation.Ended, Expires: time.Now().Add(time.Hour)})
				time.Sleep(time.Minute + time.Second)
				if err := verify(); !errors.Is(err, token.ErrStale) {
					t.Errorf("after a minute: %v", err)
				}
				stop()
				for range 3 { // and it takes no new snapshot from there either
					follower.Load(t.Context())
					if err := verify(); !errors.Is(err, token.ErrStale) {
						t.Errorf("after a new snapshot: %v", err)
					}
				}
				c.set(func() { c.stuck = false })
				defer run(t, follower)()
				time.Sleep(10 * time.Second)
				if err := verify(); !errors.Is(err, token.ErrRevoked) {
					t.Errorf("when the cache is gone: %v", err)
				}
			})
		})
	}
}

// A node that has lost its store is as old as it is, however often it is asked; so is a feed of its feed.
func TestAChainIsAsOldAsItsOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, relay := newSigner(t, issuerName), newSigner(t, "https://relay.example")
		src := newSource()
		origin := load(t, src)
		defer run(t, origin)()
		middle := followed(t, overNetwork(s, &inProcess{serve: serves(t, origin, s), takes: 50 * time.Millisecond}))
		defer run(t, middle)()
		last := followed(t, overNetwork(relay, &inProcess{serve: serves(t, middle, relay), takes: 50 * time.Millisecond}))
		defer run(t, last)()
		time.Sleep(3 * time.Minute)
		if age := time.Since(last.AsOf()); age > 21*time.Second {
			t.Errorf("the end of the chain is %s old", age)
		}
		src.append(sessions(0, 1, time.Now().Add(time.Hour))...)
		time.Sleep(time.Second)
		if last.Before(revocation.Session, "0") == 0 {
			t.Error("a second later it has not come through")
		}
		down := time.Now()
		src.change(func() { src.err = errors.New("down") })
		src.append()
		for range 80 {
			time.Sleep(time.Second)
			for _, l := range []*revocation.List{middle, last} {
				if l.AsOf().After(down) {
					t.Fatalf("%s after the store went down, one looks complete as of %s after it", time.Since(down), l.AsOf().Sub(down))
				}
			}
		}
	})
}

// A slow way makes the list older, never younger.
func TestAnAnswerIsAsOfWhatWasSignedNotAsOfWhenItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		src := newSource()
		origin := load(t, src)
		h := serves(t, origin, s)
		asOf := origin.AsOf()
		time.Sleep(20 * time.Second)
		n := &inProcess{serve: h, takes: 500 * time.Millisecond}
		follower := followed(t, overNetwork(s, n))
		if got := follower.AsOf(); !got.Equal(asOf) {
			t.Errorf("as of %s, want the origin's %s", got, asOf)
		}
		time.Sleep(10 * time.Second)
		if err := origin.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		asOf = origin.AsOf()
		if err := follower.Load(t.Context()); err != nil || !follower.AsOf().Equal(asOf) {
			t.Errorf("as of %s, want the origin's %s, %v", follower.AsOf(), asOf, err)
		}
	})
}

func TestAClockThatIsBehindMakesNothingYounger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		h := serves(t, load(t, newSource()), s)
		for _, test := range []struct {
			off  time.Duration
			good bool
		}{{0, true}, {-4 * time.Second, true}, {-6 * time.Second, false}, {time.Hour, true}} {
			now := func() time.Time { return time.Now().Add(test.off) }
			c := overNetwork(s, &inProcess{serve: h})
			c.Now = now
			l := revocation.NewList(revocation.Config{Source: newFeed(t, c), Now: now})
			err := l.Load(t.Context())
			if (err == nil) != test.good {
				t.Errorf("a clock that is off by %s: %v", test.off, err)
			}
			if l.AsOf().After(now()) {
				t.Errorf("a clock that is off by %s: the list is as of the future", test.off)
			}
		}
	})
}

// A snapshot that is behind what the follower knows is not the end of it: it is told, and asked again.
func TestASnapshotThatIsBehindIsToldAndAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		behind := load(t, newSource())
		slow := serves(t, behind, s)
		time.Sleep(20 * time.Second)
		n := &inProcess{serve: serves(t, load(t, newSource()), s)}
		l := followed(t, overNetwork(s, n))
		asOf := l.AsOf()
		n.becomes(slow)
		if err := l.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "before the last answer") || !l.AsOf().Equal(asOf) {
			t.Errorf("%v, as of %s, was %s", err, l.AsOf(), asOf)
		}
		time.AfterFunc(2*time.Second, func() { behind.Load(t.Context()) })
		if err := l.Load(t.Context()); err != nil || !l.AsOf().After(asOf) {
			t.Errorf("%v, as of %s, was %s", err, l.AsOf(), asOf)
		}
	})
}
