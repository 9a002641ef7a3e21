package writ_test

import (
	"errors"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

func TestEndAllBefore(t *testing.T) { // req 59, 66
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		old, kept, bob := start(t, m, "alice"), start(t, m, "alice"), start(t, m, "bob")
		visitor, err := m.Start(t.Context(), writ.Login{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		c.advance(afterWindow)
		theft := c.now()
		c.advance(time.Minute)
		young := start(t, m, "alice")
		c.advance(time.Minute)
		later := refresh(t, m, old.Refresh) // its stamps lie after the theft
		risen, err := m.EndOthers(t.Context(), verified(t, m, kept.Access))
		if err != nil {
			t.Fatal(err)
		}
		younger := start(t, m, "alice")
		for range 2 { // again is no error
			if err := m.EndAllBefore(t.Context(), "alice", theft); err != nil {
				t.Fatal(err)
			}
			for _, p := range []*token.Pair{old, later, kept, risen, young} { // the last by EndOthers
				refused(t, m, p)
			}
			for _, p := range []*token.Pair{younger, bob, visitor, start(t, m, "alice")} {
				accepted(t, m, p)
				refresh(t, m, p.Refresh)
			}
		}
		if err := m.EndAllBefore(t.Context(), verified(t, m, visitor.Access).Subject(), theft); err != nil {
			t.Fatal(err)
		}
		refused(t, m, visitor)

		for name, at := range map[string]time.Time{"no time": {}, "a time to come": c.now().Add(time.Minute)} {
			if err := m.EndAllBefore(t.Context(), "alice", at); err == nil || errors.Is(err, token.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		accepted(t, m, younger)
		if m.EndAllBefore(t.Context(), "", theft) == nil {
			t.Error("nobody's sessions were ended")
		}
	})
}

func TestEndAllBeforeSparesWhatBeganLater(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		old := start(t, m, "alice")
		theft := c.now()
		c.advance(10*time.Second + time.Millisecond) // twice Skew
		young := start(t, m, "alice")
		if err := m.EndAllBefore(t.Context(), "alice", theft); err != nil {
			t.Fatal(err)
		}
		refused(t, m, old)
		accepted(t, m, young)
		accepted(t, m, refresh(t, m, young.Refresh))
	})
}

func TestEndAllBeforeWinsOverANodeWhoseClockIsAhead(t *testing.T) {
	c, ahead := newClock(), newClock()
	ahead.start = c.start.Add(5 * time.Second) // Skew
	store := memory.Open()
	here, there := open(t, store, c, writ.Config{}), open(t, store, ahead, writ.Config{})
	p := start(t, there, "alice")
	theft := c.now()
	c.advance(time.Minute)
	ahead.advance(time.Minute)
	p.Access = refresh(t, there, p.Refresh).Access
	if err := here.EndAllBefore(t.Context(), "alice", theft); err != nil {
		t.Fatal(err)
	}
	refused(t, here, p)
	if _, err := there.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("at the other node: %v, want it refused", err)
	}
}

// What a row that cannot be had keeps alive is said, and what was issued by then ends all the same.
func TestEndAllBeforeSaysWhatItCouldNotEnd(t *testing.T) { // req 60
	c := newClock()
	store := &failing{Store: memory.Open()}
	m := open(t, store, c, writ.Config{})
	p := start(t, m, "alice")
	theft := c.now()
	c.advance(time.Minute)
	store.fail(errDown, nil)
	if err := m.EndAllBefore(t.Context(), "alice", theft); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("the store is down: %v, want ErrUnavailable", err)
	}
	store.fail(nil, nil)
	accepted(t, m, p)
	store.failList(errDown)
	if err := m.EndAllBefore(t.Context(), "alice", theft); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("its sessions cannot be listed: %v, want ErrUnavailable", err)
	}
	refused(t, m, p)
	store.failList(nil)
	if err := m.EndAllBefore(t.Context(), "alice", theft); err != nil {
		t.Error(err)
	}
}

func TestEndEverything(t *testing.T) { // req 59
	for name, openStore := range stores {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := openStore(t)
			m := open(t, store, c, writ.Config{})
			unaware := open(t, store, c, writ.Config{})
			visitor, err := m.Start(t.Context(), writ.Login{Anonymous: true})
			if err != nil {
				t.Fatal(err)
			}
			alive := []*token.Pair{start(t, m, "alice"), start(t, m, "bob"), visitor}
			for range 3 { // in one microsecond
				if err := m.EndEverything(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, p := range alive {
					refused(t, m, p)
					if _, err := unaware.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
						t.Errorf("at a node that has not heard of it: %v", err)
					}
				}
				alive = []*token.Pair{start(t, m, "alice"), start(t, unaware, "bob")}
				for _, p := range alive {
					accepted(t, m, p)
					next := refresh(t, m, p.Refresh)
					accepted(t, m, next)
				}
				kept, err := m.EndOthers(t.Context(), verified(t, m, alive[0].Access)) // gives it a higher stamp
				if err != nil {
					t.Fatal(err)
				}
				accepted(t, m, kept)
				alive = append(alive, &token.Pair{Access: kept.Access})
			}
			again := open(t, store, c, writ.Config{})
			refused(t, again, visitor)
			accepted(t, again, alive[1])
			if s, err := again.Sessions(t.Context(), "bob"); err != nil || len(s) != 1 {
				t.Errorf("%d sessions, %v, want the last", len(s), err)
			}
			c.advance(13 * 24 * time.Hour) // a refresh token is good for longer
			if _, err := store.Purge(t.Context(), c.now()); err != nil {
				t.Fatal(err)
			}
			again = open(t, store, c, writ.Config{})
			refused(t, again, visitor)
			refresh(t, again, alive[1].Refresh)
		})
	}
}

func TestEndEverythingOnANodeThatIsBehind(t *testing.T) {
	c, ahead := newClock(), newClock()
	ahead.start = c.start.Add(5 * time.Second) // Skew
	store := &failing{Store: memory.Open()}
	there, here := open(t, store, ahead, writ.Config{}), open(t, store, c, writ.Config{})
	unaware := open(t, store, c, writ.Config{})
	p := start(t, there, "alice")
	risen, err := there.EndOthers(t.Context(), verified(t, there, p.Access))
	if err != nil {
		t.Fatal(err)
	}
	if err := here.EndEverything(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, here, p)
	refused(t, here, risen)

	p = start(t, there, "alice") // above the cutoff, which it finds in the store
	if err := unaware.EndEverything(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, unaware, p)
	store.fail(errDown, nil)
	if err := here.EndEverything(t.Context()); !errors.Is(err, token.ErrUnavailable) { // req 60
		t.Errorf("the store is down: %v, want ErrUnavailable", err)
	}
}
