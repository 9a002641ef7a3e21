package revocation_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// The least MaxStale that a Follower and a Manager take is enough: neither a quiet log, nor a chain of two
// feeds, nor an issuer of one node that is away for two seconds and begins anew makes a list older than that.
func TestTenSecondsAreEnough(t *testing.T) { // req 62
	const maxStale = 10 * time.Second
	for name, test := range map[string]struct {
		every time.Duration // something is revoked; 0: nothing
		down  time.Duration // for so long the issuer is away, now and then
		limit time.Duration // for the end of a chain of feeds; 0: there is none
	}{
		"while the log is quiet":              {0, 0, maxStale},
		"while something comes":               {700 * time.Millisecond, 0, maxStale},
		"a quiet issuer begins anew":          {0, 2 * time.Second, 0},
		"an issuer begins anew while it ends": {50 * time.Millisecond, 2 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := seeded(t)
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				src := newSource(sessions(0, 10, time.Now().Add(time.Hour))...)
				begin := func() (http.Handler, *revocation.List, func()) {
					l := load(t, src)
					return serves(t, l, s, func(c *revocation.HandlerConfig) { c.MaxStale = maxStale }), l, run(t, l)
				}
				h, origin, stop := begin()
				n := &inProcess{serve: h, takes: 20 * time.Millisecond}
				feed := newFeed(t, overNetwork(s, n))
				l := load(t, feed)
				defer run(t, l)()
				relay := serves(t, l, s)
				last := followed(t, overNetwork(s, &inProcess{serve: relay, takes: 20 * time.Millisecond}))
				defer run(t, last)()
				var oldest, oldestOrigin, oldestLast time.Duration
				wait := func(d time.Duration) {
					for end := time.Now().Add(d); time.Now().Before(end); {
						time.Sleep(min(50*time.Millisecond, time.Until(end)))
						oldest = max(oldest, time.Since(l.AsOf()))
						oldestOrigin = max(oldestOrigin, time.Since(origin.AsOf()))
						oldestLast = max(oldestLast, time.Since(last.AsOf()))
					}
				}
				restarts := 0
				if test.every > 0 {
					done := make(chan struct{})
					defer close(done)
					go func() {
						for {
							select {
							case <-time.After(test.every):
								src.append(revocation.Entry{Kind: revocation.Session, ID: "again", Before: revocation.Ended, Expires: time.Now().Add(time.Hour)})
							case <-done:
								return
							}
						}
					}()
				}
				for range 40 {
					wait(5*time.Second + time.Duration(r.Int64N(int64(10*time.Second))))
					if test.down > 0 {
						n.becomes(nil)
						stop()
						wait(test.down)
						var fresh http.Handler
						fresh, origin, stop = begin()
						n.becomes(fresh)
						restarts++
					}
				}
				stop()
				t.Logf("the oldest: %s, at the issuer %s, of a feed of the feed %s; %d restarts, %d snapshots", oldest, oldestOrigin, oldestLast, restarts, feed.Status().Snapshots)
				if oldest > maxStale || oldestOrigin > maxStale || test.limit > 0 && oldestLast > test.limit {
					t.Errorf("the oldest: %s, at the issuer %s, of a feed of the feed %s", oldest, oldestOrigin, oldestLast)
				}
			})
		})
	}
}
