package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
)

func TestRunFetchesAgainWhenTheAnswerSays(t *testing.T) {
	const date = "Sat, 01 Jan 2000 00:00:00 GMT"
	for name, test := range map[string]struct {
		header []string
		after  time.Duration
	}{
		"max-age":                         {[]string{"Cache-Control", "public, max-age=300"}, 300 * time.Second},
		"max-age in capitals and quotes":  {[]string{"Cache-Control", `Max-Age="120"`}, 120 * time.Second},
		"max-age less Age":                {[]string{"Cache-Control", "max-age=300", "Age", "100"}, 200 * time.Second},
		"less than MinRefresh":            {[]string{"Cache-Control", "max-age=1"}, 30 * time.Second},
		"older than it may be":            {[]string{"Cache-Control", "max-age=300", "Age", "86400"}, 30 * time.Second},
		"more than MaxRefresh":            {[]string{"Cache-Control", "max-age=86400"}, 15 * time.Minute},
		"more than a number holds":        {[]string{"Cache-Control", "max-age=99999999999999999999999"}, 15 * time.Minute},
		"a max-age that is no number":     {[]string{"Cache-Control", "max-age=-5"}, 30 * time.Second},
		"an empty max-age":                {[]string{"Cache-Control", "max-age="}, 30 * time.Second},
		"two max-ages":                    {[]string{"Cache-Control", "max-age=600, max-age=60"}, 60 * time.Second},
		"two max-ages, the other way":     {[]string{"Cache-Control", "max-age=60, max-age=600"}, 60 * time.Second},
		"no-cache":                        {[]string{"Cache-Control", "max-age=600, no-cache"}, 30 * time.Second},
		"no-store":                        {[]string{"Cache-Control", "no-store"}, 30 * time.Second},
		"s-maxage, which is for others":   {[]string{"Cache-Control", "s-maxage=600, max-age=60"}, 60 * time.Second},
		"Expires":                         {[]string{"Date", date, "Expires", "Sat, 01 Jan 2000 00:02:00 GMT"}, 120 * time.Second},
		"Expires without Date":            {[]string{"Expires", "Sat, 01 Jan 2000 00:02:00 GMT"}, 120 * time.Second},
		"Expires in the past":             {[]string{"Expires", "Fri, 31 Dec 1999 00:00:00 GMT"}, 30 * time.Second},
		"Expires that is no date":         {[]string{"Expires", "0"}, 30 * time.Second},
		"max-age, which counts before it": {[]string{"Cache-Control", "max-age=60", "Expires", "Sat, 01 Jan 2000 00:10:00 GMT"}, 60 * time.Second},
		"nothing":                         {nil, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{serve: answer(setOf(good), test.header...)}
				r := newRemote(t, follows(u))
				go r.Run(t.Context())
				time.Sleep(16 * time.Minute)
				all := u.asked()
				if len(all) < 2 || len(refetches(all)) != 0 {
					t.Fatalf("%d requests, %d past caches", len(all), len(refetches(all)))
				}
				if gap := all[1].when.Sub(all[0].when); gap > test.after || gap < test.after*9/10 {
					t.Errorf("fetched again after %v, want %v or up to a tenth less", gap, test.after)
				}
			})
		})
	}
}

func TestASetThatIsUnchangedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unchanged := func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("ETag", `W/"1"`)
			if req.Header.Get("If-None-Match") == `W/"1"` {
				w.WriteHeader(304)
				return
			}
			w.Write([]byte(setOf(good)))
		}
		u := &upstream{serve: unchanged}
		r := loaded(t, follows(u))
		go r.Run(t.Context())
		time.Sleep(5 * time.Hour) // far beyond MaxStale
		want(t, r, "good", "key")
		s := r.Status()[0]
		if s.Err != nil || time.Since(s.AsOf) > 5*time.Minute {
			t.Errorf("as of %v ago, %v", time.Since(s.AsOf), s.Err)
		}
		before := len(u.asked())
		u.becomes(answer(setOf(with(ecJWK, `"kid":"other"`)), "ETag", `"2"`))
		time.Sleep(5 * time.Minute)
		want(t, r, "other", "key")
		if got := u.asked(); got[before].header.Get("If-None-Match") != `W/"1"` {
			t.Error("the condition was not sent")
		}
	})
}

// Many services that retry at once, and for ever, keep an issuer down.
func TestFailuresAreRetriedEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{serve: status(500)}
		r := newRemote(t, follows(u))
		go r.Run(t.Context())
		time.Sleep(10 * time.Minute)
		all := u.asked()
		for i := 1; i < len(all); i++ {
			limit := min(time.Second<<(i-1), 30*time.Second)
			if gap := all[i].when.Sub(all[i-1].when); gap > limit || gap < limit*9/10 {
				t.Errorf("retry %d after %v, want %v or up to a tenth less", i, gap, limit)
			}
		}
		if len(all) < 20 {
			t.Errorf("%d requests in 10 minutes", len(all))
		}
		u.becomes(answer(setOf(good)))
		time.Sleep(30 * time.Second)
		want(t, r, "good", "key")
		if err := r.Ready(); err != nil {
			t.Error(err)
		}
		u.becomes(status(500))
		n := len(u.asked())
		time.Sleep(5*time.Minute + 10*time.Second)
		if all := u.asked()[n:]; len(all) < 3 || all[1].when.Sub(all[0].when) > time.Second {
			t.Error("the first retry after a success waits for longer than a second")
		}
	})
}

