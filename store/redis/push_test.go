package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/redis"
)

// never is a poll that no test lives to see.
const never = time.Hour

var errNotYet = errors.New("not yet")

// tail is a Tail that runs.
type tail struct {
	entries []revocation.Entry
	err     error
	ended   chan struct{}
}

// follow begins a Tail from the end of the log, and returns when it waits.
func follow(t testing.TB, ctx context.Context, s *redis.Store) *tail {
	t.Helper()
	_, cursor := snapshot(t, s)
	f := &tail{ended: make(chan struct{})}
	before := s.Waiting()
	go func() {
		defer close(f.ended)
		f.entries, _, f.err = s.Tail(ctx, cursor)
	}()
	until(t, "waiting", func() error {
		if s.Waiting() <= before {
			return errNotYet
		}
		return nil
	})
	return f
}

// brings fails unless the Tail ends with one entry.
func (f *tail) brings(t testing.TB, id string) {
	t.Helper()
	select {
	case <-f.ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not come", id)
	}
	if f.err != nil || len(f.entries) != 1 || f.entries[0].ID != id {
		t.Errorf("%d entries, error %v; want %s", len(f.entries), f.err, id)
	}
}

// pushed fails unless a Tail of s brings at once what other appends, although it never looks of itself.
func pushed(t testing.TB, s, other *redis.Store, id string) {
	t.Helper()
	s.SetPolls(never)
	f := follow(t, t.Context(), s)
	pushWorks(t, s)
	appendTo(t, other, entry(id))
	f.brings(t, id)
}

func pushWorks(t testing.TB, s *redis.Store) {
	t.Helper()
	until(t, "the push", func() error {
		if !s.PushWorks() {
			return errNotYet
		}
		return nil
	})
}

// blocked are the IDs of the connections that the server holds an XREAD for.
func blocked(t testing.TB, a *driver.Client) (ids []string) {
	t.Helper()
	for line := range strings.SplitSeq(do(t, a, "CLIENT", "LIST").(string), "\n") {
		if id, rest, ok := strings.Cut(strings.TrimPrefix(line, "id="), " "); ok && strings.Contains(rest, " cmd=xread ") {
			ids = append(ids, id)
		}
	}
	return ids
}

func killBlocked(t testing.TB, a *driver.Client) {
	t.Helper()
	for _, id := range blocked(t, a) {
		do(t, a, "CLIENT", "KILL", "ID", id)
	}
}

func TestAnAppendElsewhereEndsATailAtOnce(t *testing.T) { // req 58
	t.Parallel()
	c := shared(t)
	options := clientOptions(t, c.URL)
	options.PoolSize, options.MaxActiveConns, options.ReadTimeout = 1, 1, 50*time.Millisecond
	client := driver.NewClient(options)
	defer client.Close()
	other := open(t, c)
	for name, c := range map[string]redis.Config{
		"an URL": c,
		"a client whose one connection is free all the while": {Client: client, Prefix: c.Prefix},
	} {
		s := open(t, c)
		for n := range 3 {
			pushed(t, s, other, fmt.Sprint(name, n))
		}
		appendTo(t, s, entry("own, of "+name))
		s.Close()
	}
}

func TestTheTailsOfAStoreShareOneConnection(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	s, other := open(t, redis.Config{URL: server.URL()}), open(t, redis.Config{URL: server.URL()})
	a := admin(t, server.Addr())
	s.SetPolls(never)
	var all []*tail
	for range 8 {
		all = append(all, follow(t, t.Context(), s))
	}
	pushWorks(t, s)
	if n := len(blocked(t, a)); n != 1 {
		t.Errorf("%d connections are blocked, want 1", n)
	}
	appendTo(t, other, entry("s1"))
	for _, f := range all {
		f.brings(t, "s1")
	}
}

