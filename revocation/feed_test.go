package revocation_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

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

// Two relays of one name follow origins with different keys. Who goes from one to the other begins anew.
func TestRelaysUnderDifferentKeys(t *testing.T) { // req 64
	synctest.Test(t, func(t *testing.T) {
		relay := newSigner(t, "https://relay.example")
		var nets []*inProcess
		var origins []*revocation.List
		for i := range 2 {
			s := newSigner(t, issuerName)
			origin := load(t, newSource())
			defer run(t, origin)()
			h := serves(t, origin, s, func(c *revocation.HandlerConfig) { c.Key = bytes.Repeat([]byte{byte(i)}, 32) })
			middle := followed(t, overNetwork(s, &inProcess{serve: h}))
			defer run(t, middle)()
			origins, nets = append(origins, origin), append(nets, &inProcess{serve: serves(t, middle, relay)})
		}
		time.Sleep(time.Minute)
		n := &inProcess{serve: nets[0].serve}
		f := newFeed(t, overNetwork(relay, n))
		last := load(t, f)
		defer run(t, last)()
		time.Sleep(time.Minute)
		for _, origin := range origins {
			origin.Apply(sessions(0, 1, time.Now().Add(time.Hour))...)
		}
		n.becomes(nets[1].serve)
		time.Sleep(20 * time.Second)
		for _, origin := range origins {
			origin.Apply(sessions(1, 2, time.Now().Add(time.Hour))...)
		}
		time.Sleep(20 * time.Second)
		for _, id := range []string{"0", "1"} {
			if last.Before(revocation.Session, id) == 0 {
				t.Errorf("session %s is not revoked", id)
			}
		}
		if f.Status().Snapshots != 2 || last.Stats().Err != nil {
			t.Errorf("%+v, %v", f.Status(), last.Stats().Err)
		}
	})
}
