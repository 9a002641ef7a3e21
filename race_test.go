package writ_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

// A write takes time. What another node stamps until it is there must die with the rest, also if that
// node's clock is ahead.
func TestWhatIsIssuedWhileTheWriteWaits(t *testing.T) { // req 49, 66
	for name, end := range map[string]func(m *writ.Manager, keep *token.Pair) error{
		"EndAll":      func(m *writ.Manager, _ *token.Pair) error { return m.EndAll(t.Context(), "alice") },
		"MustRefresh": func(m *writ.Manager, _ *token.Pair) error { return m.MustRefresh(t.Context(), "alice") },
		"EndOthers": func(m *writ.Manager, keep *token.Pair) error {
			_, err := m.EndOthers(t.Context(), verified(t, m, keep.Access))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, ahead := newClock(), newClock()
			ahead.start = c.start.Add(4900 * time.Millisecond) // within Skew
			shared := memory.Open()
			slow := &failing{Store: shared}
			here, there := open(t, slow, c, writ.Config{}), open(t, shared, ahead, writ.Config{})
			p, keep := start(t, here, "alice"), start(t, here, "alice")
			var late *token.Pair
			slow.once(func() {
				c.advance(4 * time.Second)
				ahead.advance(4 * time.Second)
				late = refresh(t, there, p.Refresh) // a repeat: it writes nothing
			})
			if err := end(here, keep); err != nil {
				t.Fatal(err)
			}
			c.advance(30 * time.Second)
			ahead.advance(30 * time.Second)
			fresh := open(t, shared, c, writ.Config{}) // with the whole list
			if _, err := fresh.Verify(t.Context(), late.Access); !errors.Is(err, token.ErrRevoked) {
				t.Errorf("a token from before the acknowledgement: %v, want ErrRevoked", err)
			}
		})
	}
}

// afterLoad lets something happen between a reading and the decision on it.
type afterLoad struct {
	writ.Store
	do func()
}

func (s *afterLoad) Load(ctx context.Context, id string) (writ.Row, error) {
	row, err := s.Store.Load(ctx, id)
	if do := s.do; do != nil {
		s.do = nil
		do()
	}
	return row, err
}

func TestADecisionIsAsOldAsItsReading(t *testing.T) { // req 49
	c := newClock()
	shared := memory.Open()
	slow := &afterLoad{Store: shared}
	config := writ.Config{Rotation: rotation.Policy{Skew: 100 * time.Millisecond}}
	here, there := open(t, shared, c, config), open(t, slow, c, config)
	p := start(t, here, "alice")
	slow.do = func() {
		if err := here.EndAll(t.Context(), "alice"); err != nil {
			t.Error(err)
		}
		c.advance(20 * time.Second) // still a repeat, which writes nothing
	}
	if got, err := there.Refresh(t.Context(), p.Refresh, token.Client{}); err == nil {
		if _, err := here.Verify(t.Context(), got.Access); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("a token of a reading from before EndAll: %v, want ErrRevoked", err)
		}
	}
}

func TestWhatOnIssueWrapsIsItsOwnAffair(t *testing.T) {
	var fails error
	var kinds []writ.EventKind
	m := open(t, memory.Open(), newClock(), writ.Config{
		Observe: func(_ context.Context, e writ.Event) { kinds = append(kinds, e.Kind) },
		OnIssue: func(context.Context, *writ.Session) error { return fails },
	})
	p := start(t, m, "alice")
	v := verified(t, m, p.Access)
	for _, err := range []error{writ.ErrNotFound, writ.ErrConflict, token.ErrExpired, token.ErrReused, token.ErrRevoked} {
		fails = fmt.Errorf("the profile service: %w", err)
		_, refreshed := m.Refresh(t.Context(), p.Refresh, token.Client{})
		_, ended := m.EndOthers(t.Context(), v)
		for call, got := range map[string]error{"Refresh": refreshed, "EndOthers": ended} {
			if !errors.Is(got, token.ErrUnavailable) || errors.Is(got, token.ErrInvalid) {
				t.Errorf("%s when OnIssue says %q: %v, want ErrUnavailable alone", call, err, got)
			}
		}
	}
	for _, k := range kinds {
		if k != writ.Started && k != writ.Failed {
			t.Errorf("an event %s of a hook that failed", k)
		}
	}
	fails = nil
	accepted(t, m, refresh(t, m, p.Refresh))
}