func TestNobodyListensWhileNoTailWaits(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	a := admin(t, server.Addr())
	s.SetBlock(20 * time.Millisecond)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		f := follow(t, ctx, s)
		pushWorks(t, s)
		cancel()
		<-f.ended
		until(t, "the end of listening", func() error {
			if s.Listening() || len(blocked(t, a)) > 0 {
				return errNotYet
			}
			return nil
		})
	}
}

func TestATailThatWaitsEndsWithCtxAndCloseAlthoughNoAnswerComes(t *testing.T) { // req 60
	t.Parallel()
	server := servers.Redis(t)
	for name, pause := range map[string]bool{"a server that holds the XREAD for an hour": false, "one that hangs": true} {
		s, err := redis.Open(t.Context(), redis.Config{URL: server.URL()})
		if err != nil {
			t.Fatal(err)
		}
		s.SetBlock(time.Hour)
		s.SetPolls(never)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := follow(t, ctx, s), follow(t, t.Context(), s)
		pushWorks(t, s)
		if pause {
			server.Pause()
		}
		cancel()
		<-first.ended
		if first.err != nil {
			t.Errorf("%s: the end of ctx: error %v", name, first.err)
		}
		s.Close()
		<-second.ended
		wantBroken(t, name+": Close", second.err)
		server.Resume()
	}
}

// req 58, 60: whatever becomes of the hint, the entry comes by polling; and then the push works again.
func TestALostPushIsReplaced(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	a := admin(t, server.Addr())
	c := redis.Config{URL: server.URL()}
	s, other := open(t, c), open(t, c)
	for name, breakIt := range map[string]func(){
		"its connection is killed":   func() { killBlocked(t, a) },
		"all connections are killed": func() { do(t, a, "CLIENT", "KILL", "TYPE", "normal") },
		"the XREAD is ended": func() {
			for _, id := range blocked(t, a) {
				do(t, a, "CLIENT", "UNBLOCK", id, "ERROR")
			}
		},
		"the server hangs": func() {
			server.Pause()
			ctx, cancel := contextOf(100 * time.Millisecond)
			defer cancel()
			_, err := s.Load(ctx, "none")
			wantBroken(t, "Load while the server hangs", err)
			server.Resume()
		},
		"the server is killed": func() { server.Kill(); server.Start() },
		"the log is begun anew": func() {
			do(t, a, "FLUSHALL")
			snapshot(t, other)
		},
	} {
		pushed(t, s, other, "before "+name)
		breakIt()
		s.SetPolls(10 * time.Millisecond)
		until(t, "Append", func() error { return other.Append(t.Context(), entry("ready")) })
		until(t, "Purge", func() error { _, err := s.Purge(t.Context(), time.Unix(0, 0)); return err })
		f := follow(t, t.Context(), s)
		appendTo(t, other, entry("meanwhile "+name))
		f.brings(t, "meanwhile "+name)
		pushed(t, s, other, "after "+name)
	}
}

// deaf is a connection on which no answer to an XREAD arrives, as long as it is told so.
type deaf struct {
	net.Conn
	is    *atomic.Bool
	reads atomic.Bool
}

func (d *deaf) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "\r\nxread\r\n") {
		d.reads.Store(true)
	}
	return d.Conn.Write(b)
}

func (d *deaf) Read(b []byte) (int, error) {
	for {
		n, err := d.Conn.Read(b)
		if err != nil || !d.reads.Load() || !d.is.Load() {
			return n, err
		}
	}
}

func TestAPushThatIsNeverAnsweredIsPolledBeside(t *testing.T) { // req 58, 60
	t.Parallel()
	c := shared(t)
	var is atomic.Bool
	options := clientOptions(t, c.URL)
	options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &deaf{Conn: conn, is: &is}, err
	}
	client := driver.NewClient(options)
	defer client.Close()
	s, other := open(t, redis.Config{Client: client, Prefix: c.Prefix, Timeout: time.Second}), open(t, c)
	s.SetBlock(50 * time.Millisecond)
	pushed(t, s, other, "before")
	is.Store(true)
	s.SetPolls(10 * time.Millisecond)
	for n := range 3 {
		f := follow(t, t.Context(), s)
		id := fmt.Sprint("deaf", n)
		appendTo(t, other, entry(id))
		f.brings(t, id)
	}
	is.Store(false)
	pushed(t, s, other, "after")
	is.Store(true)
	s.Close() // and ends what waits for the answer
}

