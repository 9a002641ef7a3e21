package writ_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

func TestRefresh(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		first := start(t, m, "alice")
		again := refresh(t, m, first.Refresh)
		if again.Refresh != "" {
			t.Error("within the window the client is to keep the refresh token that it has")
		}
		accepted(t, m, again)

		c.advance(afterWindow)
		second := refresh(t, m, first.Refresh)
		if second.Refresh == "" || second.Refresh == first.Refresh || second.SessionID != first.SessionID {
			t.Error("after the window the refresh token is not rotated")
		}
		accepted(t, m, second)
		if got, want := verified(t, m, second.Access).AuthTime().Unix(), c.start.Unix(); got != want {
			t.Errorf("auth_time moved by %d s", got-want)
		}

		lost := refresh(t, m, first.Refresh) // the answer to the first was lost
		if lost.Refresh == "" {
			t.Error("a client that lost the answer gets no refresh token")
		}
		accepted(t, m, lost)
		c.advance(afterWindow)
		refresh(t, m, second.Refresh) // any sibling works
	})
}

func TestAThiefWhoGoesOnIsCaught(t *testing.T) { // req 46
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		stolen := start(t, m, "alice")
		other := start(t, m, "alice")
		c.advance(afterWindow)
		next := refresh(t, m, stolen.Refresh)
		c.advance(afterWindow)
		last := refresh(t, m, next.Refresh)
		_, err := m.Refresh(t.Context(), stolen.Refresh, token.Client{})
		if !errors.Is(err, token.ErrReused) {
			t.Fatalf("an older generation: %v, want ErrReused", err)
		}
		// CVE-2026-56750: every token of the session dies, whoever holds it, and at once.
		for _, p := range []*token.Pair{stolen, next, last} {
			refused(t, m, p)
		}
		accepted(t, m, other) // another session of the same user
		refresh(t, m, other.Refresh)
	})
}

// parallel refreshes one token n times at once and counts what came of it.
func parallel(t *testing.T, m *writ.Manager, raw string, n int) (tokens []*token.Pair, later int) {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			p, err := m.Refresh(t.Context(), raw, token.Client{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				tokens = append(tokens, p)
			case errors.Is(err, token.ErrUnavailable) && !errors.Is(err, token.ErrInvalid):
				later++
			default:
				t.Errorf("an honest client was refused: %v", err)
			}
		})
	}
	group.Wait()
	return tokens, later
}

func TestParallelRefreshesOfOneToken(t *testing.T) { // req 45, 57, Keycloak CVE-2026-1035
	for name, store := range stores {
		for _, n := range []int{60, 500} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				var mu sync.Mutex
				counts := map[writ.EventKind]int{}
				c := newClock()
				m := open(t, store(t), c, writ.Config{Observe: func(_ context.Context, e writ.Event) {
					mu.Lock()
					counts[e.Kind]++
					mu.Unlock()
				}})
				first := start(t, m, "alice")
				c.advance(afterWindow)
				tokens, later := parallel(t, m, first.Refresh, n)
				if counts[writ.Renewed] != 1 {
					t.Errorf("%d rotations, want exactly one", counts[writ.Renewed])
				}
				if n == 60 && (later != 0 || counts[writ.Recovered] != 59) {
					t.Errorf("%d recovered and %d told to try later, want 59 and none", counts[writ.Recovered], later)
				}
				if n == 500 && (later == 0 || len(tokens) < 60) {
					t.Errorf("%d answered and %d told to try later, want some of each", len(tokens), later)
				}
				if counts[writ.Ended]+counts[writ.Reused]+counts[writ.Expired] != 0 {
					t.Errorf("somebody was signed out: %v", counts)
				}
				// Nobody is logged out: any of the answers goes on.
				c.advance(afterWindow)
				chosen := tokens[len(tokens)/2]
				next := refresh(t, m, chosen.Refresh)
				accepted(t, m, next)
				// An older generation then presented ends the session, access tokens and all.
				if _, err := m.Refresh(t.Context(), first.Refresh, token.Client{}); !errors.Is(err, token.ErrReused) {
					t.Errorf("the older generation: %v, want ErrReused", err)
				}
				refused(t, m, next)
				refused(t, m, chosen)
			})
		}
	}
}

