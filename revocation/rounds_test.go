package revocation_test

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// req 58: in a burst each follower refuses within 50 ms, and a round of answers is made once.
func TestABurstIsHeardSoonAndMadeOnceARound(t *testing.T) {
	for name, test := range map[string]struct {
		followers, logouts int
		every              time.Duration
	}{
		"one after another":        {30, 300, 7 * time.Millisecond},
		"a thousand a second":      {30, 2000, time.Millisecond},
		"some a second":            {30, 20, 330 * time.Millisecond},
		"many at the same moments": {30, 600, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				src := newSource()
				origin := load(t, src)
				defer run(t, origin)()
				network := &inProcess{serve: serves(t, origin, s), takes: 500 * time.Microsecond}
				var lists []*revocation.List
				for range test.followers {
					l := followed(t, overNetwork(s, network))
					defer run(t, l)()
					lists = append(lists, l)
				}
				time.Sleep(10 * time.Second)
				before, began := s.signed.Load(), time.Now()
				written := make([]time.Time, test.logouts)
				heard := make([]int, len(lists)) // so many of them
				var slowest time.Duration
				look := func() {
					for i, l := range lists {
						for heard[i] < len(written) && !written[heard[i]].IsZero() && l.Before(revocation.Session, strconv.Itoa(heard[i])) != 0 {
							slowest = max(slowest, time.Since(written[heard[i]]))
							heard[i]++
						}
					}
				}
				for at := range written {
					src.append(sessions(at, at+1, time.Now().Add(time.Hour))...)
					written[at] = time.Now()
					look()
					for rest := test.every; rest > 0; rest -= time.Millisecond {
						time.Sleep(min(rest, time.Millisecond))
						look()
					}
				}
				took := time.Since(began)
				for range 200 {
					time.Sleep(time.Millisecond)
					look()
				}
				for i, n := range heard {
					if n != test.logouts {
						t.Fatalf("follower %d has heard %d of %d", i, n, test.logouts)
					}
				}
				if slowest > 40*time.Millisecond {
					t.Errorf("the slowest took %s", slowest)
				}
				rounds := int64(took/(25*time.Millisecond)) + 2
				if n := s.signed.Load() - before; n > min(rounds, int64(test.logouts)+2)+int64(took/time.Second) {
					t.Errorf("%d signatures in %s, for %d logouts and %d followers", n, took, test.logouts, test.followers)
				}
			})
		})
	}
}

// req 62: what is held back for the next round is not complete in the answers before it.
func TestWhatIsHeldBackIsNotSaidToBeComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		src := newSource()
		l := load(t, src)
		h := serves(t, l, s)
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		add := func(i int) string {
			time.Sleep(time.Millisecond)
			src.append(sessions(i, i+1, time.Now().Add(time.Hour))...)
			acknowledged := fmt.Sprint(time.Now().UnixMicro())
			time.Sleep(time.Millisecond)
			if err := l.Load(t.Context()); err != nil { // complete as of later
				t.Fatal(err)
			}
			return acknowledged
		}
		add(0)
		first := get(t, h, "after="+cursor).Body.Bytes()
		if claim(t, first, "count") != "1" {
			t.Fatalf("%s records", claim(t, first, "count"))
		}
		second := add(1)
		for _, query := range []string{"after=" + cursor, "after=" + claim(t, first, "cursor"), "wait=0&after=" + cursor} {
			a := get(t, h, query).Body.Bytes()
			if asOf := claim(t, a, "as_of"); asOf >= second || len(asOf) != len(second) {
				t.Errorf("without what was acknowledged at %s an answer is as of %s", second, asOf)
			}
		}
		time.Sleep(25 * time.Millisecond)
		a := get(t, h, "after="+cursor).Body.Bytes()
		if claim(t, a, "count") != "2" || claim(t, a, "as_of") <= second {
			t.Errorf("in the next round: %s records, as of %s", claim(t, a, "count"), claim(t, a, "as_of"))
		}
	})
}

// The more wait, the longer a round is: however many follow, a node gives 100,000 answers a second.
func TestARoundIsLongerTheMoreWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		l := load(t, newSource())
		h := serves(t, l, s)
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		for _, test := range []struct {
			waiting int
			length  time.Duration
		}{{1, 25 * time.Millisecond}, {2500, 25 * time.Millisecond}, {6000, 60 * time.Millisecond}} {
			time.Sleep(time.Second)
			answers := make(chan *httptest.ResponseRecorder, test.waiting)
			ask := func(cursor string) {
				for range test.waiting {
					go func() { answers <- get(t, h, "wait=25&after="+cursor) }()
				}
			}
			taken := func() {
				for range test.waiting {
					a := <-answers
					if n := claim(t, a.Body.Bytes(), "count"); n != "1" {
						t.Fatalf("%s records", n)
					}
					cursor = claim(t, a.Body.Bytes(), "cursor")
				}
			}
			next := l.Stats().Entries
			ask(cursor)
			synctest.Wait()
			l.Apply(sessions(next, next+1, time.Now().Add(time.Hour))...)
			taken()
			began := time.Now()
			ask(cursor)
			synctest.Wait()
			l.Apply(sessions(next+1, next+2, time.Now().Add(time.Hour))...)
			taken()
			if took := time.Since(began); took != test.length {
				t.Errorf("%d wait for %s, want %s", test.waiting, took, test.length)
			}
		}
	})
}

// However many wait, what is held back does not have their lists grow old.
func TestARoundHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const followers = 30_000
		s := newSigner(t, issuerName)
		l := load(t, newSource())
		h := serves(t, l, s, func(c *revocation.HandlerConfig) { c.MaxWaiting = followers })
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		answers := make(chan *httptest.ResponseRecorder, followers)
		round := func() {
			for range followers {
				go func() { answers <- get(t, h, "wait=25&after="+cursor) }()
			}
			synctest.Wait()
			next := l.Stats().Entries
			l.Apply(sessions(next, next+1, time.Now().Add(time.Hour))...)
			for range followers {
				if a := <-answers; a.Code != 200 {
					t.Fatalf("status %d", a.Code)
				} else if len(answers) == 0 {
					cursor = claim(t, a.Body.Bytes(), "cursor")
				}
			}
		}
		round()
		began := time.Now()
		round()
		if took := time.Since(began); took != 250*time.Millisecond {
			t.Errorf("a round of %s", took)
		}
	})
}
