package redis_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/redis"
)

func clientOptions(t testing.TB, url string) *driver.Options {
	t.Helper()
	options, err := driver.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1
	return options
}

// losing is a client that, for each function in lose, receives an answer, throws it away with the
// connection, and lets the function happen before anything is tried again.
func losing(t testing.TB, url string, lose chan func()) *driver.Client {
	options := clientOptions(t, url)
	options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &losingConn{conn, lose}, err
	}
	c := driver.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}

type losingConn struct {
	net.Conn
	lose chan func()
}

func (c *losingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && strings.HasPrefix(string(b[:n]), "*") && strings.Contains(string(b[:n]), "\r\nok\r\n") {
		select {
		case meanwhile := <-c.lose:
			c.Conn.Close()
			meanwhile()
			return 0, io.EOF
		default:
		}
	}
	return n, err
}

// counter counts round trips.
type counter struct{ n atomic.Int64 }

func (c *counter) DialHook(next driver.DialHook) driver.DialHook { return next }

func (c *counter) ProcessHook(next driver.ProcessHook) driver.ProcessHook {
	return func(ctx context.Context, cmd driver.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c *counter) ProcessPipelineHook(next driver.ProcessPipelineHook) driver.ProcessPipelineHook {
	return func(ctx context.Context, cmds []driver.Cmder) error { c.n.Add(1); return next(ctx, cmds) }
}

func TestAnOperationIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	c := shared(t)
	client := driver.NewClient(clientOptions(t, c.URL))
	defer client.Close()
	var count counter
	client.AddHook(&count)
	c.URL, c.Client = "", client
	s := open(t, c)
	ctx := t.Context()
	row := save(t, s, writ.Row{ID: "s1", Owner: "alice"}, entry("s1")) // and the scripts are there
	_, cursor := snapshot(t, s)
	appendTo(t, s, entry("s2"))
	s.Load(ctx, "s1")
	s.List(ctx, "alice", "", 10)
	s.Purge(ctx, time.Unix(0, 0))
	now(s, cursor)
	many := make([]revocation.Entry, 100)
	for i := range many {
		many[i] = entry(strings.Repeat("x", i+1))
	}
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"Load", func() error { _, err := s.Load(ctx, "s1"); return err }},
		{"Save", func() error { _, err := s.Save(ctx, row, many...); return err }},
		{"Append", func() error { return s.Append(ctx, many...) }},
		{"List", func() error { _, err := s.List(ctx, "alice", "", 500); return err }},
		{"Purge", func() error { _, err := s.Purge(ctx, time.Unix(0, 0)); return err }},
		{"Tail", func() error { _, err := now(s, cursor); return err }},
	} {
		before := count.n.Load()
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if n := count.n.Load() - before; n != 1 {
			t.Errorf("%s: %d round trips, want 1", c.name, n)
		}
	}
}

func TestScriptsThatTheServerForgotAreSentAgain(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	row := save(t, s, writ.Row{ID: "s1"})
	do(t, admin(t, server.Addr()), "SCRIPT", "FLUSH")
	save(t, s, row, entry("s1"))
}

func TestCloseLeavesNoConnection(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	a := admin(t, server.Addr())
	s, err := redis.Open(t.Context(), redis.Config{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	_, cursor := snapshot(t, s)
	go s.Tail(context.Background(), cursor)
	save(t, s, writ.Row{ID: "s1"})
	s.Close()
	until(t, "closing", func() error {
		if n := strings.Count(do(t, a, "CLIENT", "LIST").(string), "id="); n != 1 {
			return io.ErrNoProgress // one is the test's own
		}
		return nil
	})
}

func TestCloseLeavesTheCallersClientOpen(t *testing.T) {
	t.Parallel()
	c := shared(t)
	client := driver.NewClient(clientOptions(t, c.URL))
	defer client.Close()
	c.URL, c.Client = "", client
	s := open(t, c)
	s.Close()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the client: %v", err)
	}
	_, err := s.Load(t.Context(), "s1")
	wantBroken(t, "Load", err)
}