func TestARevokedAccessTokenStillSignsOut(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	for name, out := range map[string]func(p *token.Pair){
		"Revoke": func(p *token.Pair) {
			if err := m.Revoke(t.Context(), p.Access); err != nil {
				t.Error(err)
			}
		},
		"the access cookie": func(p *token.Pair) {
			q := *p
			q.Refresh = ""
			if answer := call(mount(m), "POST", "/logout", as(t, &q)); answer.StatusCode != 204 {
				t.Errorf("status %d", answer.StatusCode)
			}
		},
	} {
		p := start(t, m, "alice")
		if err := m.MustRefresh(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		out(p)
		if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: the session lives: %v", name, err)
		}
	}
}

func TestJunkBesideARealCredentialHidesNothing(t *testing.T) {
	spa := open(t, memory.Open(), newClock(), writ.Config{Cookies: middleware.Cookies{RefreshOnly: true, RefreshPath: "/auth"}})
	p := start(t, spa, "alice")
	planted := strings.Repeat("__Secure-refresh=junk; ", 180) // as many as a browser keeps
	call(spa.Endpoints().Logout, "POST", "/auth/logout", func(r *http.Request) { r.Header.Set("Cookie", planted+"__Secure-refresh="+p.Refresh) })
	refused(t, spa, p)

	m := open(t, memory.Open(), newClock(), writ.Config{})
	p = start(t, m, "alice")
	call(mount(m), "POST", "/logout", bearer(p), func(r *http.Request) { r.Header.Set("Cookie", "__Host-access=junk") })
	refused(t, m, p)
	p = start(t, m, "alice")
	call(mount(m), "POST", "/logout", as(t, p), form(url.Values{"refresh_token": {"junk"}}))
	refused(t, m, p)
}

// without is a store that cannot write one row.
type without struct {
	writ.Store
	id string
}

func (s *without) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if row.ID == s.id {
		return writ.Row{}, errDown
	}
	return s.Store.Save(ctx, row, entries...)
}

func TestEndOthersTakesASessionThatRisesMeanwhile(t *testing.T) { // req 49
	c := newClock()
	shared := memory.Open()
	store := &failing{Store: shared}
	here := open(t, store, c, writ.Config{})
	keep, other := start(t, here, "alice"), start(t, here, "alice")
	there := open(t, &without{shared, keep.SessionID}, c, writ.Config{})
	var risen *token.Pair
	store.once(func() { // a MustRefresh that has got as far as the other session
		if err := there.MustRefresh(t.Context(), "alice"); !errors.Is(err, token.ErrUnavailable) {
			t.Errorf("error is %v", err)
		}
		risen = refresh(t, there, other.Refresh)
	})
	got, err := here.EndOthers(t.Context(), verified(t, here, keep.Access))
	if err != nil {
		t.Fatal(err)
	}
	accepted(t, here, got)
	refused(t, here, risen)
	refused(t, here, other)
}

// leaves is a store whose client goes away after the first write.
type leaves struct {
	writ.Store
	cancel context.CancelFunc
}

func (s *leaves) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	row, err := s.Store.Save(ctx, row, entries...)
	if s.cancel != nil {
		s.cancel()
	}
	return row, err
}

func TestASignInThatNobodyWaitsForLeavesNoSession(t *testing.T) {
	store := &leaves{Store: memory.Open()}
	m := open(t, store, newClock(), writ.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	store.cancel = cancel
	if _, err := m.Start(ctx, writ.Login{Subject: "alice"}); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("error is %v", err)
	}
	if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 0 {
		t.Errorf("%d sessions, %v", len(s), err)
	}
}

