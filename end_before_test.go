package writ_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
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

// What a session was given after the theft ends with it, however far the first call got.
func TestEndAllBeforeAgainFinishesIt(t *testing.T) { // req 60
	for name, test := range map[string]struct {
		fails func(store *failing)
		ended bool // by the first call
	}{
		"the rows cannot be had":        {func(store *failing) { store.once(func() { store.fail(errDown, nil) }) }, true}, // once the log has it
		"its sessions cannot be listed": {func(store *failing) { store.failList(errDown) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := &failing{Store: memory.Open()}
			m := open(t, store, c, writ.Config{})
			p := start(t, m, "alice")
			c.advance(10 * time.Minute)
			theft := c.now()
			c.advance(2 * time.Minute)
			thief := refresh(t, m, p.Refresh)
			test.fails(store)
			if err := m.EndAllBefore(t.Context(), "alice", theft); !errors.Is(err, token.ErrUnavailable) {
				t.Fatalf("error %v, want ErrUnavailable", err)
			}
			store.fail(nil, nil)
			store.failList(nil)
			if test.ended {
				refused(t, m, thief)
				refused(t, open(t, store, c, writ.Config{}), thief)
			}
			if err := m.EndAllBefore(t.Context(), "alice", theft); err != nil {
				t.Fatal(err)
			}
			refused(t, m, thief)
			refused(t, open(t, store, c, writ.Config{}), thief)
			c.advance(24 * time.Hour) // its entry is no more, and the row has ended
			if _, err := store.Purge(t.Context(), c.now()); err != nil {
				t.Fatal(err)
			}
			refused(t, open(t, store, c, writ.Config{}), &token.Pair{Refresh: thief.Refresh})
		})
	}
}

// Whoever comes second acknowledges nothing that the first has yet to do, and may never do.
func TestEndAllBeforeByTwoNodesAtOnce(t *testing.T) {
	for name, between := range map[string]func(store *failing, second func()){
		"before the first tells the log": func(store *failing, second func()) { store.once(second) },
		"before it writes a row":         func(store *failing, second func()) { store.once(func() { store.once(second) }) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			shared := memory.Open()
			store := &failing{Store: shared}
			a, b := open(t, store, c, writ.Config{}), open(t, shared, c, writ.Config{})
			p := start(t, a, "alice")
			c.advance(10 * time.Minute)
			theft := c.now()
			c.advance(2 * time.Minute)
			thief := refresh(t, a, p.Refresh)
			between(store, func() {
				if err := b.EndAllBefore(t.Context(), "alice", theft); err != nil {
					t.Error(err)
				}
				refused(t, b, thief)
				store.fail(errDown, nil)
			})
			a.EndAllBefore(t.Context(), "alice", theft)
			store.fail(nil, nil)
			if err := a.EndAllBefore(t.Context(), "alice", theft); err != nil {
				t.Fatal(err)
			}
			refused(t, a, thief)
			refused(t, open(t, shared, c, writ.Config{}), thief)
		})
	}
}

// A node that has not heard that another ended a session says so itself, if it is asked to end it.
func TestEndAllBeforeHearsWhatAnotherNodeEnded(t *testing.T) {
	c := newClock()
	store := memory.Open()
	here, there := open(t, store, c, writ.Config{}), open(t, store, c, writ.Config{})
	p := start(t, here, "alice")
	c.advance(10 * time.Minute)
	theft := c.now()
	c.advance(2 * time.Minute)
	thief := refresh(t, here, p.Refresh)
	if err := there.End(t.Context(), "alice", p.SessionID); err != nil {
		t.Fatal(err)
	}
	if err := here.EndAllBefore(t.Context(), "alice", theft); err != nil {
		t.Fatal(err)
	}
	refused(t, here, thief)
}

// unreadable makes a session's row one of a version to come.
func unreadable(t *testing.T, store writ.Store, id string) {
	t.Helper()
	row, err := store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	row.Data = []byte(`{"v":99}`)
	if _, err := store.Save(t.Context(), row); err != nil {
		t.Fatal(err)
	}
}

func TestARowThatCannotBeReadKeepsNoOtherSessionAlive(t *testing.T) {
	for name, revoke := range map[string]func(m *writ.Manager, theft time.Time) error{
		"EndAllBefore": func(m *writ.Manager, theft time.Time) error { return m.EndAllBefore(t.Context(), "alice", theft) },
		"EndAll":       func(m *writ.Manager, _ time.Time) error { return m.EndAll(t.Context(), "alice") },
		"MustRefresh":  func(m *writ.Manager, _ time.Time) error { return m.MustRefresh(t.Context(), "alice") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := memory.Open()
			m := open(t, store, c, writ.Config{})
			var pairs []*token.Pair
			for range 5 {
				pairs = append(pairs, start(t, m, "alice"))
			}
			c.advance(10 * time.Minute)
			theft := c.now()
			c.advance(2 * time.Minute)
			for _, p := range pairs {
				p.Access = refresh(t, m, p.Refresh).Access
			}
			unreadable(t, store, pairs[2].SessionID)
			for range 2 {
				if err := revoke(m, theft); !errors.Is(err, token.ErrUnavailable) {
					t.Errorf("error %v, want that one may be alive", err)
				}
			}
			for i, p := range pairs {
				if i != 2 {
					refused(t, m, &token.Pair{Access: p.Access})
				}
			}
		})
	}
}

