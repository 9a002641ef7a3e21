package jwks_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// refetches are the requests past caches among what was asked.
func refetches(all []seen) (r []seen) {
	for _, s := range all {
		if s.header.Get("Cache-Control") == "no-cache" {
			r = append(r, s)
		}
	}
	return r
}

// req 38
func TestAFloodOfUnknownKidsDuringARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fetch, every = 2 * time.Second, 10 * time.Second
		before, after := newKey(t), newKey(t)
		u := &upstream{serve: answer(published(before)), blocked: fetch}
		r := loaded(t, follows(u))
		go r.Run(t.Context())
		start := time.Now()

		var flood sync.WaitGroup
		for i := range 100 {
			flood.Go(func() {
				for j := range 1000 {
					asked := time.Now()
					if got := finds(r, fmt.Sprint("garbage-", i, "-", j)); got != "unavailable" {
						t.Errorf("garbage is %s", got)
					}
					want(t, r, before.ID(), "key")
					if time.Now() != asked {
						t.Error("a look-up waited")
					}
					time.Sleep(60 * time.Millisecond)
				}
			})
		}
		time.Sleep(25 * time.Second)
		u.becomes(answer(published(before, after)))
		rotated := time.Now()
		for finds(r, after.ID()) != "key" {
			if finds(r, after.ID()) == "unknown" {
				t.Fatal("the new key is unknown, which nobody was asked for yet")
			}
			if time.Since(rotated) > every+fetch {
				t.Fatal("the new key is not good within the interval and a fetch")
			}
			time.Sleep(50 * time.Millisecond)
		}
		flood.Wait()
		all := refetches(u.asked())
		for i := 1; i < len(all); i++ {
			if gap := all[i].when.Sub(all[i-1].when); gap < every {
				t.Errorf("refetch %d came %v after the one before", i, gap)
			}
		}
		if n, most := len(all), int(time.Since(start)/every)+1; n < 2 || n > most || len(u.asked()) != n+1 || u.most() != 1 {
			t.Errorf("%d refetches of %d requests, %d at once, want 2 to %d", n, len(u.asked()), u.most(), most)
		}
	})
}