func TestTheEndOfASession(t *testing.T) {
	for name, test := range map[string]struct {
		after func(c *clock, m *writ.Manager, p *token.Pair) *token.Pair
		want  error
	}{
		"idle for too long": { // req 53
			func(c *clock, _ *writ.Manager, p *token.Pair) *token.Pair { c.advance(31 * time.Minute); return p }, token.ErrExpired},
		"refreshed in time, until the absolute end": { // req 52
			func(c *clock, m *writ.Manager, p *token.Pair) *token.Pair {
				for range 3 {
					c.advance(14 * time.Minute)
					p = refresh(t, m, p.Refresh)
				}
				c.advance(14 * time.Minute)
				last := refresh(t, m, p.Refresh)
				if left := last.AccessExpires.Sub(c.now()); left > 4*time.Minute {
					t.Errorf("an access token outlives its session by %s", left-4*time.Minute)
				}
				c.advance(5 * time.Minute)
				return last
			}, token.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			m := open(t, memory.Open(), c, writ.Config{
				AccessTTL: 10 * time.Minute, AbsoluteTTL: time.Hour, Rotation: shortIdle(30 * time.Minute),
			})
			p := test.after(c, m, start(t, m, "alice"))
			if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, test.want) {
				t.Errorf("error is %v, want %v", err, test.want)
			}
			if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 0 {
				t.Errorf("%d sessions in the list, %v", len(s), err)
			}
		})
	}
}

func TestWhatIsNoRefreshToken(t *testing.T) {
	c := newClock()
	m := open(t, memory.Open(), c, writ.Config{})
	p := start(t, m, "alice")
	stranger := start(t, open(t, memory.Open(), c, writ.Config{}), "alice")
	for name, raw := range map[string]string{
		"nothing":                            "",
		"an access token (req 13)":           p.Access,
		"another ring's (req 55)":            stranger.Refresh,
		"cut short (req 56, CVE-2026-27840)": p.Refresh[:len(p.Refresh)-1],
		"padded (req 56)":                    p.Refresh + "=",
		"with a space":                       " " + p.Refresh,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.Refresh(t.Context(), raw, token.Client{})
			if !errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrUnavailable) {
				t.Errorf("error is %v, want ErrInvalid", err)
			}
		})
	}
	if _, err := m.Verify(t.Context(), p.Refresh); !errors.Is(err, token.ErrInvalid) { // req 13
		t.Errorf("a refresh token as an access token: %v", err)
	}
	accepted(t, m, refresh(t, m, p.Refresh)) // none of it hurt the session
}

func TestARefreshTokenWorksForItsClientOnly(t *testing.T) { // req 50, CVE-2026-55672
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		app, err := m.Start(t.Context(), writ.Login{Subject: "alice", Client: token.Client{ID: "app"}})
		if err != nil {
			t.Fatal(err)
		}
		if id := verified(t, m, app.Access).ClientID(); id != "app" {
			t.Errorf("client_id %q", id)
		}
		for _, id := range []string{"", "other", issuer} {
			if _, err := m.Refresh(t.Context(), app.Refresh, token.Client{ID: id}); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("client %q: %v, want ErrInvalid", id, err)
			}
		}
		c.advance(afterWindow)
		if _, err := m.Refresh(t.Context(), app.Refresh, token.Client{ID: "app"}); err != nil {
			t.Error(err)
		}
	})
}