// lossy has lost the rows of all sessions, but for those of one owner.
type lossy struct {
	writ.Store
	lost bool
	but  string
}

func (l *lossy) Load(ctx context.Context, id string) (writ.Row, error) {
	row, err := l.Store.Load(ctx, id)
	if err == nil && l.lost && row.Owner != "" && row.Owner != l.but {
		return writ.Row{}, writ.ErrNotFound
	}
	return row, err
}

func (l *lossy) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	if l.lost && owner != l.but {
		return nil, nil
	}
	return l.Store.List(ctx, owner, after, limit)
}

func TestAVisitorWhoseRowIsLostEndsAllTheSame(t *testing.T) {
	for name, end := range map[string]func(m *writ.Manager, c *clock, subject string) error{
		"EndAll": func(m *writ.Manager, _ *clock, subject string) error { return m.EndAll(t.Context(), subject) },
		"EndAllBefore": func(m *writ.Manager, c *clock, subject string) error {
			return m.EndAllBefore(t.Context(), subject, c.now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := &lossy{Store: memory.Open(), but: "bob"}
			m := open(t, store, c, writ.Config{})
			visitor, other := visit(t, m, "book"), visit(t, m, "pen")
			alice, bob := start(t, m, "alice"), start(t, m, "bob")
			subject := verified(t, m, visitor.Access).Subject()
			store.lost = true
			c.advance(time.Minute)
			for range 2 { // again is no error
				if err := end(m, c, subject); err != nil {
					t.Fatal(err)
				}
				refused(t, m, &token.Pair{Access: visitor.Access})
				refused(t, open(t, store, c, writ.Config{}), &token.Pair{Access: visitor.Access})
			}
			// Nobody's, and a user's sessions, whose IDs are no visitors', with a row and without.
			for _, subject := range []string{token.Anonymous(""), token.Anonymous("x"), token.Anonymous(alice.SessionID), token.Anonymous(bob.SessionID)} {
				if err := end(m, c, subject); err != nil {
					t.Error(err)
				}
			}
			for _, p := range []*token.Pair{other, alice, bob} {
				accepted(t, m, p)
			}
			refresh(t, m, bob.Refresh)
		})
	}
}

// Times so far off that they wrap around as microseconds are neither past nor a cutoff.
func TestEndAllBeforeIsForATimeThatIsOne(t *testing.T) {
	now := time.Now()
	for _, at := range []time.Time{
		time.Unix(-now.UnixMilli()*10, 0), time.Unix(-now.UnixNano(), 0), time.Unix(-1<<44, 0), time.Unix(-1<<60, 0), time.Unix(math.MinInt64, 0),
		time.Unix(math.MaxInt64, 0), time.Unix(1<<62, 0), time.Unix(1<<44, 0), time.UnixMicro(math.MaxInt64), time.UnixMicro(math.MinInt64),
		time.Unix(-1<<63+62135596800, 0).Add(-time.Second), time.Date(-290000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		m := open(t, memory.Open(), newClock(), writ.Config{})
		p := start(t, m, "alice")
		if err := m.EndAllBefore(t.Context(), "alice", at); err == nil || errors.Is(err, token.ErrUnavailable) {
			t.Errorf("%d: %v", at.Unix(), err)
		}
		accepted(t, m, p)
		start(t, m, "alice")
	}
}

// hanging never answers a Load.
type hanging struct {
	writ.Store
	hangs bool
}

func (h *hanging) Load(ctx context.Context, id string) (writ.Row, error) {
	if !h.hangs {
		return h.Store.Load(ctx, id)
	}
	<-ctx.Done()
	return writ.Row{}, ctx.Err()
}

func TestEndAllBeforeGivesUpOnAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, c := &hanging{Store: memory.Open()}, newClock()
		m := open(t, store, c, writ.Config{})
		var pairs []*token.Pair
		for range 50 {
			pairs = append(pairs, start(t, m, "alice"))
		}
		c.advance(time.Minute)
		store.hangs = true
		began := time.Now()
		if err := m.EndAllBefore(t.Context(), "alice", c.now()); !errors.Is(err, token.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
		for _, p := range pairs { // the log has it
			refused(t, m, &token.Pair{Access: p.Access})
		}
		store.hangs = false
		if err := m.EndAllBefore(t.Context(), "alice", c.now()); err != nil {
			t.Fatal(err)
		}
		again := open(t, store, c, writ.Config{})
		for _, p := range pairs {
			refused(t, again, p)
		}
	})
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