// req 38
func TestAFloodOfUnknownKidsOverTLS(t *testing.T) {
	before, after := newKey(t), newKey(t)
	var set atomic.Pointer[string]
	serving := func(s string) { set.Store(&s) }
	serving(published(before))
	var asked atomic.Int64
	r := loaded(t, secure(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Cache-Control") == "no-cache" {
			asked.Add(1)
		}
		w.Write([]byte(*set.Load()))
	}, func(c *jwks.RemoteConfig) { c.UnknownRefresh = time.Second }))
	start := time.Now()
	go r.Run(t.Context())
	var flood sync.WaitGroup
	for i := range 4 {
		flood.Go(func() {
			for j := range 25000 {
				if got := finds(r, fmt.Sprint("garbage-", i, "-", j)); got == "key" {
					t.Error("garbage is a key")
				}
			}
		})
	}
	until := func(done func() bool) {
		t.Helper()
		for !done() {
			if time.Since(start) > time.Minute {
				t.Fatal("it takes for ever")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	until(func() bool { return asked.Load() > 0 }) // the refetch that this interval allows
	serving(published(after))
	until(func() bool { return finds(r, after.ID()) == "key" })
	flood.Wait()
	if got := finds(r, before.ID()); got == "key" {
		t.Error("the removed key is still good")
	}
	if n, most := asked.Load(), int64(time.Since(start)/time.Second)+1; n > most {
		t.Errorf("%d refetches, want at most %d", n, most)
	}
}

func TestAnUnknownKid(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, u *upstream, r *jwks.Remote){
		"is unavailable until the issuer was asked, past caches and for the whole set": func(t *testing.T, u *upstream, r *jwks.Remote) {
			want(t, r, "new", "unavailable")
			want(t, r, "new", "unavailable")
			synctest.Wait()
			want(t, r, "new", "unknown")
			all := u.asked()
			if len(all) != 2 || len(refetches(all)) != 1 || all[1].header.Get("If-None-Match") != "" {
				t.Errorf("%d requests, %d past caches, want the second to be, without a condition", len(all), len(refetches(all)))
			}
		},
		"that a refetch begun earlier did not find is not unknown": func(t *testing.T, u *upstream, r *jwks.Remote) {
			u.takes(4 * time.Second)
			want(t, r, "a", "unavailable") // begins the refetch
			time.Sleep(time.Second)
			want(t, r, "b", "unavailable")
			time.Sleep(4 * time.Second) // it has ended
			want(t, r, "a", "unknown")
			want(t, r, "b", "unavailable")
			time.Sleep(10 * time.Second)
			want(t, r, "b", "unknown")
		},
		"that is asked for without end is answered all the same": func(t *testing.T, u *upstream, r *jwks.Remote) {
			u.takes(4 * time.Second)
			for range 15 {
				finds(r, "a")
				time.Sleep(time.Second)
			}
			want(t, r, "a", "unknown")
		},
		"that is asked for anew is not answered by a refetch begun earlier": func(t *testing.T, u *upstream, r *jwks.Remote) {
			want(t, r, "a", "unavailable")
			time.Sleep(31 * time.Second)
			u.takes(4 * time.Second)
			want(t, r, "b", "unavailable") // begins another refetch
			time.Sleep(time.Second)
			want(t, r, "a", "unavailable")
			time.Sleep(4 * time.Second) // it has ended
			want(t, r, "b", "unknown")
			want(t, r, "a", "unavailable")
			time.Sleep(10 * time.Second)
			want(t, r, "a", "unknown")
		},
		"that a scheduled fetch did not find is not unknown: a cache may have answered": func(t *testing.T, u *upstream, r *jwks.Remote) {
			want(t, r, "a", "unavailable")
			synctest.Wait() // the refetch that this interval allows
			want(t, r, "b", "unavailable")
			time.Sleep(time.Second)
			r.Load(t.Context())
			want(t, r, "b", "unavailable")
			want(t, r, "a", "unknown") // still
			if all := u.asked(); len(all) != 3 || len(refetches(all)) != 1 {
				t.Errorf("%d requests, %d past caches", len(all), len(refetches(all)))
			}
		},
		"is unavailable while refetches fail, and becomes a key once one does not": func(t *testing.T, u *upstream, r *jwks.Remote) {
			u.becomes(status(503))
			for range 100 {
				want(t, r, "new", "unavailable")
				want(t, r, "good", "key")
				time.Sleep(time.Second)
			}
			if n := len(refetches(u.asked())); n < 10 || n > 11 {
				t.Errorf("%d refetches in 100 s, want one in each 10 s", n)
			}
			u.becomes(answer(setOf(good, with(ecJWK, `"kid":"new"`))))
			want(t, r, "new", "unavailable")
			time.Sleep(10 * time.Second)
			synctest.Wait()
			want(t, r, "new", "key")
		},
		"is asked for anew when the answer is older than MinRefresh": func(t *testing.T, u *upstream, r *jwks.Remote) {
			want(t, r, "2", "unavailable")
			synctest.Wait()
			time.Sleep(30*time.Second - 1)
			want(t, r, "2", "unknown")
			u.becomes(answer(setOf(good, with(ecJWK, `"kid":"2"`)))) // a kid that one could guess
			time.Sleep(time.Nanosecond)
			want(t, r, "2", "unavailable")
			synctest.Wait()
			want(t, r, "2", "key")
		},
		"for which there is no room is never unknown, and room comes back": func(t *testing.T, u *upstream, r *jwks.Remote) {
			for i := range 1000 {
				want(t, r, fmt.Sprint(i), "unavailable")
			}
			for range 29 {
				want(t, r, "late", "unavailable")
				time.Sleep(time.Second)
			}
			want(t, r, "0", "unknown") // and so keeps its place, while those that nobody asks for again lose theirs
			want(t, r, "999", "unknown")
			for range 21 {
				finds(r, "late")
				time.Sleep(time.Second)
			}
			want(t, r, "late", "unknown")
			want(t, r, "0", "unknown")
			want(t, r, "1", "unavailable")
		},
		"becomes a key by any fetch that has it": func(t *testing.T, u *upstream, r *jwks.Remote) {
			want(t, r, "new", "unavailable")
			synctest.Wait()
			want(t, r, "new", "unknown")
			u.becomes(answer(setOf(with(ecJWK, `"kid":"new"`))))
			time.Sleep(time.Nanosecond)
			r.Load(t.Context())
			want(t, r, "new", "key")
			want(t, r, "good", "unavailable") // and a known one that vanished is asked for like any other
		},
		"that no set can have is unknown at once and asks nobody": func(t *testing.T, u *upstream, r *jwks.Remote) {
			for _, kid := range []string{"", "a b", "\x00", "é", string(make([]byte, 1<<20))} {
				want(t, r, kid, "unknown")
			}
			time.Sleep(time.Minute)
			if n := len(refetches(u.asked())); n != 0 {
				t.Errorf("%d refetches", n)
			}
		},
		"of an issuer that is not configured asks nobody": func(t *testing.T, u *upstream, r *jwks.Remote) {
			if _, err := r.Public("https://evil.example", "new"); err != keys.ErrUnknown {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			if n := len(refetches(u.asked())); n != 0 {
				t.Errorf("%d refetches", n)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{serve: answer(setOf(good), "ETag", `"1"`)}
				r := loaded(t, follows(u))
				go r.Run(t.Context())
				synctest.Wait()
				test(t, u, r)
			})
		})
	}
}

func TestNobodyWaitsForAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{serve: answer(setOf(good))}
		r := loaded(t, follows(u))
		go r.Run(t.Context())
		u.takes(time.Hour) // longer than Timeout
		want(t, r, "new", "unavailable")
		synctest.Wait()
		start := time.Now()
		want(t, r, "new", "unavailable")
		want(t, r, "good", "key")
		if err := r.Ready(); err != nil {
			t.Error(err)
		}
		if s := r.Status(); len(s) != 1 || time.Now() != start {
			t.Error("something waited for the fetch that hangs")
		}
		time.Sleep(10*time.Second + 1)
		if s := r.Status()[0]; s.Err == nil || s.Keys != 1 {
			t.Errorf("after the timeout: %v, %d keys", s.Err, s.Keys)
		}
	})
}