// A Sentinel may name the old primary for a while: a replica would be silent, or behind, for ever.
func TestAReplicaTellsOfNothing(t *testing.T) { // req 62
	t.Parallel()
	primary := primaryOf(t)
	replica := replicaOf(t, primary)
	var stray atomic.Bool
	options := clientOptions(t, primary.URL())
	options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if stray.Load() {
			addr = replica.Addr()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	client := driver.NewClient(options)
	defer client.Close()
	s, other := open(t, redis.Config{Client: client}), open(t, redis.Config{URL: primary.URL()})
	s.SetPolls(never)
	follow(t, t.Context(), s)
	pushWorks(t, s)
	stray.Store(true)
	a, r := admin(t, primary.Addr()), admin(t, replica.Addr())
	killBlocked(t, a)
	until(t, "refusing by the replica", func() error {
		if refusals(t, r, "persist") < 2 {
			return errNotYet
		}
		return nil
	})
	if s.PushWorks() {
		t.Error("the push takes a replica's word")
	}
	stray.Store(false)
	pushed(t, s, other, "s1")
}

// refusals is how often a server has refused a command.
func refusals(t testing.TB, a *driver.Client, command string) (n int) {
	t.Helper()
	stats := a.InfoMap(t.Context(), "commandstats").Val()["Commandstats"]["cmdstat_"+command]
	_, after, _ := strings.Cut(stats, "rejected_calls=")
	fmt.Sscanf(after, "%d", &n)
	return n
}

func TestPollOnlyAsksForNoPush(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, `rename-command XREAD ""`)
	s, other := open(t, redis.Config{URL: server.URL() + "?poll-only=true"}), open(t, redis.Config{URL: server.URL()})
	f := follow(t, t.Context(), s)
	if s.Listening() {
		t.Error("a goroutine listens")
	}
	appendTo(t, other, entry("s1"))
	f.brings(t, "s1")
}

// impatient is a connection that counts XREADs, and lets none block.
type impatient struct {
	net.Conn
	asked *atomic.Int64
}

func (c impatient) Write(b []byte) (int, error) {
	short := strings.NewReplacer("*8\r\n$5\r\nxread", "*6\r\n$5\r\nxread", "$5\r\nblock\r\n$4\r\n1000\r\n", "").Replace(string(b))
	if short != string(b) {
		c.asked.Add(1)
	}
	_, err := c.Conn.Write([]byte(short))
	return len(b), err
}

func TestAServerThatCannotBlockIsPolledAndNotPestered(t *testing.T) { // req 58, 60
	t.Parallel()
	for name, refuses := range map[string]bool{"it refuses XREAD": true, "it answers at once": false} {
		server := servers.Redis(t)
		a := admin(t, server.Addr())
		options := clientOptions(t, server.URL())
		var asked atomic.Int64
		options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return impatient{conn, &asked}, err
		}
		if refuses {
			do(t, a, "ACL", "SETUSER", "default", "-xread")
		}
		client := driver.NewClient(options)
		defer client.Close()
		s, other := open(t, redis.Config{Client: client}), open(t, redis.Config{URL: server.URL()})
		ctx, cancel := contextOf(400 * time.Millisecond)
		<-follow(t, ctx, s).ended // and counts as waiting no more
		cancel()
		if n := asked.Load(); n < 1 || n > 14 { // of four connections or so, and of each not more than two
			t.Errorf("%s: XREAD was asked for %d times in 0.4 s", name, n)
		}
		f := follow(t, t.Context(), s)
		appendTo(t, other, entry("s1"))
		f.brings(t, "s1")
		s.Close()
	}
}
