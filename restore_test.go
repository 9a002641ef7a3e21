package writ_test

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

// forgetful acknowledges writes and loses them, as a primary does that fails before its replica has them.
type forgetful struct {
	writ.Store
	mu   sync.Mutex
	lose bool
}

func (f *forgetful) loses(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lose = yes
}

func (f *forgetful) losing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lose
}

func (f *forgetful) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if !f.losing() {
		return f.Store.Save(ctx, row, entries...)
	}
	row.Version = row.NextVersion()
	for _, e := range entries {
		if e.Kind == revocation.Subject {
			row.Cutoff = max(row.Cutoff, e.Before)
		}
	}
	return row, nil
}

func (f *forgetful) Append(ctx context.Context, entries ...revocation.Entry) error {
	if !f.losing() {
		return f.Store.Append(ctx, entries...)
	}
	return nil
}

func TestALivingNodeGivesBackWhatTheStoreLost(t *testing.T) {
	for name, test := range map[string]struct {
		// lost is what the store acknowledges and loses; mine is the session that does it.
		lost func(t *testing.T, m *writ.Manager, mine, other *token.Pair) *token.Pair
		// Which of the two live afterwards.
		mine, other bool
	}{
		"a logout": {func(t *testing.T, m *writ.Manager, mine, other *token.Pair) *token.Pair {
			if err := m.Revoke(t.Context(), mine.Refresh); err != nil {
				t.Fatal(err)
			}
			return mine
		}, false, true},
		"the end of all": {func(t *testing.T, m *writ.Manager, mine, other *token.Pair) *token.Pair {
			if err := m.EndAll(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			return mine
		}, false, false},
		"the end of all others": {func(t *testing.T, m *writ.Manager, mine, other *token.Pair) *token.Pair {
			p, err := m.EndOthers(t.Context(), verified(t, m, mine.Access))
			if err != nil {
				t.Fatal(err)
			}
			p.Refresh = mine.Refresh
			return p
		}, true, false},
		"a refresh": {func(t *testing.T, m *writ.Manager, mine, other *token.Pair) *token.Pair {
			return refresh(t, m, mine.Refresh)
		}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &forgetful{Store: memory.Open()}
				var mu sync.Mutex
				alarms := 0
				config := writ.Config{Issuer: issuer, Secret: testSecret, Store: store, Observe: func(_ context.Context, e writ.Event) {
					if e.Kind == writ.Regressed {
						mu.Lock()
						defer mu.Unlock()
						alarms++
					}
				}}
				m, err := writ.Open(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				ctx, stop := context.WithCancel(t.Context())
				running := make(chan error)
				go func() { running <- m.Run(ctx) }()
				defer func() { stop(); <-running }()

				mine, other := start(t, m, "alice"), start(t, m, "alice")
				time.Sleep(2 * time.Minute)
				store.loses(true)
				mine = test.lost(t, m, mine, other)
				store.loses(false)
				// At once, before anything was given back.
				judge := func(m *writ.Manager) {
					t.Helper()
					for p, lives := range map[*token.Pair]bool{mine: test.mine, other: test.other} {
						pair, err := m.Refresh(t.Context(), p.Refresh, token.Client{})
						if lives != (err == nil) || err != nil && !errors.Is(err, token.ErrInvalid) {
							t.Errorf("refresh: %v, want that it lives: %v", err, lives)
						}
						if _, err := m.Verify(t.Context(), p.Access); lives != (err == nil) {
							t.Errorf("access: %v, want that it lives: %v", err, lives)
						}
						if err == nil {
							*p = token.Pair{Access: pair.Access, Refresh: cmp.Or(pair.Refresh, p.Refresh)}
							accepted(t, m, p)
						}
					}
				}
				if name != "a refresh" { // whose loss shows itself only when the token comes back
					time.Sleep(11 * time.Second)
					mu.Lock()
					if alarms == 0 { // there may be more than one: losses are found as they come to light
						t.Error("no alarm")
					}
					mu.Unlock()
				}
				judge(m)

				// A node that begins now has heard nothing but what the log says.
				late, err := writ.Open(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				judge(late)
				mu.Lock()
				defer mu.Unlock()
				if alarms == 0 {
					t.Error("no alarm")
				}
			})
		})
	}
}

func TestWhatWasGivenBackOutlivesTheEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &forgetful{Store: memory.Open()}
		config := writ.Config{Issuer: issuer, Secret: testSecret, Store: store, Observe: func(context.Context, writ.Event) {}}
		m, err := writ.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		ctx, stop := context.WithCancel(t.Context())
		running := make(chan error)
		go func() { running <- m.Run(ctx) }()
		defer func() { stop(); <-running }()

		p := start(t, m, "alice")
		store.loses(true)
		if err := m.Revoke(t.Context(), p.Refresh); err != nil {
			t.Fatal(err)
		}
		store.loses(false)
		time.Sleep(24 * time.Hour) // no log and no list has the entry any more
		if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%v: the session came back to life", err)
		}
	})
}

