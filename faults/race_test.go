package faults_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ/token"
)

const (
	racers     = 4 // that present one token at once
	raceRounds = 5 // of one session
	atATime    = 8 // sessions
)

// eachOf calls do for 0 to n-1, some at a time.
func eachOf(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range atATime {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// atOnce calls every do at the same time, and returns when all have returned.
func atOnce(do ...func()) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for _, f := range do {
		all.Go(func() {
			<-begin
			f()
		})
	}
	close(begin)
	all.Wait()
}

// racing is a session whose token several callers present at once.
type racing struct {
	subject, jar string
	siblings     []string // of the last round
	lost         bool     // nobody got an answer in the last round, which may have begun a generation
}

// race does one round. Whoever gets a token gets one of the next generation that nobody else has: one
// caller rotates, the others recover what they may have lost.
func (s *racing) race(t *testing.T, all []node, unavailable *atomic.Int64) {
	var mu sync.Mutex
	var got []string
	var calls []func()
	for i := range racers {
		calls = append(calls, func() {
			pair, err := all[i%len(all)].refresh(s.jar)
			if errors.Is(err, token.ErrUnavailable) {
				unavailable.Add(1)
				return
			}
			if err != nil {
				t.Errorf("a raced refresh: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, pair.Refresh)
		})
	}
	atOnce(calls...)
	was := parts(s.jar)
	var forks []uint32
	for _, raw := range got {
		if raw == "" || parts(raw).Gen != was.Gen+1 {
			t.Errorf("a raced refresh gave generation %d after %d", parts(raw).Gen, was.Gen)
			return
		}
		forks = append(forks, parts(raw).Fork)
	}
	slices.Sort(forks)
	began := s.lost || len(forks) < racers || forks[0] == 0 // by one of them
	if !began || len(slices.Compact(forks)) != len(got) {
		t.Errorf("siblings %v: two callers hold one token, or nobody began the generation", forks)
	}
	s.siblings, s.lost = got, len(got) == 0
	if !s.lost {
		s.jar = got[rand.IntN(len(got))]
	}
}

func TestRacedRefreshesDoNotFork(t *testing.T) { // req 45, 46
	eachBackend(t, func(t *testing.T, b backend) {
		t.Parallel()
		c := newClock()
		all := nodes(t, b.shared(t), c, nil, nil)
		total := rounds(5_000, 100_000)
		sessions := total / racers / raceRounds
		began := time.Now()
		var unavailable, refreshes, forks, reused atomic.Int64
		const batch = 250 // the clock moves for all of them
		for first := 0; first < sessions; first += batch {
			some := make([]*racing, min(batch, sessions-first))
			eachOf(len(some), func(i int) {
				var pair *token.Pair
				err := again(t, "a sign-in", func() (err error) { pair, err = all[i%2].start(subject(first + i)); return err })
				if err != nil {
					t.Errorf("a sign-in: %v", err)
					return
				}
				some[i] = &racing{subject: subject(first + i), jar: pair.Refresh}
			})
			if t.Failed() {
				return
			}
			for range raceRounds {
				c.advance(afterWindow)
				eachOf(len(some), func(i int) {
					some[i].race(t, all, &unavailable)
					refreshes.Add(racers)
				})
			}
			// One of the last siblings is chosen. The others are spent: the first that comes back
			// ends the session.
			c.advance(afterWindow)
			eachOf(len(some), func(i int) {
				s := some[i]
				var chosen *token.Pair
				err := again(t, "a refresh", func() (err error) { chosen, err = all[i%2].refresh(s.jar); return err })
				if err != nil {
					t.Errorf("the sibling that the client kept: %v", err)
					return
				}
				for _, raw := range append(s.siblings, chosen.Refresh) {
					if raw == s.jar {
						continue
					}
					err := again(t, "a refresh", func() error { _, err := all[(i+1)%2].refresh(raw); return err })
					switch {
					case errors.Is(err, token.ErrReused):
						reused.Add(1)
					case !errors.Is(err, token.ErrInvalid):
						forks.Add(1)
						t.Errorf("a second chain lives: %v", err)
					}
				}
			})
			if t.Failed() {
				return
			}
		}
		took := time.Since(began)
		if reused.Load() == 0 {
			t.Error("no spent sibling was found out: nothing was tested")
		}
		if n := unavailable.Load(); n > refreshes.Load()/20 {
			t.Errorf("%d of %d refreshes were put off", n, refreshes.Load())
		}
		t.Logf("%d raced refreshes of %d sessions in %s: %d forks, %d put off, %d spent siblings found out",
			refreshes.Load(), sessions, took.Round(time.Millisecond), forks.Load(), unavailable.Load(), reused.Load())
	})
}

// A logout that returns after a refresh has it among what it ended, and a refresh that returns after a
// logout is refused, or had begun before and is ended: when both have returned, nothing lives.
func TestALogoutThatRacesARefreshLeavesNoSuccessor(t *testing.T) { // req 49
	ways := []struct {
		name string
		end  func(n node, subject string, p *token.Pair) error
	}{
		{"End", func(n node, subject string, p *token.Pair) error { return n.end(subject, p.SessionID) }},
		{"EndAll", func(n node, subject string, _ *token.Pair) error { return n.endAll(subject) }},
		{"Revoke of the refresh token", func(n node, _ string, p *token.Pair) error { return n.revoke(p.Refresh) }},
		{"Revoke of the access token", func(n node, _ string, p *token.Pair) error { return n.revoke(p.Access) }},
	}
	eachBackend(t, func(t *testing.T, b backend) {
		t.Parallel()
		c := newClock()
		all := nodes(t, b.shared(t), c, nil, nil)
		total := rounds(500, 10_000)
		began := time.Now()
		var survived, refused, putOff atomic.Int64
		const batch = 100
		for first := 0; first < total; first += batch {
			pairs := make([]*token.Pair, batch)
			eachOf(batch, func(i int) {
				err := again(t, "a sign-in", func() (err error) { pairs[i], err = all[i%2].start(subject(first + i)); return err })
				if err != nil {
					t.Errorf("a sign-in: %v", err)
				}
			})
			if t.Failed() {
				return
			}
			if first/batch%2 == 0 {
				c.advance(afterWindow) // the refresh rotates, else it repeats
			}
			var mu sync.Mutex
			var dead []string
			eachOf(batch, func(i int) {
				p, name, way := pairs[i], subject(first+i), ways[i%len(ways)]
				refreshTokens, accessTokens := []string{p.Refresh}, []string{p.Access}
				var mine sync.Mutex
				refreshOn := func(n node) func() {
					return func() {
						time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
						got, err := n.refresh(p.Refresh)
						switch {
						case errors.Is(err, token.ErrUnavailable):
							putOff.Add(1)
						case err != nil:
							refused.Add(1)
						default:
							survived.Add(1)
							mine.Lock()
							defer mine.Unlock()
							accessTokens = append(accessTokens, got.Access)
							if got.Refresh != "" {
								refreshTokens = append(refreshTokens, got.Refresh)
							}
						}
					}
				}
				atOnce(refreshOn(all[0]), refreshOn(all[1]), func() {
					time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
					var err error
					for range 5 {
						if err = way.end(all[i/2%2], name, p); !errors.Is(err, token.ErrUnavailable) {
							break
						}
					}
					if err != nil {
						t.Errorf("%s: %v", way.name, err)
					}
				})
				for _, raw := range refreshTokens {
					for node, n := range all {
						err := again(t, "a refresh", func() error { _, err := n.refresh(raw); return err })
						if !errors.Is(err, token.ErrInvalid) {
							t.Errorf("node %d, after %s: a successor lives: %v", node, way.name, err)
						}
					}
				}
				mu.Lock()
				defer mu.Unlock()
				dead = append(dead, accessTokens...)
			})
			allRefused(t, all, dead)
			if t.Failed() {
				return
			}
		}
		if survived.Load() == 0 || refused.Load() == 0 {
			t.Error("one side won every race: nothing was tested")
		}
		t.Logf("%d logouts in %s: %d refreshes came before, %d after, %d were put off",
			total, time.Since(began).Round(time.Millisecond), survived.Load(), refused.Load(), putOff.Load())
	})
}

// allRefused wants every node to refuse these access tokens soon.
func allRefused(t *testing.T, all []node, dead []string) {
	t.Helper()
	deadline := time.Now().Add(staleness)
	for i, n := range all {
		for _, raw := range dead {
			err := n.verify(raw)
			for ; !errors.Is(err, token.ErrInvalid) && time.Now().Before(deadline); err = n.verify(raw) {
				time.Sleep(20 * time.Millisecond)
			}
			if !errors.Is(err, token.ErrInvalid) {
				t.Errorf("node %d, an access token of a session that has ended: %v, want ErrInvalid", i, err)
				return
			}
		}
	}
}

// What MustRefresh and EndOthers spare goes on, whatever races them; what they do not spare is refused.
func TestWhatIsSparedGoesOn(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		t.Parallel()
		c := newClock()
		all := nodes(t, b.shared(t), c, nil, nil)
		total := rounds(200, 4_000)
		const batch = 50
		for first := 0; first < total; first += batch {
			var mu sync.Mutex
			var dead []string
			var alive []string
			eachOf(batch, func(i int) {
				n, other, name := all[i%2].(local), all[(i+1)%2].(local), subject(first+i)
				kept, err1 := n.start(name)
				also, err2 := other.start(name)
				if err := errors.Join(err1, err2); err != nil {
					t.Errorf("a sign-in: %v", err)
					return
				}
				others := i/2%2 == 0
				v, err := n.Verify(t.Context(), kept.Access)
				if err != nil {
					t.Errorf("a new access token: %v", err)
					return
				}
				var racer *token.Pair
				var replaced *token.Pair
				atOnce(func() {
					time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
					if others {
						replaced, err1 = n.EndOthers(t.Context(), v)
					} else {
						err1 = n.MustRefresh(t.Context(), name)
					}
				}, func() {
					time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
					racer, err2 = other.refresh(also.Refresh)
				})
				if err1 != nil {
					t.Errorf("EndOthers or MustRefresh: %v", err1)
					return
				}
				if !others && err2 != nil {
					t.Errorf("MustRefresh signed a user out: %v", err2)
				}
				mine, err := other.refresh(kept.Refresh)
				if err != nil {
					t.Errorf("a session that was to go on: %v", err)
					return
				}
				_, err = n.refresh(also.Refresh)
				if others != errors.Is(err, token.ErrInvalid) {
					t.Errorf("the other session, others ended %v: %v", others, err)
				}
				mu.Lock()
				defer mu.Unlock()
				dead = append(dead, kept.Access, also.Access)
				alive = append(alive, mine.Access)
				if others {
					alive = append(alive, replaced.Access)
					if racer != nil {
						dead = append(dead, racer.Access)
					}
				}
			})
			allRefused(t, all, dead)
			for _, raw := range alive {
				for i, n := range all {
					if err := n.verify(raw); err != nil {
						t.Errorf("node %d, an access token that was given afterwards: %v", i, err)
					}
				}
			}
			if t.Failed() {
				return
			}
		}
	})
}
