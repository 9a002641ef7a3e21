package writ_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

type basket struct {
	Items []string `json:"items"`
}

// visit starts an anonymous session with a basket.
func visit(t *testing.T, m *writ.Manager, items ...string) *token.Pair {
	t.Helper()
	l := writ.Login{Anonymous: true, Private: []byte(fmt.Sprint("private of ", items))}
	if err := l.Claims.SetData(basket{items}); err != nil {
		t.Fatal(err)
	}
	p, err := m.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func session(t *testing.T, m *writ.Manager, p *token.Pair) writ.Session {
	t.Helper()
	s, err := m.Session(t.Context(), verified(t, m, p.Access))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAVisitorSignsInAndKeepsWhatItHas(t *testing.T) { // req 88
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		visitor := visit(t, m, "book")
		p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Visitor: verified(t, m, visitor.Access)})
		if err != nil {
			t.Fatal(err)
		}
		if p.SessionID == visitor.SessionID {
			t.Error("the visitor's ID goes on: whoever knew it is signed in")
		}
		refused(t, m, visitor)
		if s := session(t, m, p); string(s.Private) != "private of [book]" {
			t.Error("the session lacks what was private to the visitor's")
		}
		if b, err := token.Data[basket](verified(t, m, p.Access)); err != nil || len(b.Items) != 1 {
			t.Errorf("the first access token has basket %v, error %v", b, err)
		}

		t.Run("but for what the login brings", func(t *testing.T) {
			visitor := visit(t, m, "book")
			p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Visitor: verified(t, m, visitor.Access), Private: []byte("own")})
			if err != nil {
				t.Fatal(err)
			}
			if s := session(t, m, p); string(s.Private) != "own" || len(s.Claims.Data) == 0 {
				t.Error("the login's own does not win, or drives out the rest")
			}
		})
		t.Run("unless it has ended", func(t *testing.T) {
			visitor := visit(t, m, "book")
			v := verified(t, m, visitor.Access)
			if err := m.Revoke(t.Context(), visitor.Refresh); err != nil {
				t.Fatal(err)
			}
			p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Visitor: v})
			if err != nil {
				t.Fatal(err)
			}
			if s := session(t, m, p); len(s.Private) != 0 {
				t.Error("the data of an ended session goes along")
			}
		})
		t.Run("and nobody but a visitor does", func(t *testing.T) {
			user := verified(t, m, start(t, m, "bob").Access)
			anonymous := verified(t, m, visit(t, m).Access)
			for _, l := range []writ.Login{{Subject: "alice", Visitor: user}, {Anonymous: true, Visitor: anonymous}} {
				if _, err := m.Start(t.Context(), l); err == nil || errors.Is(err, token.ErrUnavailable) {
					t.Errorf("error %v", err)
				}
			}
		})
		t.Run("and by cookies alone nothing is taken over", func(t *testing.T) {
			w := httptest.NewRecorder()
			r := cookies(httptest.NewRequest("POST", "/login", nil), signIn(t, m, writ.Login{Anonymous: true, Private: []byte("planted")}))
			if err := m.SignIn(w, r, writ.Login{Subject: "victim"}); err != nil {
				t.Fatal(err)
			}
			sessions, err := m.Sessions(t.Context(), "victim")
			if err != nil || len(sessions) != 1 || len(sessions[0].Private) != 0 {
				t.Error("the session holds what somebody else's cookie chose")
			}
		})
	})
}

func TestWhatAVisitorWritesWhileItSignsInIsNotLost(t *testing.T) {
	for name, open1 := range stores {
		t.Run(name, func(t *testing.T) {
			store := &failing{Store: open1(t)}
			c := newClock()
			asked := 0
			m := open(t, store, c, writ.Config{OnIssue: func(_ context.Context, s *writ.Session) error {
				if s.Claims.Subject == "alice" {
					asked++
				}
				return nil
			}})
			visitor := visit(t, m, "book")
			v := verified(t, m, visitor.Access)
			// The third write is the one that ends the visitor's session; then it has changed.
			writes := 0
			var count func()
			count = func() {
				if writes++; writes < 3 {
					store.once(count)
					return
				}
				err := m.Update(t.Context(), visitor.SessionID, func(s *writ.Session) error { s.Private = []byte("later"); return nil })
				if err != nil {
					t.Error(err)
				}
			}
			store.once(count)
			p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Visitor: v})
			if err != nil {
				t.Fatal(err)
			}
			if s := session(t, m, p); string(s.Private) != "later" || asked < 2 {
				t.Errorf("what was written last is lost (OnIssue was asked %d times)", asked)
			}
			refused(t, m, visitor)
		})
	}
}

func TestASignInThatIsRefusedLeavesTheVisitorAlone(t *testing.T) {
	c := newClock()
	m := open(t, stores["memory"](t), c, writ.Config{MaxSessions: 1, OnIssue: func(_ context.Context, s *writ.Session) error {
		if s.Claims.Subject == "mallory" {
			return writ.ErrRefused
		}
		return nil
	}})
	visitor := visit(t, m, "book")
	if _, err := m.Start(t.Context(), writ.Login{Subject: "mallory", Visitor: verified(t, m, visitor.Access)}); !errors.Is(err, writ.ErrRefused) {
		t.Fatalf("error %v", err)
	}
	accepted(t, m, visitor)
	c.advance(afterWindow)
	refresh(t, m, visitor.Refresh)
}