func TestOnIssueDecides(t *testing.T) { // req 54
	c := newClock()
	var answer error
	scope := []string{"read"}
	m := open(t, memory.Open(), c, writ.Config{OnIssue: func(_ context.Context, s *writ.Session) error {
		s.Claims.Scope = scope
		s.Private = append(s.Private, 'x')
		return answer
	}})
	p := start(t, m, "alice")
	scope = []string{"read", "write"}
	p2 := refresh(t, m, p.Refresh)
	if v := verified(t, m, p2.Access); !v.HasScope("write") {
		t.Error("a changed role does not reach the next token")
	}
	if s, err := m.Sessions(t.Context(), "alice"); err != nil || string(s[0].Private) != "xx" {
		t.Errorf("private data %v, %v: want what OnIssue stored", s, err)
	}

	answer = errDown
	if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrUnavailable) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("a hook that cannot tell: %v, want ErrUnavailable", err)
	}
	answer = nil
	accepted(t, m, refresh(t, m, p.Refresh))

	answer = fmt.Errorf("the account is locked: %w", writ.ErrRefused)
	if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) || !errors.Is(err, writ.ErrRefused) {
		t.Errorf("a hook that refuses: %v", err)
	}
	if _, err := m.Start(t.Context(), writ.Login{Subject: "alice"}); !errors.Is(err, writ.ErrRefused) {
		t.Errorf("a sign-in that is refused: %v", err)
	}
	answer = nil
	refused(t, m, p)
	refused(t, m, p2)
}

func TestOnIssueMayNotMakeSomebodyElse(t *testing.T) {
	c := newClock()
	m := open(t, memory.Open(), c, writ.Config{OnIssue: func(_ context.Context, s *writ.Session) error {
		s.Claims.Subject = "root"
		return nil
	}})
	if p, err := m.Start(t.Context(), writ.Login{Subject: "alice"}); err == nil || p != nil {
		t.Error("a hook changed whose session it is")
	}
}

func TestAStoreThatFailsSignsNobodyOut(t *testing.T) { // req 60, CVE-2020-15223
	c := newClock()
	store := &failing{Store: memory.Open()}
	m := open(t, store, c, writ.Config{})
	p := start(t, m, "alice")
	v := verified(t, m, p.Access)
	c.advance(afterWindow)
	for name, how := range map[string]struct{ before, after error }{
		"it does nothing":                      {before: errDown},
		"it does the work and the answer dies": {after: errDown},
	} {
		t.Run(name, func(t *testing.T) {
			store.fail(how.before, how.after)
			calls := map[string]func() error{
				"Refresh": func() error { _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); return err },
				"Start":   func() error { _, err := m.Start(t.Context(), writ.Login{Subject: "bob"}); return err },
				"Update": func() error {
					return m.Update(t.Context(), p.SessionID, func(s *writ.Session) error { s.Label += "x"; return nil })
				},
				"MustRefresh": func() error { return m.MustRefresh(t.Context(), "alice") },
				"EndOthers":   func() error { _, err := m.EndOthers(t.Context(), v); return err },
			}
			if how.before != nil {
				calls["Sessions"] = func() error { _, err := m.Sessions(t.Context(), "alice"); return err }
				calls["EndAll"] = func() error { return m.EndAll(t.Context(), "alice") }
				calls["Revoke"] = func() error { return m.Revoke(t.Context(), p.Refresh) }
				calls["End"] = func() error { return m.End(t.Context(), "alice", p.SessionID) }
			}
			for call, f := range calls {
				if err := f(); !errors.Is(err, token.ErrUnavailable) || errors.Is(err, token.ErrInvalid) || errors.Is(err, writ.ErrNotFound) {
					t.Errorf("%s: %v, want ErrUnavailable", call, err)
				}
			}
			if _, err := m.Verify(t.Context(), p.Access); err != nil && name == "it does nothing" {
				t.Errorf("a token that needs no store: %v", err)
			}
			store.fail(nil, nil)
			if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); err != nil {
				t.Errorf("after the outage: %v, want the client to go on", err)
			}
		})
	}
}

