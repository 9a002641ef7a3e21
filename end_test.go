package writ_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

func TestEnd(t *testing.T) { // req 58, 59
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		p, other := start(t, m, "alice"), start(t, m, "alice")
		if err := m.End(t.Context(), "bob", p.SessionID); !errors.Is(err, writ.ErrNotFound) {
			t.Errorf("a stranger's session: %v, want ErrNotFound", err)
		}
		for _, sid := range []string{"", "x", "writ:ring", p.SessionID + "=", p.SessionID[:21]} {
			if err := m.End(t.Context(), "alice", sid); !errors.Is(err, writ.ErrNotFound) {
				t.Errorf("no session's ID: %v, want ErrNotFound", err)
			}
		}
		accepted(t, m, p)
		for range 2 { // again is no error
			if err := m.End(t.Context(), "alice", p.SessionID); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, m, p)
		accepted(t, m, other)
		if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 1 || s[0].ID != other.SessionID {
			t.Errorf("sessions %v, %v: want the other alone", s, err)
		}
	})
}

func TestEndAll(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		a, b, bob := start(t, m, "alice"), start(t, m, "alice"), start(t, m, "bob")
		if err := m.EndAll(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		refused(t, m, a)
		refused(t, m, b)
		accepted(t, m, bob)
		if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 0 {
			t.Errorf("%d sessions in the list, %v", len(s), err)
		}
		if err := m.Update(t.Context(), a.SessionID, func(*writ.Session) error { return nil }); !errors.Is(err, writ.ErrNotFound) {
			t.Errorf("a session that has ended can be changed: %v", err)
		}

		// CVE-2020-26892: in the same microsecond by this clock, and yet after it (req 66).
		after := start(t, m, "alice")
		accepted(t, m, after)
		accepted(t, m, refresh(t, m, after.Refresh))

		// And the next one takes that one too, though its stamp lies ahead of the clock.
		if err := m.EndAll(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		refused(t, m, after)
		accepted(t, m, start(t, m, "alice"))
		if m.EndAll(t.Context(), "") == nil {
			t.Error("nobody's sessions were ended")
		}
	})
}

func TestEndAllWinsOverANodeWhoseClockIsAhead(t *testing.T) { // req 66
	c, ahead := newClock(), newClock()
	ahead.start = c.start.Add(4 * time.Second) // within Skew
	store := memory.Open()
	here, there := open(t, store, c, writ.Config{}), open(t, store, ahead, writ.Config{})
	unaware := open(t, store, c, writ.Config{})
	p := start(t, there, "alice")
	c.advance(time.Second)
	ahead.advance(time.Second)
	p.Access = refresh(t, there, p.Refresh).Access // its stamp lies ahead, and stands in no row
	if err := here.EndAll(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	refused(t, here, p)
	accepted(t, here, start(t, here, "alice"))
	next := start(t, unaware, "alice") // a node that has not heard of it yet
	accepted(t, here, next)
	if _, err := there.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("at the other node: %v, want it refused", err)
	}
	if _, err := there.Refresh(t.Context(), next.Refresh, token.Client{}); err != nil {
		t.Errorf("the new sign-in at the other node: %v", err)
	}
}

func TestEndAllTakesASessionThatRisesMeanwhile(t *testing.T) { // req 49
	for name, rise := range map[string]func(m *writ.Manager, p *token.Pair) (*token.Pair, error){
		"EndOthers": func(m *writ.Manager, p *token.Pair) (*token.Pair, error) {
			return m.EndOthers(t.Context(), verified(t, m, p.Access))
		},
		"MustRefresh": func(m *writ.Manager, p *token.Pair) (*token.Pair, error) {
			if err := m.MustRefresh(t.Context(), "alice"); err != nil {
				return nil, err
			}
			return m.Refresh(t.Context(), p.Refresh, token.Client{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			shared := memory.Open()
			store := &failing{Store: shared}
			here, there := open(t, store, c, writ.Config{}), open(t, shared, c, writ.Config{})
			p := start(t, here, "alice")
			var risen *token.Pair
			store.once(func() {
				var err error
				if risen, err = rise(there, p); err != nil {
					t.Error(err)
				}
			})
			if err := here.EndAll(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			refused(t, here, p)
			refused(t, here, risen)
			accepted(t, here, start(t, here, "alice"))
		})
	}
}

func TestEndOthers(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		mine, other := start(t, m, "alice"), start(t, m, "alice")
		for range 2 {
			replacement, err := m.EndOthers(t.Context(), verified(t, m, mine.Access))
			if err != nil {
				t.Fatal(err)
			}
			if replacement.Refresh != "" || replacement.SessionID != mine.SessionID {
				t.Error("the kept session got more than a new access token")
			}
			refused(t, m, other)
			if _, err := m.Verify(t.Context(), mine.Access); !errors.Is(err, token.ErrRevoked) {
				t.Errorf("the token that was replaced: %v, want ErrRevoked", err)
			}
			accepted(t, m, replacement)
			mine.Access = replacement.Access
		}
		c.advance(afterWindow)
		next := refresh(t, m, mine.Refresh)
		accepted(t, m, next)

		v := verified(t, m, next.Access)
		if err := m.End(t.Context(), "alice", mine.SessionID); err != nil {
			t.Fatal(err)
		}
		if _, err := m.EndOthers(t.Context(), v); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("from a session that has ended: %v, want ErrRevoked", err)
		}
	})
}

