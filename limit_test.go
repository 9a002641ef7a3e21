package writ_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// onEachWith is onEach with a configuration of the test's own.
func onEachWith(t *testing.T, config writ.Config, test func(t *testing.T, m *writ.Manager, c *clock)) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			test(t, open(t, store(t), c, config), c)
		})
	}
}

func TestTheOldestSessionsEndBeyondTheMost(t *testing.T) {
	onEachWith(t, writ.Config{MaxSessions: 3}, func(t *testing.T, m *writ.Manager, c *clock) {
		var pairs []*token.Pair
		for range 5 {
			c.advance(time.Second)
			pairs = append(pairs, start(t, m, "alice"))
		}
		bob := start(t, m, "bob")
		refused(t, m, pairs[0])
		refused(t, m, pairs[1])
		for _, p := range append(pairs[2:], bob) {
			accepted(t, m, p)
		}
		sessions, err := m.Sessions(t.Context(), "alice")
		if err != nil || len(sessions) != 3 {
			t.Errorf("%d sessions, error %v; want 3", len(sessions), err)
		}
		// One that has ended makes room, and how old a session is does not change when it is refreshed.
		if err := m.End(t.Context(), "alice", pairs[3].SessionID); err != nil {
			t.Fatal(err)
		}
		c.advance(afterWindow)
		pairs[2] = refresh(t, m, pairs[2].Refresh)
		start(t, m, "alice")
		accepted(t, m, pairs[2])
		c.advance(time.Second)
		start(t, m, "alice")
		refused(t, m, pairs[2])
		accepted(t, m, pairs[4])
	})
}

func TestASignInBeyondTheMostIsRefused(t *testing.T) {
	onEachWith(t, writ.Config{MaxSessions: 2, RefuseBeyondMax: true}, func(t *testing.T, m *writ.Manager, c *clock) {
		first, second := start(t, m, "alice"), start(t, m, "alice")
		_, err := m.Start(t.Context(), writ.Login{Subject: "alice"})
		if !errors.Is(err, writ.ErrTooManySessions) || !errors.Is(err, middleware.ErrForbidden) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("error %v", err)
		}
		accepted(t, m, first)
		accepted(t, m, second)
		start(t, m, "bob")
		for range 3 { // visitors are nobody's
			if _, err := m.Start(t.Context(), writ.Login{Anonymous: true}); err != nil {
				t.Error(err)
			}
		}
		if err := m.Revoke(t.Context(), first.Refresh); err != nil {
			t.Fatal(err)
		}
		start(t, m, "alice")

		t.Run("unless it takes the place of the browser's own", func(t *testing.T) {
			w := httptest.NewRecorder()
			r := cookies(httptest.NewRequest("POST", "/login", nil), signIn(t, m, writ.Login{Subject: "carol"}))
			start(t, m, "carol")
			if err := m.SignIn(w, r, writ.Login{Subject: "carol"}); err != nil {
				t.Error(err)
			}
			if err := m.SignIn(w, httptest.NewRequest("POST", "/login", nil), writ.Login{Subject: "carol"}); !errors.Is(err, writ.ErrTooManySessions) {
				t.Errorf("error %v", err)
			}
		})
	})
}

func TestOfSignInsAtOnceSomebodyIsSignedIn(t *testing.T) {
	onEachWith(t, writ.Config{MaxSessions: 1}, func(t *testing.T, m *writ.Manager, c *clock) {
		old := start(t, m, "alice")
		c.advance(time.Second)
		var wait sync.WaitGroup
		var mu sync.Mutex
		var pairs []*token.Pair
		for range 6 {
			wait.Go(func() {
				p, err := m.Start(t.Context(), writ.Login{Subject: "alice"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					pairs = append(pairs, p)
				} else if !errors.Is(err, token.ErrUnavailable) { // a newer one has ended it before it began
					t.Errorf("error %v", err)
				}
			})
		}
		wait.Wait()
		refused(t, m, old)
		if !slices.ContainsFunc(pairs, func(p *token.Pair) bool { _, err := m.Verify(t.Context(), p.Access); return err == nil }) {
			t.Error("nobody is signed in")
		}
		c.advance(time.Second)
		last := start(t, m, "alice")
		for _, p := range pairs {
			refused(t, m, p)
		}
		accepted(t, m, last)
	})
}

func TestASignInThatCannotEndTheOldestIsNone(t *testing.T) {
	c := newClock()
	store := &failing{Store: stores["memory"](t)}
	m := open(t, store, c, writ.Config{MaxSessions: 1})
	old := start(t, m, "alice")
	c.advance(time.Second)
	store.failList(errDown)
	if _, err := m.Start(t.Context(), writ.Login{Subject: "alice"}); !errors.Is(err, token.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	store.failList(nil)
	accepted(t, m, old)
	if sessions, err := m.Sessions(t.Context(), "alice"); err != nil || len(sessions) != 1 {
		t.Errorf("%d sessions, error %v; want the old one", len(sessions), err)
	}
}

func TestLifetimesOfALogin(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		begin := func(l writ.Login) *token.Pair {
			t.Helper()
			l.Subject = "alice"
			p, err := m.Start(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		short, idle, plain := begin(writ.Login{Absolute: 30 * time.Minute}), begin(writ.Login{Idle: 20 * time.Minute}), start(t, m, "alice")
		for range 2 {
			c.advance(16 * time.Minute)
			idle = refresh(t, m, idle.Refresh)
		}
		refused(t, m, short)
		c.advance(21 * time.Minute)
		refused(t, m, idle)
		refresh(t, m, plain.Refresh)
		for _, l := range []writ.Login{{Idle: time.Minute}, {Idle: -time.Hour}, {Idle: 15 * 24 * time.Hour}, {Absolute: time.Minute}, {Absolute: 91 * 24 * time.Hour}} {
			l.Subject = "alice"
			if _, err := m.Start(t.Context(), l); err == nil || errors.Is(err, token.ErrUnavailable) {
				t.Errorf("idle %s, absolute %s: error %v, want it refused", l.Idle, l.Absolute, err)
			}
		}
	})
}

func TestTheMostIsNotExceededBySignInsAtOnce(t *testing.T) {
	onEachWith(t, writ.Config{MaxSessions: 2, RefuseBeyondMax: true}, func(t *testing.T, m *writ.Manager, c *clock) {
		var wait sync.WaitGroup
		for range 12 {
			wait.Go(func() {
				_, err := m.Start(t.Context(), writ.Login{Subject: "alice"})
				if err != nil && !errors.Is(err, writ.ErrTooManySessions) {
					t.Errorf("error %v", err)
				}
			})
		}
		wait.Wait()
		if sessions, err := m.Sessions(t.Context(), "alice"); err != nil || len(sessions) > 2 {
			t.Errorf("%d sessions, error %v; want at most 2", len(sessions), err)
		}
	})
}

func TestASignInThatBrokeOffDoesNotCount(t *testing.T) {
	c := newClock()
	store := &failing{Store: stores["memory"](t)}
	m := open(t, store, c, writ.Config{MaxSessions: 1, RefuseBeyondMax: true})
	store.once(func() { store.fail(errDown, nil) }) // once the row is stored, for long
	if _, err := m.Start(t.Context(), writ.Login{Subject: "alice"}); !errors.Is(err, token.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	store.fail(nil, nil)
	c.advance(time.Minute)
	start(t, m, "alice")
	if sessions, err := m.Sessions(t.Context(), "alice"); err != nil || len(sessions) != 1 {
		t.Errorf("%d sessions, error %v; want the one that began", len(sessions), err)
	}
}
