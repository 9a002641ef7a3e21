package revocation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// asked notes when it was, and answers with a status until it is to serve.
type asked struct {
	inner  http.Handler
	status int
	after  string

	mu sync.Mutex
	at []time.Time
	up bool
}

func (a *asked) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	a.mu.Lock()
	up := a.up
	if !up {
		a.at = append(a.at, time.Now())
	}
	a.mu.Unlock()
	if up {
		a.inner.ServeHTTP(w, req)
		return
	}
	if a.after != "" {
		w.Header().Set("Retry-After", a.after)
	}
	w.WriteHeader(a.status)
}

func (a *asked) serves(up bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.up = up
}

// Followers who fail at the same moment neither stay in step, nor ask without end, nor wait for long when all
// is well again.
func TestManyWhoFailAskAgainAtDifferentTimes(t *testing.T) {
	const followers = 120
	for name, test := range map[string]struct {
		status int
		after  string
		least  time.Duration // between two requests of all of them, on average
	}{
		"an error":                          {500, "", 13 * time.Millisecond},
		"Retry-After":                       {503, "3", 14 * time.Millisecond},
		"Retry-After beyond what is sane":   {503, "65000", 14 * time.Millisecond},
		"Retry-After that is a date":        {503, "Wed, 21 Oct 2015 07:28:00 GMT", 13 * time.Millisecond},
		"Retry-After that is out of bounds": {503, "99999999999999999999", 13 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				origin := load(t, newSource())
				defer run(t, origin)()
				a := &asked{inner: serves(t, origin, s), status: test.status, after: test.after, up: true}
				var lists []*revocation.List
				for range followers {
					l := followed(t, overNetwork(s, &inProcess{serve: a}))
					defer run(t, l)()
					lists = append(lists, l)
				}
				time.Sleep(10*time.Second + 500*time.Millisecond)
				a.serves(false)
				time.Sleep(time.Minute)
				a.serves(true)
				half := time.Now().Add(-30 * time.Second)
				a.mu.Lock()
				late := slices.DeleteFunc(a.at, func(t time.Time) bool { return t.Before(half) })
				a.mu.Unlock()
				if n := time.Duration(len(late)); n > 30*time.Second/test.least || n < followers*30/5 {
					t.Errorf("%d requests in 30 s", n)
				}
				most := 0 // in a tenth of a second
				for i, j := 0, 0; i < len(late); i++ {
					for late[i].Sub(late[j]) > 100*time.Millisecond {
						j++
					}
					most = max(most, i-j+1)
				}
				if mean := len(late) / 300; most > 4*mean+8 {
					t.Errorf("%d requests in a tenth of a second, %d on average", most, mean)
				}
				time.Sleep(5500 * time.Millisecond)
				for i, l := range lists {
					if age := time.Since(l.AsOf()); age > 10*time.Second {
						t.Fatalf("follower %d is %s old, some seconds after the outage", i, age)
					}
				}
			})
		})
	}
}

// A store that needs more time than a List waits for, is followed all the same.
func TestASlowStoreIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := slow{newSource(), 3 * time.Second}
		l := load(t, src)
		defer run(t, l)()
		for i := range 10 {
			src.append(sessions(i, i+1, time.Now().Add(time.Hour))...)
			time.Sleep(20 * time.Second)
			if age := time.Since(l.AsOf()); age > 20*time.Second || l.Stats().Entries != i+1 {
				t.Errorf("%d entries, %s old", l.Stats().Entries, age)
			}
		}
	})
}

// A first request to a node that has begun lately, and three more, are what comes before a snapshot; an answer
// that leaves no hope is one.
func TestASnapshotIsTakenWhenNobodyCanGoOn(t *testing.T) {
	for name, test := range map[string]struct {
		status, times int // of requests for what came that are answered so
		snapshots     int
		within        time.Duration
	}{
		"another can":           {410, 3, 0, 2 * time.Second},
		"no other can":          {410, 4, 1, 2 * time.Second},
		"the cursor is foreign": {400, 1, 1, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				src := newSource()
				origin := load(t, src)
				defer run(t, origin)()
				h := serves(t, origin, s)
				var mu sync.Mutex
				refused := -1
				n := &inProcess{serve: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					mu.Lock()
					refuse := kindOf(req) == "after" && refused >= 0 && refused < test.times
					if refuse {
						refused++
					}
					mu.Unlock()
					if refuse {
						w.WriteHeader(test.status)
						return
					}
					h.ServeHTTP(w, req)
				})}
				f := newFeed(t, overNetwork(s, n))
				l := load(t, f)
				defer run(t, l)()
				time.Sleep(10*time.Second + 500*time.Millisecond)
				mu.Lock()
				refused = 0
				mu.Unlock()
				src.append(sessions(0, 1, time.Now().Add(time.Hour))...) // whoever waits asks anew
				time.Sleep(100 * time.Millisecond)
				src.append(sessions(1, 2, time.Now().Add(time.Hour))...)
				time.Sleep(test.within)
				if got := f.Status().Snapshots - 1; got != test.snapshots || l.Stats().Entries != 2 || l.Stats().Err != nil {
					t.Errorf("%d snapshots, %d entries, %v", got, l.Stats().Entries, l.Stats().Err)
				}
				for range 4 { // and it begins to count again
					mu.Lock()
					refused = test.times - 1
					mu.Unlock()
					time.Sleep(5 * time.Second)
				}
				if got := f.Status().Snapshots - 1; test.status == 410 && got != test.snapshots {
					t.Errorf("%d snapshots, want %d", got, test.snapshots)
				}
			})
		})
	}
}

type slow struct {
	*source
	takes time.Duration
}

func (s slow) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, "", errors.New("too slow")
	}
	now, cancel := context.WithTimeout(ctx, 0)
	defer cancel()
	return s.source.Tail(now, after)
}

// Two errors in a row, each with the longest Retry-After that counts, leave a list that is fresh enough for the
// least MaxStale.
func TestNobodyGrowsStaleByBeingToldToComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const followers = 300
		s := newSigner(t, issuerName)
		origin := load(t, newSource())
		defer run(t, origin)()
		h := serves(t, origin, s)
		var lists []*revocation.List
		var nodes []*asked
		for range followers {
			a := &asked{inner: h, status: 503, after: "3", up: true}
			l := followed(t, overNetwork(s, &inProcess{serve: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				a.mu.Lock()
				a.up = a.up || len(a.at) == 2
				a.mu.Unlock()
				a.ServeHTTP(w, req)
			}), takes: time.Millisecond}))
			defer run(t, l)()
			lists, nodes = append(lists, l), append(nodes, a)
		}
		time.Sleep(10 * time.Second)
		for _, a := range nodes {
			a.serves(false)
		}
		for range 400 {
			time.Sleep(50 * time.Millisecond)
			for i, l := range lists {
				if age := time.Since(l.AsOf()); age > 10*time.Second {
					t.Fatalf("follower %d is %s old", i, age)
				}
			}
		}
		for _, a := range nodes {
			a.mu.Lock()
			if len(a.at) != 2 {
				t.Errorf("%d errors", len(a.at))
			}
			a.mu.Unlock()
		}
	})
}