// A request's body may come slowly, and what let the request in was revoked meanwhile.
func TestATokenThatWasRevokedIsNotExchanged(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		mine, other := start(t, m, "alice"), start(t, m, "alice")
		held := verified(t, m, mine.Access)
		if err := m.RevokeToken(t.Context(), held.ID()); err != nil {
			t.Fatal(err)
		}
		if next, err := m.EndOthers(t.Context(), held); !errors.Is(err, token.ErrRevoked) || next != nil {
			t.Errorf("error %v, want ErrRevoked and no token", err)
		}
		accepted(t, m, other)
		mine = refresh(t, m, mine.Refresh)
		next, err := m.EndOthers(t.Context(), verified(t, m, mine.Access))
		if err != nil {
			t.Fatal(err)
		}
		accepted(t, m, next)
		refused(t, m, other)
	})
}

func TestATokenOfAKeyThatWasRevokedIsNotExchanged(t *testing.T) {
	c := newClock()
	store := memory.Open()
	held := func() *token.Verified {
		m := open(t, store, c, writ.Config{})
		return verified(t, m, start(t, m, "alice").Access)
	}()
	if err := store.Append(t.Context(), revocation.Entry{Kind: revocation.Key, ID: held.KeyID(), Before: revocation.Ended}); err != nil {
		t.Fatal(err)
	}
	if next, err := open(t, store, c, writ.Config{}).EndOthers(t.Context(), held); !errors.Is(err, token.ErrRevoked) || next != nil {
		t.Errorf("error %v, want ErrRevoked and no token", err)
	}
}

func TestMustRefresh(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		a, b, bob := start(t, m, "alice"), start(t, m, "alice"), start(t, m, "bob")
		for range 3 { // again and again at one instant
			if err := m.MustRefresh(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			for _, p := range []*token.Pair{a, b} {
				if _, err := m.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrRevoked) {
					t.Errorf("an access token from before: %v, want ErrRevoked", err)
				}
				next := refresh(t, m, p.Refresh)
				accepted(t, m, next)
				p.Access = next.Access
			}
			accepted(t, m, bob)
		}
		if m.MustRefresh(t.Context(), "") == nil {
			t.Error("nobody's sessions were told to refresh")
		}
		if err := m.EndAll(t.Context(), "alice"); err != nil { // every stamp so far lies below
			t.Fatal(err)
		}
		refused(t, m, a)
		refused(t, m, b)
	})
}

func TestRevoke(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		byAccess, byRefresh, byOld := start(t, m, "alice"), start(t, m, "alice"), start(t, m, "alice")
		c.advance(afterWindow)
		next := refresh(t, m, byOld.Refresh)
		for _, raw := range []string{byAccess.Access, byRefresh.Refresh, byOld.Refresh, byAccess.Access, byRefresh.Refresh} {
			if err := m.Revoke(t.Context(), raw); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range []*token.Pair{byAccess, byRefresh, byOld, next} {
			refused(t, m, p)
		}
		expired := start(t, m, "alice")
		c.advance(11 * time.Minute)
		for name, raw := range map[string]string{"an expired access token": expired.Access, "nothing": "", "garbage": "rt1.AAAA"} {
			if err := m.Revoke(t.Context(), raw); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", name, err)
			}
		}
		refresh(t, m, expired.Refresh)
	})
}