func TestAStoreThatLostAWriteSignsNobodyOut(t *testing.T) {
	c := newClock()
	store := memory.Open()
	var kinds []writ.EventKind
	m := open(t, store, c, writ.Config{Observe: func(_ context.Context, e writ.Event) { kinds = append(kinds, e.Kind) }})
	p := start(t, m, "alice")
	old, err := store.Load(t.Context(), p.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(afterWindow)
	next := refresh(t, m, p.Refresh)
	now, err := store.Load(t.Context(), p.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	old.Version = now.Version
	if _, err := store.Save(t.Context(), old); err != nil { // a failover that lost the rotation
		t.Fatal(err)
	}
	accepted(t, m, refresh(t, m, next.Refresh))
	if kinds[len(kinds)-1] != writ.Regressed {
		t.Errorf("events %v, want an alarm at the end", kinds)
	}
}

// Of the two writes of a sign-in a failover lost the second, with which the session begins.
func TestASessionWhoseBeginningTheStoreLostGoesOn(t *testing.T) {
	begin := func(t *testing.T) (m, strict *writ.Manager, c *clock, p *token.Pair) {
		c = newClock()
		store := &forgetful{Store: memory.Open()}
		losing := open(t, store, c, writ.Config{OnIssue: func(context.Context, *writ.Session) error { store.loses(true); return nil }})
		p = start(t, losing, "alice")
		store.loses(false)
		c.advance(2 * time.Minute)
		return open(t, store, c, writ.Config{}), open(t, store, c, writ.Config{AskStore: true}), c, p
	}
	_, asks, _, p := begin(t)
	accepted(t, asks, p) // before anything confirms it
	for name, confirm := range map[string]func(t *testing.T, m *writ.Manager, c *clock, p *token.Pair) *token.Pair{
		"a refresh": func(t *testing.T, m *writ.Manager, _ *clock, p *token.Pair) *token.Pair {
			return refresh(t, m, p.Refresh)
		},
		"EndOthers": func(t *testing.T, m *writ.Manager, _ *clock, p *token.Pair) *token.Pair {
			next, err := m.EndOthers(t.Context(), verified(t, m, p.Access))
			if err != nil {
				t.Fatal(err)
			}
			return next
		},
		"MustRefresh": func(t *testing.T, m *writ.Manager, _ *clock, p *token.Pair) *token.Pair {
			if err := m.MustRefresh(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			refused(t, m, &token.Pair{Access: p.Access})
			return refresh(t, m, p.Refresh)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, strict, c, p := begin(t)
			next := confirm(t, m, c, p)
			accepted(t, m, next)
			accepted(t, strict, next)
			if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 1 {
				t.Errorf("%d sessions, %v, want it", len(s), err)
			}
			c.advance(afterWindow)
			next = refresh(t, m, p.Refresh)
			accepted(t, strict, next)
		})
	}
	for name, end := range map[string]func(m *writ.Manager, c *clock) error{
		"EndAll": func(m *writ.Manager, _ *clock) error { return m.EndAll(t.Context(), "alice") },
		"EndAllBefore": func(m *writ.Manager, c *clock) error {
			return m.EndAllBefore(t.Context(), "alice", c.now().Add(-time.Minute))
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, strict, c, p := begin(t)
			p.Access = refresh(t, m, p.Refresh).Access
			if err := end(m, c); err != nil {
				t.Fatal(err)
			}
			refused(t, m, p)
			refused(t, strict, p)
		})
	}
}

func TestAVisitorWhoseBeginningTheStoreLostSignsIn(t *testing.T) {
	c := newClock()
	store := &forgetful{Store: memory.Open()}
	losing := open(t, store, c, writ.Config{OnIssue: func(context.Context, *writ.Session) error { store.loses(true); return nil }})
	visitor := visit(t, losing, "book")
	store.loses(false)
	c.advance(2 * time.Minute)
	m := open(t, store, c, writ.Config{})
	p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Visitor: verified(t, m, visitor.Access)})
	if err != nil {
		t.Fatal(err)
	}
	if s := session(t, m, p); string(s.Private) != "private of [book]" {
		t.Error("it has lost what the visitor's session held")
	}
	refused(t, m, visitor)
}

func TestNothingSecretIsStored(t *testing.T) { // req 55
	c := newClock()
	store := memory.Open()
	m := open(t, store, c, writ.Config{})
	p := start(t, m, "alice")
	row, err := store.Load(t.Context(), p.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{p.Access, p.Refresh} {
		for i := 0; i+24 <= len(raw); i += 8 {
			part := raw[i : i+24]
			if containsBytes(row.Data, part) && part[:4] != "rt1." {
				t.Fatal("a part of a token stands in the store")
			}
		}
	}
	if containsBytes(row.Data, "rt1.") {
		t.Fatal("a refresh token stands in the store")
	}
}

func TestRevokeBesideRefreshLeavesNothingAlive(t *testing.T) { // req 49, Keycloak #51312
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		for range 30 {
			p := start(t, m, "alice")
			c.advance(afterWindow)
			var group sync.WaitGroup
			var mu sync.Mutex
			pairs := []*token.Pair{p}
			group.Go(func() {
				if err := m.EndAll(t.Context(), "alice"); err != nil {
					t.Error(err)
				}
			})
			for range 4 {
				group.Go(func() {
					if next, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); err == nil {
						mu.Lock()
						pairs = append(pairs, next)
						mu.Unlock()
					}
				})
			}
			group.Wait()
			for _, p := range pairs {
				refused(t, m, p)
			}
			c.advance(10 * time.Second)
		}
	})
}