func TestARowThatCannotBeReadKeepsNobodyAlive(t *testing.T) {
	store := memory.Open()
	m := open(t, store, newClock(), writ.Config{})
	p := start(t, m, "alice")
	newer := writ.Row{ID: "AAAAAAAAAAAAAAAAAAAAAA", Owner: "alice", Expires: time.Now().Add(time.Hour), Data: []byte(`{"v":2}`)}
	if _, err := store.Save(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	if err := m.EndAll(t.Context(), "alice"); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("error is %v, want ErrUnavailable: the row may need more", err)
	}
	refused(t, m, p)
}

func TestABarredSubjectIsRefused(t *testing.T) {
	store := memory.Open()
	m := open(t, store, newClock(), writ.Config{})
	if err := store.Append(t.Context(), revocation.Entry{Kind: revocation.Subject, ID: "alice", Before: revocation.Ended}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Start(t.Context(), writ.Login{Subject: "alice"}); !errors.Is(err, writ.ErrRefused) {
		t.Errorf("error is %v, want ErrRefused", err)
	}
	accepted(t, m, start(t, m, "bob"))
}

// afterList lets something happen once when an owner's rows have been listed.
type afterList struct {
	writ.Store
	happen func()
}

func (s *afterList) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	rows, err := s.Store.List(ctx, owner, after, limit)
	if do := s.happen; do != nil {
		s.happen = nil
		do()
	}
	return rows, err
}

func TestMustRefreshRaisesNoSessionFromTheDead(t *testing.T) { // req 49
	for name, open1 := range stores {
		for what, end := range map[string]func(t *testing.T, other *writ.Manager, p, q *token.Pair) error{
			"End": func(t *testing.T, other *writ.Manager, p, _ *token.Pair) error {
				return other.End(t.Context(), "alice", p.SessionID)
			},
			"EndAll": func(t *testing.T, other *writ.Manager, _, _ *token.Pair) error {
				return other.EndAll(t.Context(), "alice")
			},
			"EndOthers": func(t *testing.T, other *writ.Manager, _, q *token.Pair) error {
				_, err := other.EndOthers(t.Context(), verified(t, other, q.Access))
				return err
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				c := newClock()
				store := &afterList{Store: open1(t)}
				m, other := open(t, store, c, writ.Config{}), open(t, store.Store, c, writ.Config{})
				p, q := start(t, m, "alice"), start(t, m, "alice")
				store.happen = func() {
					if err := end(t, other, p, q); err != nil {
						t.Error(err)
					}
				}
				if err := m.MustRefresh(t.Context(), "alice"); err != nil {
					t.Fatal(err)
				}
				refused(t, other, p)
				refused(t, m, &token.Pair{Refresh: p.Refresh}) // of the access token it has not heard
				refused(t, open(t, store.Store, c, writ.Config{}), p)
			})
		}
	}
}

func TestAnEndWhoseAnswerIsLostIsKnownHere(t *testing.T) {
	c := newClock()
	store := &failing{Store: stores["memory"](t)}
	m := open(t, store, c, writ.Config{})
	p := start(t, m, "alice")
	store.fail(nil, errDown)
	if err := m.End(t.Context(), "alice", p.SessionID); !errors.Is(err, token.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	store.fail(nil, nil)
	if err := m.End(t.Context(), "alice", p.SessionID); err != nil {
		t.Fatal(err)
	}
	refused(t, m, p)
}

func TestASignInWhoseAnswerIsLostLeavesNoSession(t *testing.T) {
	c := newClock()
	store := &failing{Store: stores["memory"](t)}
	m := open(t, store, c, writ.Config{})
	store.fail(nil, errDown)
	store.once(func() { store.once(func() { store.fail(nil, nil) }) }) // the second write is that which cleans up
	if _, err := m.Start(t.Context(), writ.Login{Subject: "alice"}); !errors.Is(err, token.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	if sessions, err := m.Sessions(t.Context(), "alice"); err != nil || len(sessions) != 0 {
		t.Errorf("%d sessions, error %v; want none", len(sessions), err)
	}
}