func TestWhatWasRevokedStaysSoAfterARestart(t *testing.T) { // req 47, 63, CVE-2022-41316
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := store(t)
			m := open(t, s, c, writ.Config{})
			ended, all, reused, alive := start(t, m, "alice"), start(t, m, "bob"), start(t, m, "carol"), start(t, m, "dave")
			c.advance(afterWindow)
			child := refresh(t, m, reused.Refresh)
			c.advance(afterWindow)
			refresh(t, m, child.Refresh)
			m.Refresh(t.Context(), reused.Refresh, token.Client{})
			if err := errors.Join(m.End(t.Context(), "alice", ended.SessionID), m.EndAll(t.Context(), "bob")); err != nil {
				t.Fatal(err)
			}
			again := open(t, s, c, writ.Config{})
			for _, p := range []*token.Pair{ended, all, reused, child} {
				refused(t, again, p)
			}
			accepted(t, again, alive)
			refresh(t, again, alive.Refresh)
		})
	}
}

func TestKeysOlderThanTheStoreRevokeWhatTheySigned(t *testing.T) {
	c := newClock()
	vault := writ.Vault(memory.Open())
	m := open(t, memory.Open(), c, writ.Config{Keys: vault})
	p := start(t, m, "alice")
	if err := m.End(t.Context(), "alice", p.SessionID); err != nil {
		t.Fatal(err)
	}
	again := open(t, memory.Open(), c, writ.Config{Keys: vault}) // a store in memory has forgotten
	refused(t, again, p)
	accepted(t, again, start(t, again, "alice"))
}

func TestUpdateIsSafeAgainstRaces(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		p := start(t, m, "alice")
		done := make(chan error)
		for range 20 {
			go func() {
				done <- m.Update(t.Context(), p.SessionID, func(s *writ.Session) error {
					n, _ := strconv.Atoi(string(s.Private))
					s.Private = strconv.AppendInt(nil, int64(n+1), 10)
					return nil
				})
			}()
		}
		for range 20 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		s, err := m.Sessions(t.Context(), "alice")
		if err != nil || string(s[0].Private) != "20" {
			t.Errorf("%v, %v: want 20 changes", s, err)
		}
		if err := m.Update(t.Context(), p.SessionID, func(*writ.Session) error { return errDown }); !errors.Is(err, errDown) {
			t.Errorf("the function's error: %v", err)
		}
		if err := m.End(t.Context(), "alice", p.SessionID); err != nil {
			t.Fatal(err)
		}
		if err := m.Update(t.Context(), p.SessionID, func(*writ.Session) error { return nil }); !errors.Is(err, writ.ErrNotFound) {
			t.Errorf("a session that has ended: %v, want ErrNotFound", err)
		}
	})
}

func TestEventsTellWhatHappened(t *testing.T) { // req 101, 100
	c := newClock()
	var events []writ.Event
	m := open(t, memory.Open(), c, writ.Config{Observe: func(_ context.Context, e writ.Event) { events = append(events, e) }})
	p := start(t, m, "alice")
	c.advance(afterWindow)
	next := refresh(t, m, p.Refresh)
	c.advance(afterWindow)
	refresh(t, m, next.Refresh)
	m.Refresh(t.Context(), p.Refresh, token.Client{})
	q := start(t, m, "alice")
	if err := m.End(t.Context(), "alice", q.SessionID); err != nil {
		t.Fatal(err)
	}
	want := []writ.EventKind{writ.Started, writ.Renewed, writ.Renewed, writ.Reused, writ.Started, writ.Ended}
	if len(events) != len(want) {
		t.Fatalf("%d events, want %d", len(events), len(want))
	}
	for i, e := range events {
		if e.Kind != want[i] || e.Subject != "alice" || e.SessionID == "" || e.Time.IsZero() {
			t.Errorf("event %d is %s of %q, want %s of alice", i, e.Kind, e.Subject, want[i])
		}
	}
}

// A sign-in that the store has lost has tokens all the same.
func TestRevokeEndsWhatTheStoreHasLost(t *testing.T) {
	for name, open1 := range stores {
		t.Run(name, func(t *testing.T) {
			c, store := newClock(), &forgetful{Store: open1(t)}
			m := open(t, store, c, writ.Config{})
			p := start(t, m, "alice")
			if _, err := store.Purge(t.Context(), c.now().AddDate(1, 0, 0)); err != nil {
				t.Fatal(err)
			}
			accepted(t, m, p)
			if err := m.Revoke(t.Context(), p.Access); err != nil {
				t.Fatal(err)
			}
			refused(t, m, p)
			refused(t, open(t, store, c, writ.Config{}), p)
		})
	}
}
