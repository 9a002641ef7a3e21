package revocation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

func TestWaiting(t *testing.T) {
	for name, test := range map[string]struct {
		act    func(l *revocation.List, h *revocation.Handler, cancel context.CancelFunc)
		status int
		after  time.Duration
		count  string // of records
	}{
		"ends when something comes": {func(l *revocation.List, _ *revocation.Handler, _ context.CancelFunc) {
			l.Apply(revocation.Entry{Kind: revocation.Session, ID: "new", Before: 5})
		}, 200, 3*time.Second + time.Millisecond, "1"},
		"does not end when something comes again": {func(l *revocation.List, _ *revocation.Handler, _ context.CancelFunc) {
			l.Apply(sessions(0, 1, time.Now().Add(time.Minute))...)
		}, 200, 20 * time.Second, "0"},
		"ends when something lives longer": {func(l *revocation.List, _ *revocation.Handler, _ context.CancelFunc) {
			l.Apply(sessions(0, 1, time.Now().Add(2*time.Hour))...)
		}, 200, 3*time.Second + time.Millisecond, "1"},
		"ends when the server goes":   {func(_ *revocation.List, h *revocation.Handler, _ context.CancelFunc) { h.Drain(); h.Drain() }, 200, 3 * time.Second, "0"},
		"ends when the client goes":   {func(_ *revocation.List, _ *revocation.Handler, cancel context.CancelFunc) { cancel() }, 503, 3 * time.Second, ""},
		"ends when the time is there": {func(*revocation.List, *revocation.Handler, context.CancelFunc) {}, 200, 20 * time.Second, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				l := load(t, newSource(sessions(0, 1, time.Now().Add(time.Hour))...))
				h := serves(t, l, s)
				cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				began := time.Now()
				done := make(chan *httptest.ResponseRecorder)
				go func() {
					done <- get(t, h, "wait=20&after="+cursor, func(r *http.Request) { *r = *r.WithContext(ctx) })
				}()
				time.Sleep(3 * time.Second)
				if h.Waiting() != 1 {
					t.Errorf("%d wait", h.Waiting())
				}
				test.act(l, h, cancel)
				res := <-done
				if res.Code != test.status || time.Since(began) != test.after || h.Waiting() != 0 {
					t.Errorf("status %d after %s, %d wait", res.Code, time.Since(began), h.Waiting())
				}
				if res.Code == 200 && claim(t, res.Body.Bytes(), "count") != test.count {
					t.Errorf("%s records", claim(t, res.Body.Bytes(), "count"))
				}
				if res.Code == 200 && res.Header().Get("Cache-Control") != "no-store" {
					t.Error("what was waited for may be kept")
				}
			})
		})
	}
}

func TestNoMoreWaitThanMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		h := serves(t, load(t, newSource()), s, func(c *revocation.HandlerConfig) { c.MaxWaiting = 3 })
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		status := make(chan int, 5)
		for range 5 {
			go func() { status <- get(t, h, "wait=5&after="+cursor).Code }()
		}
		synctest.Wait()
		if h.Waiting() != 3 || len(status) != 2 || <-status != 503 || <-status != 503 {
			t.Errorf("%d wait", h.Waiting())
		}
		if get(t, h, "after="+cursor).Code != 200 {
			t.Error("who does not wait is refused too")
		}
		for range 3 {
			if <-status != 200 {
				t.Error("who waits gets no answer")
			}
		}
	})
}

// One encoding and one signature, however many wait.
func TestThousandsWaitForOneSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const followers = 5000
		s := newSigner(t, issuerName)
		l := load(t, newSource())
		h := serves(t, l, s)
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		before := s.signed.Load()
		answers := make(chan *httptest.ResponseRecorder, followers)
		for range followers {
			go func() { answers <- get(t, h, "wait=25&after="+cursor) }()
		}
		synctest.Wait()
		l.Apply(sessions(0, 1, time.Now().Add(time.Hour))...)
		tags := map[string]bool{}
		for range followers {
			a := <-answers
			if a.Code != 200 || claim(t, a.Body.Bytes(), "count") != "1" {
				t.Fatalf("status %d", a.Code)
			}
			tags[a.Header().Get("ETag")] = true
		}
		if n := s.signed.Load() - before; n != 1 || len(tags) != 1 {
			t.Errorf("%d signatures for %d distinct answers to %d followers, want one", n, len(tags), followers)
		}
	})
}

// A quiet feed is signed anew as its list becomes complete as of later, and not for everybody who asks.
func TestAQuietFeedIsSignedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		l := load(t, newSource())
		h := serves(t, l, s)
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		before := s.signed.Load()
		last := ""
		for range 100 {
			if err := l.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				last = claim(t, get(t, h, "after="+cursor).Body.Bytes(), "as_of")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := s.signed.Load() - before; n < 8 || n > 11 {
			t.Errorf("%d signatures in 10 s", n)
		}
		if now := fmt.Sprint(l.AsOf().UnixMicro()); last > now || len(last) != len(now) {
			t.Errorf("as of %s, the list as of %s", last, now)
		}
	})
}