// A slow issuer does not make a set older than it may be.
func TestTimeCountsFromTheBeginningOfAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{serve: answer(setOf(good), "Cache-Control", "no-store"), blocked: 9 * time.Second}
		r := newRemote(t, follows(u))
		start := time.Now()
		if r.Load(t.Context()); !r.Status()[0].AsOf.Equal(start) {
			t.Errorf("as of %v after it began", r.Status()[0].AsOf.Sub(start))
		}
		go r.Run(t.Context())
		time.Sleep(5 * time.Minute)
		for i, s := range u.asked()[1:] {
			if gap := s.when.Sub(u.asked()[i].when); gap > 30*time.Second {
				t.Errorf("fetched again after %v", gap)
			}
		}
	})
}

// req 41: with the issuer in reach a removed key is gone within MaxRefresh and a fetch, whatever the
// answer said about caching; without, within MaxStale, and nobody is told that it is unknown.
func TestAnEmergencyEndsWithinTheStatedBound(t *testing.T) {
	for name, test := range map[string]struct {
		then    http.HandlerFunc
		bound   time.Duration
		inReach bool
	}{
		"the issuer in reach":       {answer(setOf(with(edJWK, `"kid":"b","alg":"EdDSA"`), with(ecJWK, `"kid":"new"`))), 15*time.Minute + 10*time.Second, true},
		"the issuer out of reach":   {nil, 2 * time.Hour, false},
		"the issuer out of order":   {status(500), 2 * time.Hour, false},
		"the issuer gives nonsense": {answer(`{"keys":[]}`), 2 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := &upstream{serve: answer(setOf(good), "Cache-Control", "max-age=31536000")}
				r := loaded(t, follows(u))
				go r.Run(t.Context())
				start := time.Now()
				if test.then == nil {
					test.then = func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }
				} else {
					u.takes(10*time.Second - 1)
				}
				u.becomes(test.then)
				last := start
				for time.Since(start) <= test.bound+time.Minute {
					if finds(r, "good") == "key" {
						last = time.Now()
					} else if want(t, r, "good", "unavailable"); test.inReach {
						break // from now on it may be unknown
					}
					time.Sleep(time.Second)
				}
				if lasted := last.Sub(start); lasted > test.bound || lasted < test.bound*8/10 {
					t.Errorf("the removed key was good for %v, want at most %v", lasted, test.bound)
				}
			})
		})
	}
}

// req 40: CVE-2025-22149
func TestARemovedKeyVanishesWithTheFetchThatLacksIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := with(ecJWK, `"kid":"other"`)
		u := &upstream{serve: answer(setOf(good, other), "Cache-Control", "max-age=60")}
		r := loaded(t, follows(u))
		go r.Run(t.Context())
		want(t, r, "good", "key")
		u.becomes(answer(setOf(other), "Cache-Control", "max-age=60"))
		time.Sleep(time.Minute)
		want(t, r, "good", "unavailable")
		synctest.Wait()
		want(t, r, "good", "unknown")
		want(t, r, "other", "key")
		if s := r.Status()[0]; s.Keys != 1 {
			t.Errorf("%d keys", s.Keys)
		}
	})
}

func TestAnOutageEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{serve: answer(setOf(good))}
		r := loaded(t, follows(u))
		loadedAt := time.Now()
		time.Sleep(2 * time.Hour) // without Run
		want(t, r, "good", "key")
		time.Sleep(time.Nanosecond)
		want(t, r, "good", "unavailable")
		if err := r.Ready(); !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("Ready: %v", err)
		}
		if s := r.Status()[0]; !s.AsOf.Equal(loadedAt) {
			t.Errorf("as of %v", s.AsOf)
		}
		go r.Run(t.Context())
		synctest.Wait()
		want(t, r, "good", "key")
		if err := r.Ready(); err != nil {
			t.Error(err)
		}
	})
}

func TestOneFetchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		u := &upstream{blocked: time.Second}
		u.serve = func(w http.ResponseWriter, _ *http.Request) {
			n++ // a race if two were served at once
			w.Header().Set("ETag", strconv.Itoa(n))
			w.Write([]byte(setOf(good)))
		}
		r := newRemote(t, follows(u))
		var all sync.WaitGroup
		for range 10 {
			go r.Run(t.Context())
			all.Go(func() {
				if err := r.Load(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if u.most() != 1 || len(u.asked()) > 2 {
			t.Errorf("%d requests, %d at once", len(u.asked()), u.most())
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		u := &upstream{serve: answer(setOf(good)), blocked: time.Hour}
		ended, end := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); end() }()
		if err := newRemote(t, follows(u)).Run(ended); err != ended.Err() || err == nil {
			t.Error(err)
		}
		if err := newRemote(t, follows(u)).Load(ended); !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("Load: %v", err)
		}
	})
}