func TestWhatAnotherNodeDoesMeanwhile(t *testing.T) { // req 49
	for name, test := range map[string]struct {
		does  func(other *writ.Manager, p *token.Pair) error
		alive bool
	}{
		"it ends the session": {func(m *writ.Manager, p *token.Pair) error { return m.End(t.Context(), "alice", p.SessionID) }, false},
		"it ends all":         {func(m *writ.Manager, _ *token.Pair) error { return m.EndAll(t.Context(), "alice") }, false},
		"it refreshes too": {func(m *writ.Manager, p *token.Pair) error {
			_, err := m.Refresh(t.Context(), p.Refresh, token.Client{})
			return err
		}, true},
		"it changes the session": {func(m *writ.Manager, p *token.Pair) error {
			return m.Update(t.Context(), p.SessionID, func(s *writ.Session) error { s.Label = "x"; return nil })
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			shared := memory.Open()
			store := &failing{Store: shared}
			here, there := open(t, store, c, writ.Config{}), open(t, shared, c, writ.Config{})
			for call, f := range map[string]func(p *token.Pair) (*token.Pair, error){
				"Refresh": func(p *token.Pair) (*token.Pair, error) { return here.Refresh(t.Context(), p.Refresh, token.Client{}) },
				"EndOthers": func(p *token.Pair) (*token.Pair, error) {
					return here.EndOthers(t.Context(), verified(t, here, p.Access))
				},
			} {
				p := start(t, here, "alice")
				c.advance(afterWindow)
				store.once(func() {
					if err := test.does(there, p); err != nil {
						t.Error(err)
					}
				})
				got, err := f(p)
				if test.alive {
					if err != nil {
						t.Fatalf("%s: %v", call, err)
					}
					accepted(t, here, got)
				} else if !errors.Is(err, token.ErrRevoked) || got != nil {
					t.Errorf("%s: %v, want ErrRevoked", call, err)
				}
			}
		})
	}
}

func TestTwoNodesRefreshingOneToken(t *testing.T) { // req 45
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := store(t)
			nodes := []*writ.Manager{open(t, s, c, writ.Config{}), open(t, s, c, writ.Config{})}
			p := start(t, nodes[0], "alice")
			c.advance(afterWindow)
			var group sync.WaitGroup
			for i := range 40 {
				group.Go(func() {
					if _, err := nodes[i%2].Refresh(t.Context(), p.Refresh, token.Client{}); err != nil && !errors.Is(err, token.ErrUnavailable) {
						t.Errorf("an honest client was refused: %v", err)
					}
				})
			}
			group.Wait()
			refresh(t, nodes[1], p.Refresh)
		})
	}
}

// A MAC key that this node cannot look up now is not a forgery.
func TestUnknownKeysAreAskedForOnce(t *testing.T) {
	c := newClock()
	store := &failing{Store: memory.Open()}
	m := open(t, store, c, writ.Config{})
	stranger := start(t, open(t, memory.Open(), c, writ.Config{}), "alice")
	c.advance(11 * time.Second)
	store.fail(errDown, nil)
	if _, err := m.Refresh(t.Context(), stranger.Refresh, token.Client{}); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("keys cannot be read: %v, want ErrUnavailable", err)
	}
	store.fail(nil, nil)
	c.advance(11 * time.Second)
	if _, err := m.Refresh(t.Context(), stranger.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("keys were read: %v, want ErrInvalid", err)
	}
}

var _ revocation.Source = (*failing)(nil)
