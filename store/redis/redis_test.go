package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/store/storetest"
)

func TestMain(m *testing.M) { servers.Main(m) }

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) func() writ.Store {
		c := shared(t)
		return func() writ.Store { return open(t, c) }
	})
}

// shared is a prefix of its own on the server that all tests share.
func shared(t testing.TB) redis.Config {
	return redis.Config{URL: servers.SharedRedis(t).URL(), Prefix: rand.Text()}
}

func open(t testing.TB, c redis.Config) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// admin is a connection beside the store's.
func admin(t testing.TB, addr string) *driver.Client {
	t.Helper()
	c := driver.NewClient(&driver.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { c.Close() })
	return c
}

func do(t testing.TB, c *driver.Client, args ...any) any {
	t.Helper()
	answer, err := c.Do(context.Background(), args...).Result() // also in a Cleanup
	if err != nil {
		t.Fatalf("%v: %v", args[0], err)
	}
	return answer
}

func entry(sid string) revocation.Entry {
	return revocation.Entry{Kind: revocation.Session, ID: sid, Before: revocation.Ended}
}

func save(t testing.TB, s *redis.Store, row writ.Row, entries ...revocation.Entry) writ.Row {
	t.Helper()
	row, err := s.Save(t.Context(), row, entries...)
	if err != nil {
		t.Fatalf("Save: %v", err)
	}
	return row
}

func appendTo(t testing.TB, s *redis.Store, entries ...revocation.Entry) {
	t.Helper()
	if err := s.Append(t.Context(), entries...); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

func snapshot(t testing.TB, s *redis.Store) (map[string]revocation.Entry, revocation.Cursor) {
	t.Helper()
	all := make(map[string]revocation.Entry)
	cursor, err := s.Snapshot(t.Context(), func(e revocation.Entry) { all[e.ID] = e })
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	return all, cursor
}

// now is one look at the log, without waiting.
func now(s *redis.Store, after revocation.Cursor) ([]revocation.Entry, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	entries, _, err := s.Tail(ctx, after)
	return entries, err
}

// wantBroken fails unless err says that the store could not answer.
func wantBroken(t testing.TB, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s: no error", what)
	case errors.Is(err, writ.ErrNotFound), errors.Is(err, writ.ErrConflict), errors.Is(err, revocation.ErrGap):
		t.Errorf("%s: error %v, which says that the store has answered", what, err)
	}
}

// until tries until f has no error, as callers do after an outage.
func until(t testing.TB, what string, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v, for 20 s", what, err)
}