// A row that this program cannot read keeps no other session alive, and is not tried for ever.
func TestARowThatCannotBeReadDoesNotKeepOthersFromEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.Open()
		store := &forgetful{Store: inner}
		var mu sync.Mutex
		told := map[writ.EventKind]int{}
		m, err := writ.Open(t.Context(), writ.Config{Issuer: issuer, Secret: testSecret, Store: store, Observe: func(_ context.Context, e writ.Event) {
			mu.Lock()
			defer mu.Unlock()
			told[e.Kind]++
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		ctx, stop := context.WithCancel(t.Context())
		running := make(chan error)
		go func() { running <- m.Run(ctx) }()
		defer func() { stop(); <-running }()

		var pairs []*token.Pair
		for range 20 {
			pairs = append(pairs, start(t, m, "alice"))
		}
		store.loses(true)
		for _, p := range pairs {
			if err := m.Revoke(t.Context(), p.Refresh); err != nil {
				t.Fatal(err)
			}
		}
		store.loses(false)
		unreadable(t, inner, pairs[7].SessionID)
		time.Sleep(24 * time.Hour)
		for i, p := range pairs {
			_, err := m.Refresh(t.Context(), p.Refresh, token.Client{})
			if want := token.ErrInvalid; i != 7 && !errors.Is(err, want) {
				t.Errorf("session %d: %v", i, err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if told[writ.Regressed] == 0 || told[writ.Failed] != 1 {
			t.Errorf("told %v, want an alarm and one row that cannot be read", told)
		}
	})
}

// What is given back spares a session from the cutoff that it came with, and from nothing else.
func TestWhatIsGivenBackUndoesNoEnd(t *testing.T) {
	for name, lost := range map[string]func(t *testing.T, m *writ.Manager, p *token.Pair) error{
		"EndOthers": func(t *testing.T, m *writ.Manager, p *token.Pair) error {
			_, err := m.EndOthers(t.Context(), verified(t, m, p.Access))
			return err
		},
		"MustRefresh": func(t *testing.T, m *writ.Manager, _ *token.Pair) error { return m.MustRefresh(t.Context(), "alice") },
	} {
		for what, end := range map[string]func(m *writ.Manager, mine, other *token.Pair) error{
			"EndAll": func(m *writ.Manager, _, _ *token.Pair) error { return m.EndAll(context.Background(), "alice") },
			"EndOthers of another": func(m *writ.Manager, _, other *token.Pair) error {
				v, err := m.Verify(context.Background(), other.Access)
				if err == nil {
					_, err = m.EndOthers(context.Background(), v)
				}
				return err
			},
		} {
			t.Run(name+" lost, then "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := &forgetful{Store: memory.Open()}
					quiet := func(context.Context, writ.Event) {}
					here := newClock()
					a := open(t, store, here, writ.Config{Observe: quiet})
					ahead := func() time.Time { return time.Now().Add(4 * time.Second) } // within Skew
					b, err := writ.Open(t.Context(), writ.Config{Issuer: issuer, Secret: testSecret, Store: store, Observe: quiet, Now: ahead})
					if err != nil {
						t.Fatal(err)
					}
					ctx, stop := context.WithCancel(t.Context())
					running := make(chan error)
					go func() { running <- b.Run(ctx) }()
					defer func() { stop(); <-running }()

					mine, other := start(t, a, "alice"), start(t, a, "alice")
					time.Sleep(time.Second)
					store.loses(true)
					if err := lost(t, b, mine); err != nil {
						t.Fatal(err)
					}
					store.loses(false)
					here.advance(2 * time.Second)
					if err := end(a, mine, other); err != nil {
						t.Fatal(err)
					}
					time.Sleep(15 * time.Second)
					for _, m := range []*writ.Manager{a, b, open(t, store, here, writ.Config{Observe: quiet})} {
						if _, err := m.Refresh(t.Context(), mine.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
							t.Errorf("%v: alive again", err)
						}
					}
				})
			})
		}
	}
}

// Entries revoke, and nothing else, whoever writes them.
func TestNoEntryBringsASessionBack(t *testing.T) {
	for name, open1 := range stores {
		t.Run(name, func(t *testing.T) {
			c, store := newClock(), open1(t)
			m := open(t, store, c, writ.Config{})
			p := start(t, m, "alice")
			if err := m.EndAll(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []revocation.Kind{revocation.Session, revocation.Subject, revocation.Token} {
				e := revocation.Entry{Kind: kind, ID: p.SessionID, Before: c.now().Add(time.Minute).UnixMicro(), Expires: c.now().Add(time.Hour)}
				if err := store.Append(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			refused(t, open(t, store, c, writ.Config{}), p)
		})
	}
}