func TestAVisitorHasOneHeir(t *testing.T) {
	for name, open1 := range stores {
		t.Run(name, func(t *testing.T) {
			store := &failing{Store: open1(t)}
			c := newClock()
			m, other := open(t, store, c, writ.Config{}), open(t, store.Store, c, writ.Config{})
			visitor := visit(t, m, "voucher")
			v := verified(t, m, visitor.Access)
			var first *token.Pair
			writes := 0
			var count func()
			count = func() {
				if writes++; writes < 3 {
					store.once(count)
					return
				}
				var err error
				if first, err = other.Start(t.Context(), writ.Login{Subject: "mallory", Visitor: v}); err != nil {
					t.Error(err)
				}
			}
			store.once(count)
			second, err := m.Start(t.Context(), writ.Login{Subject: "alice", Visitor: v})
			if err != nil {
				t.Fatal(err)
			}
			a, b := session(t, other, first), session(t, m, second)
			if string(a.Private) != "private of [voucher]" || len(b.Private) != 0 || len(b.Claims.Data) != 0 {
				t.Error("not exactly one of two has what the visitor's session held")
			}
		})
	}
}

// Whoever has stolen a visitor's token, which was revoked before he has signed in, gets nothing.
func TestARevokedTokenInheritsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		visitor := visit(t, m, "voucher")
		v := verified(t, m, visitor.Access)
		if err := m.RevokeToken(t.Context(), v.ID()); err != nil {
			t.Fatal(err)
		}
		p, err := m.Start(t.Context(), writ.Login{Subject: "mallory", Visitor: v})
		if err != nil {
			t.Fatal(err)
		}
		if s := session(t, m, p); len(s.Private) != 0 || len(s.Claims.Data) != 0 {
			t.Error("it has what the visitor's session held")
		}
		accepted(t, m, refresh(t, m, visitor.Refresh))
	})
}

func TestASignInThatCannotBeHandedOutEndsNothing(t *testing.T) {
	c := newClock()
	m := open(t, stores["memory"](t), c, writ.Config{MaxSessions: 1})
	phone, visitor := start(t, m, "alice"), visit(t, m, "book")
	c.advance(time.Second)
	l := writ.Login{Subject: "alice", Visitor: verified(t, m, visitor.Access)}
	for i := range 400 {
		l.Claims.Scope = append(l.Claims.Scope, fmt.Sprint("a-long-scope-", i))
	}
	w := httptest.NewRecorder()
	if err := m.SignIn(w, httptest.NewRequest("POST", "/login", nil), l); err == nil || len(w.Result().Cookies()) != 0 {
		t.Fatalf("error %v", err)
	}
	accepted(t, m, phone)
	accepted(t, m, visitor)
}

func TestAVisitorWhoseEndIsNotAnsweredSignsInAllTheSame(t *testing.T) {
	c := newClock()
	store := &failing{Store: stores["memory"](t)}
	m := open(t, store, c, writ.Config{})
	visitor := visit(t, m, "book")
	v := verified(t, m, visitor.Access)
	writes := 0
	var count func()
	count = func() {
		switch writes++; writes {
		case 1, 2:
			store.once(count)
		case 3:
			store.failAnswer(errDown)
		}
	}
	store.once(count)
	p, err := m.Start(t.Context(), writ.Login{Subject: "alice", Visitor: v})
	if err != nil {
		t.Fatal(err)
	}
	if s := session(t, m, p); string(s.Private) != "private of [book]" {
		t.Error("the basket is gone")
	}
	refused(t, m, visitor)
}

func signIn(t *testing.T, m *writ.Manager, l writ.Login) []*http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := m.SignIn(w, httptest.NewRequest("POST", "/login", nil), l); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()
}

func TestAStoreThatIsAskedAtEveryRequest(t *testing.T) {
	for name, openStore := range stores {
		t.Run(name, func(t *testing.T) {
			store := &failing{Store: openStore(t)}
			c := newClock()
			strict := open(t, store, c, writ.Config{AskStore: true})
			elsewhere := open(t, store, c, writ.Config{}) // whose revocations strict has not heard of: nothing follows
			alice, bob, carol := start(t, strict, "alice"), start(t, strict, "bob"), start(t, strict, "carol")
			accepted(t, strict, alice)
			if err := elsewhere.End(t.Context(), "alice", alice.SessionID); err != nil {
				t.Fatal(err)
			}
			if err := elsewhere.EndAll(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
			if err := elsewhere.MustRefresh(t.Context(), "carol"); err != nil {
				t.Fatal(err)
			}
			for _, p := range []*token.Pair{alice, bob, carol} {
				if _, err := strict.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrRevoked) {
					t.Errorf("error %v, want revoked", err)
				}
			}
			carol = refresh(t, strict, carol.Refresh)
			accepted(t, strict, carol)

			store.fail(errDown, nil)
			if _, err := strict.Verify(t.Context(), carol.Access); !errors.Is(err, token.ErrUnavailable) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("error %v, want that it cannot be told now", err)
			}
			accepted(t, elsewhere, carol)
			store.fail(nil, nil)
			c.advance(11 * time.Minute)
			if _, err := strict.Verify(t.Context(), carol.Access); !errors.Is(err, token.ErrExpired) {
				t.Errorf("error %v, want expired", err)
			}
		})
	}
}
