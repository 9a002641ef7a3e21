package faults_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// noticing is how soon a node notices that its store was put back, and has put right what it can. It
// asks the store every 200 ms, and after an error a second later.
const noticing = 15 * time.Second

// alarms counts what an operator is told.
type alarms struct {
	mu    sync.Mutex
	kinds map[writ.EventKind]int
	whole int // those of the store, and of no session
}

func (a *alarms) observe(e writ.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kinds == nil {
		a.kinds = map[writ.EventKind]int{}
	}
	a.kinds[e.Kind]++
	if e.Kind == writ.Regressed && e.SessionID == "" {
		a.whole++
	}
}

func (a *alarms) of(k writ.EventKind) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kinds[k]
}

func (a *alarms) ofTheStore() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.whole
}

// eachPutBack runs a test on every store that can be put back to an older copy while nodes live.
func eachPutBack(t *testing.T, test func(t *testing.T, p place)) {
	eachBackend(t, func(t *testing.T, b backend) {
		p := b.own(t)
		if p.copies == nil {
			t.Skip("nobody can put the store back")
		}
		t.Parallel()
		test(t, p)
	})
}

func TestAStoreThatWasPutBackUndoesNothingThatALivingNodeKnew(t *testing.T) {
	eachPutBack(t, func(t *testing.T, p place) {
		c := newClock()
		told := []*alarms{{}, {}}
		var all []node
		for i := range 2 {
			all = append(all, local{run(t, config(p.open(t, nil), c.Now, told[i].observe)), c.Now})
		}
		w := newWorld(t, c, all...)
		sign := func(name string) *held {
			s := w.start(all[0], name)
			if s == nil {
				t.Fatal("a sign-in failed")
			}
			return s
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		renew := func(s *held, n node) {
			t.Helper()
			_, err := w.refresh(n, s, s.token(), false)
			must(err)
		}

		// All of these are in the copy.
		honest := []*held{sign("rotated once"), sign("rotated twice"), sign("recovered"), sign("untouched"), sign("in use")}
		ended, endedAll, other, mine, renewed := sign("ended"), sign("ended all"), sign("others"), sign("others"), sign("ended later")
		p.copies.Copy()

		c.advance(afterWindow)
		for _, s := range append(honest[:3:3], honest[4], renewed) {
			renew(s, all[0])
		}
		parent := honest[2].tokens[0]
		_, err := w.refresh(all[1], honest[2], parent, false) // the answer was lost
		must(err)
		c.advance(afterWindow)
		renew(honest[1], all[1])
		must(all[0].end("ended", ended.sid))
		must(all[0].endAll("ended all"))
		must(all[1].end("ended later", renewed.sid))
		v, err := all[0].(local).Verify(t.Context(), mine.access[0])
		must(err)
		replaced, err := all[0].(local).EndOthers(t.Context(), v)
		must(err)
		must(all[0].(local).MustRefresh(t.Context(), "untouched"))
		dead := []*held{ended, endedAll, other, renewed}
		spent := []string{mine.access[0], honest[3].access[0]}
		for _, s := range dead {
			spent = append(spent, s.access...)
		}
		allRefused(t, all, spent) // both nodes have read it

		// Somebody refreshes all the while.
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			s := honest[4]
			for i := 0; i < 10_000; i++ {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				if _, err := all[i%2].refresh(s.token()); errors.Is(err, token.ErrInvalid) {
					t.Errorf("a user was signed out while the store was put back: %v", err)
					return
				}
			}
		}()
		p.copies.PutBack()
		back := time.Now()

		for i, n := range all {
			for _, raw := range spent {
				if err := n.verify(raw); !errors.Is(err, token.ErrInvalid) {
					t.Errorf("node %d has forgotten a revocation: %v", i, err)
				}
			}
		}
		for _, s := range dead {
			w.refused(s, s.token(), "a session that ended before its store was put back") // at once
		}
		for i := range all {
			if !within(noticing, func() bool { return told[i].ofTheStore() > 0 }) {
				t.Errorf("node %d raised no alarm that the store was put back", i)
			}
		}
		t.Logf("both nodes noticed within %s", time.Since(back).Round(time.Millisecond))
		close(stop)
		<-stopped

		// A node that comes now never saw what was revoked.
		third := local{run(t, config(p.open(t, nil), c.Now, nil)), c.Now}
		fresh := append(all, third)
		for _, s := range dead {
			if _, err := third.refresh(s.token()); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("a new node refreshes the session %q, which had ended: %v", s.subject, err)
			}
		}
		allRefused(t, fresh, spent)

		// Nobody else is signed out, by any node.
		for _, s := range append(honest, mine) {
			for range 2 {
				for i, n := range fresh {
					err := again(t, "a refresh", func() error { _, err := w.refresh(n, s, s.token(), false); return err })
					if err != nil {
						t.Errorf("node %d signs out the user %q: %v", i, s.subject, err)
					}
				}
				c.advance(afterWindow)
			}
		}
		if err := third.verify(replaced.Access); err != nil {
			t.Errorf("what EndOthers gave: %v", err)
		}
		if told[0].of(writ.Regressed)+told[1].of(writ.Regressed) <= 2 {
			t.Error("no alarm says that a refresh token is newer than the store")
		}
		if n := told[0].of(writ.Reused) + told[1].of(writ.Reused); n > 0 {
			t.Errorf("%d refreshes were taken for theft", n)
		}
		if w.start(third, "afterwards") == nil {
			t.Error("nobody can sign in")
		}

		// The log forgets a logout when no access token of the session can be alive. The row does not.
		c.advance(token.MaxTTL + time.Hour)
		store := p.open(t, nil)
		for more := true; more; {
			var err error
			more, err = store.Purge(t.Context(), c.Now())
			must(err)
		}
		fourth := local{run(t, config(store, c.Now, nil)), c.Now}
		for _, s := range dead {
			if _, err := fourth.refresh(s.token()); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("when the log has forgotten it, a new node refreshes the session %q, which had ended: %v", s.subject, err)
			}
		}
	})
}

// within waits until something is so.
func within(d time.Duration, is func() bool) bool {
	for deadline := time.Now().Add(d); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return is()
}
