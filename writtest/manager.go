package writtest

import (
	"context"
	"net/http"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

const issuer = "https://writ.test"

// New is a running Manager on a memory store, stopped when the test ends. What c leaves empty is
// filled in: the Issuer is https://writ.test, the keys are in clear unless c has a Secret or a KeyWrapper,
// and verified tokens are not cached, which is slower and makes no other difference. A Store that c names
// stays open.
func New(t testing.TB, c writ.Config) *writ.Manager {
	t.Helper()
	c = filledIn(t, c)
	m, err := writ.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	run(t, m.Run)
	return m
}

func filledIn(t testing.TB, c writ.Config) writ.Config {
	if c.Issuer == "" {
		c.Issuer = issuer
	}
	if c.Store == nil {
		store := memory.Open()
		t.Cleanup(func() { store.Close() })
		c.Store = store
		if c.Now != nil {
			c.Store = impatient{store}
		}
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = -1 // it decides nothing, and wakes up ten times a second, which makes a bubble's days long
	}
	if len(c.Secret) == 0 && c.KeyWrapper == nil {
		c.KeysInClear = true
	}
	return c
}

// run runs f until the test ends. Its context is not the test's, which ends before the first cleanup:
// those of the test may need what runs.
func run(t testing.TB, f func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		f(ctx) // its error is that ctx ended
	}()
	t.Cleanup(func() {
		stop()
		<-stopped
	})
}

// SignIn starts a session and puts its access token on req, as a Bearer. For cookies there is
// Browser.SignIn: a guard refuses a request that has both.
func SignIn(t testing.TB, m *writ.Manager, req *http.Request, l writ.Login) *token.Pair {
	t.Helper()
	pair, err := m.Start(t.Context(), l)
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+pair.Access)
	return pair
}
