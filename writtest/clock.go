package writtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// Clock goes with the machine's clock, and ahead of it by what it was advanced. It is for tests with
// sockets or other programs; any other test is simpler and exact in a bubble of testing/synctest. The
// zero Clock is right. Its Now is for writ.Config.Now, writ.FollowConfig.Now and
// token.VerifierConfig.Now.
//
// By it go the times in tokens and sessions, expiry, revocation and how old it may be (MaxStale), and
// the life of keys. By the machine's clock go, and so do not notice an Advance:
//
//   - whatever waits: how often store, key ring, feed and key set are asked, and the time that an
//     operation may take,
//   - the key set that a Follower holds (jwks.Remote), which is refreshed and grows too old by real time,
//   - Max-Age of cookies and of the key set, and the cookie jar of a Browser,
//   - the list of sessions in a database, which leaves out what has expired.
//
// A Follower whose Clock is ahead of its issuer's finds revocations too old, and goes on to. That is one
// way to test token.ErrStale; for all that is to go well, advance them together in a bubble.
type Clock struct{ ahead atomic.Int64 }

// Now is the time by this clock.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the clock on, and never back. It returns when these Managers, which go by it and run, are
// ready at the new time: for one of New in some tenths of a second, on a Store of your own in some
// seconds. What runs meanwhile may see them not ready.
func (c *Clock) Advance(t testing.TB, d time.Duration, managers ...*writ.Manager) {
	t.Helper()
	if d < 0 {
		t.Fatalf("writtest: a Clock is not set back, by %s", d)
	}
	c.ahead.Add(int64(d))
	for _, m := range managers {
		if err := catchUp(m); err != nil {
			t.Fatalf("writtest: a Manager is not ready after its Clock was advanced; does it run? %v", err)
		}
	}
}

// catchUp has m read its keys again, and waits until it has read its log.
func catchUp(m *writ.Manager) error {
	const (
		patience = 20 * time.Second
		again    = time.Second
		step     = 10 * time.Millisecond
	)
	for waited := time.Duration(0); waited < patience; waited += step {
		if waited%again == 0 {
			readKeysAnew(m)
		}
		if m.Ready() == nil {
			return nil
		}
		time.Sleep(step)
	}
	return m.Ready()
}

// readKeysAnew asks for the key set as a verifier does that has met an unknown kid.
func readKeysAnew(m *writ.Manager) (status int) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cache-Control", "no-cache")
	w := httptest.NewRecorder()
	m.Endpoints().Keys.ServeHTTP(w, r)
	return w.Code
}

// impatient is a Store whose log waits for so short a time that a list which reads it is never much
// older than the Clock.
type impatient struct{ writ.Store }

func (s impatient) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	return s.Store.Tail(ctx, after)
}
