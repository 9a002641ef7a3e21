package redis_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/redis"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := servers.SharedRedis(t)
	a := admin(t, good.Addr())
	do(t, a, "HSET", "{newer}:head", "format", "2")
	do(t, a, "SET", "{foreign}:head", "x")
	evicting := servers.Redis(t, "maxmemory-policy allkeys-lru", "appendonly no")
	ring := driver.NewRing(&driver.RingOptions{})
	defer ring.Close()
	deaf := driver.NewClient(&driver.Options{Addr: good.Addr()})
	eager := driver.NewClient(&driver.Options{Addr: good.Addr(), ContextTimeoutEnabled: true})
	defer eager.Close()
	defer deaf.Close()
	secret := filepath.Join(t.TempDir(), "password")
	for _, c := range []struct {
		name   string
		config redis.Config
		says   string
	}{
		{"nothing", redis.Config{}, "either URL or Client"},
		{"an URL and a client", redis.Config{URL: good.URL(), Client: deaf}, "either URL or Client"},
		{"a client that does not heed ctx", redis.Config{Client: deaf}, "ContextTimeoutEnabled"},
		{"a client that tries again by itself", redis.Config{Client: eager}, "MaxRetries"},
		{"a ring of servers", redis.Config{Client: ring}, "ClusterClient"},
		{"a client and a password file", redis.Config{Client: deaf, PasswordFile: secret}, "no effect"},
		{"a prefix with braces", redis.Config{URL: good.URL(), Prefix: "a}b"}, "Prefix"},
		{"a long prefix", redis.Config{URL: good.URL(), Prefix: strings.Repeat("x", 65)}, "Prefix"},
		{"less than no replicas", redis.Config{URL: good.URL(), Replicas: -1}, "Replicas"},
		{"a timeout without an end", redis.Config{URL: good.URL(), Timeout: -1}, "Timeout"},
		{"a wait for replicas that outlasts the call", redis.Config{URL: good.URL(), Timeout: time.Second, ReplicasTimeout: time.Second}, "ReplicasTimeout"},
		{"a password file that is not there", redis.Config{URL: good.URL(), PasswordFile: secret}, "no such file"},
		{"data of a newer version", redis.Config{URL: good.URL(), Prefix: "newer"}, "another version"},
		{"data of something else", redis.Config{URL: good.URL(), Prefix: "foreign"}, "something else"},
		{"a server that evicts", redis.Config{URL: evicting.URL(), CrashMayLoseWrites: true}, "maxmemory-policy is allkeys-lru"},
		{"a server without a file", redis.Config{URL: evicting.URL(), EvictionMayEndSessions: true}, "appendonly is no"},
		{"both", redis.Config{URL: evicting.URL()}, "appendonly yes"},
		{"no server", redis.Config{URL: "redis://127.0.0.1:1"}, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := redis.Open(t.Context(), c.config)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			if strings.Contains(err.Error(), "a}b") || strings.Contains(err.Error(), secret) {
				t.Error("the error repeats what was configured")
			}
		})
	}
}

func TestWaiversAndHarmlessPolicies(t *testing.T) {
	t.Parallel()
	evicting := servers.Redis(t, "maxmemory-policy allkeys-lru", "appendonly no")
	open(t, redis.Config{URL: evicting.URL(), EvictionMayEndSessions: true, CrashMayLoseWrites: true})
	a := admin(t, evicting.Addr())
	do(t, a, "CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
	s := open(t, redis.Config{URL: evicting.URL(), CrashMayLoseWrites: true})
	save(t, s, writ.Row{ID: "s1", Owner: "alice", Expires: time.Now().Add(time.Hour)}, entry("s1"))
	for _, key := range do(t, a, "KEYS", "*").([]any) {
		if ttl := do(t, a, "TTL", key).(int64); ttl != -1 {
			t.Errorf("a key has a time to live: volatile-* policies could remove it")
		}
	}
}

func TestAServerThatDoesNotTellIsTakenForBad(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	do(t, admin(t, server.Addr()), "ACL", "SETUSER", "app", "on", ">test-password", "~{writ}:*", "+@all", "-info", "-@dangerous")
	at := "redis://app:test-password@" + server.Addr()
	_, err := redis.Open(t.Context(), redis.Config{URL: at})
	if err == nil || strings.Count(err.Error(), "not told") != 2 {
		t.Errorf("error %v, want that neither is told", err)
	}
	s := open(t, redis.Config{URL: at + "?eviction-may-end-sessions=true&crash-may-lose-writes=true"})
	save(t, s, writ.Row{ID: "s1"})
}

// rights are those that the package documentation names.
var rights = []any{"ACL", "SETUSER", "app", "on", ">test-password", "resetkeys", "~{writ}:*", "-@all",
	"+hello", "+info", "+wait", "+eval", "+evalsha", "+persist", "+del", "+time", "+hget", "+hset", "+hmget", "+hdel",
	"+zadd", "+zrem", "+zrangebylex", "+zrangebyscore", "+zrevrange", "+zscore", "+xadd", "+xrevrange", "+xread"}

func TestARestrictedUserIsEnough(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	do(t, admin(t, server.Addr()), rights...)
	s := open(t, redis.Config{URL: "redis://app:test-password@" + server.Addr()})
	row := save(t, s, writ.Row{ID: "s1", Owner: "alice", Expires: time.Now().Add(time.Hour)}, entry("s1"))
	_, cursor := snapshot(t, s)
	for name, call := range calls(s, row, cursor) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := call(ctx); err != nil && strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	pushed(t, s, s, "s2")
	_, err := redis.Open(t.Context(), redis.Config{URL: "redis://app:test-password@" + server.Addr() + "?prefix=other"})
	if err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("another prefix: error %v, want NOPERM", err)
	}
}

func TestErrorsRepeatNothing(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "maxmemory 8mb")
	s := open(t, redis.Config{URL: server.URL(), Timeout: time.Second})
	row := save(t, s, writ.Row{ID: "secret-id", Owner: "secret-owner", Data: []byte("secret-data")}, entry("secret-entry"))
	_, cursor := snapshot(t, s)
	a := admin(t, server.Addr())
	check := func(says string) {
		t.Helper()
		for name, call := range calls(s, row, cursor) {
			ctx, cancel := contextOf(100 * time.Millisecond)
			err := call(ctx)
			cancel()
			wantBroken(t, name, err)
			if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s: error %q, want one that says %q, and nothing secret", name, err, says)
			}
		}
	}
	do(t, a, "ACL", "SETUSER", "default", "-evalsha", "-eval")
	check("NOPERM")
	do(t, a, "ACL", "SETUSER", "default", "+evalsha", "+eval", "-hget")
	check("NOPERM")
	do(t, a, "ACL", "SETUSER", "default", "+hget")
	do(t, a, "CONFIG", "SET", "requirepass", "test-password")
	s.Close()
	_, err := redis.Open(t.Context(), redis.Config{URL: server.URL()})
	if err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("error %v, want NOAUTH", err)
	}
	_, err = redis.Open(t.Context(), redis.Config{URL: "redis://:secret@" + server.Addr()})
	if err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v, want WRONGPASS", err)
	}
}

func TestAProxyWithoutScriptsIsNamed(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, `rename-command EVALSHA ""`)
	_, err := redis.Open(t.Context(), redis.Config{URL: server.URL()})
	if err == nil || !strings.Contains(err.Error(), "scripts are needed") || strings.Contains(err.Error(), "{writ}") {
		t.Errorf("error %v, want that scripts are needed, without arguments", err)
	}
}

func TestAFullMemoryRefusesWritesAndNothingElse(t *testing.T) { // req 60
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	a := admin(t, server.Addr())
	row := save(t, s, writ.Row{ID: "s1"}, entry("s1"))
	save(t, s, writ.Row{ID: "dead", Expires: time.Unix(1, 0)})
	_, cursor := snapshot(t, s)
	do(t, a, "HSET", "{writ}:head", "beat", "1")
	do(t, a, "CONFIG", "SET", "maxmemory", "1")
	for name, write := range map[string]func() error{
		"Save":        func() error { _, err := s.Save(t.Context(), row, entry("s2")); return err },
		"Save of new": func() error { _, err := s.Save(t.Context(), writ.Row{ID: "s2", Owner: "alice"}); return err },
		"Append":      func() error { return s.Append(t.Context(), entry("s2")) },
	} {
		err := write()
		wantBroken(t, name, err)
		if err == nil || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("%s: error %v, want OOM", name, err)
		}
	}
	if all, _ := snapshot(t, s); len(all) != 1 {
		t.Errorf("%d entries, want 1: a part was written", len(all))
	}
	if got, err := s.Load(t.Context(), "s1"); err != nil || got.Version != row.Version {
		t.Errorf("Load: version %d, error %v; want %d", got.Version, err, row.Version)
	}
	ctx, cancel := contextOf(100 * time.Millisecond)
	defer cancel()
	if _, _, err := s.Tail(ctx, cursor); err != nil {
		t.Errorf("Tail: %v: who only verifies needs no memory", err)
	}
	if _, err := s.Purge(t.Context(), time.Now()); err != nil {
		t.Errorf("Purge: %v", err)
	}
	if _, err := s.Load(t.Context(), "dead"); !errors.Is(err, writ.ErrNotFound) {
		t.Errorf("Load: error %v, want ErrNotFound: Purge makes room", err)
	}
	do(t, a, "CONFIG", "SET", "maxmemory", "0")
	save(t, s, row)
}

func TestManyOpensAtOnceMakeOneStore(t *testing.T) {
	t.Parallel()
	c := shared(t)
	var all sync.WaitGroup
	stores := make([]*redis.Store, 8)
	for i := range stores {
		all.Go(func() {
			var err error
			if stores[i], err = redis.Open(t.Context(), c); err != nil {
				t.Errorf("Open: %v", err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	_, first := snapshot(t, stores[0])
	for _, s := range stores {
		if _, cursor := snapshot(t, s); cursor != first {
			t.Error("two logs were begun")
		}
		s.Close()
	}
}

func TestOpenHonoursCtx(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := redis.Open(ctx, shared(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
}

func TestOpenURL(t *testing.T) {
	t.Parallel()
	addr := servers.SharedRedis(t).Addr()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("test-password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, url, says string }{
		{"an address", "redis://" + addr, ""},
		{"a database", "redis://" + addr + "/3", ""},
		{"every parameter", "redis://" + addr + "/0?prefix=p&replicas=0&replicas-timeout=10ms&timeout=2s&poll-only=true&eviction-may-end-sessions=false&crash-may-lose-writes=true", ""},
		{"an unknown parameter", "redis://" + addr + "?pool_size=hunter2", "it knows crash-may-lose-writes"},
		{"a parameter of TLS without TLS", "redis://" + addr + "?tls-ca=x", "no effect"},
		{"a Sentinel's parameter without one", "redis://" + addr + "?sentinel-user=x", "no effect"},
		{"a parameter twice", "redis://" + addr + "?prefix=a&prefix=b", "prefix twice"},
		{"an empty parameter", "redis://" + addr + "?prefix=", "prefix"},
		{"a truth that is none", "redis://" + addr + "?crash-may-lose-writes=hunter2", "true or false"},
		{"a number that is none", "redis://" + addr + "?replicas=hunter2", "a number"},
		{"a time that is none", "redis://" + addr + "?timeout=5", "a time"},
		{"a database that is none", "redis://" + addr + "/hunter2", "number of a database"},
		{"a database of a cluster", "redis+cluster://" + addr + "/1", "a cluster has none"},
		{"no name of a primary", "redis+sentinel://" + addr, "mymaster"},
		{"several servers that are no cluster", "redis://" + addr + "," + addr, "redis+cluster"},
		{"another scheme", "http://hunter2@" + addr, "must begin with redis"},
		{"no server", "redis://:hunter2@/0", "names no server"},
		{"no server with a port", "redis://:6379", "without a host"},
		{"a fragment", "redis://" + addr + "#hunter2", "names no server"},
		{"a password in two places", "redis://:hunter2@" + addr + "?password-file=" + password, "keep the file"},
		{"a cluster that is none", "redis+cluster://" + addr, "cluster"},
		{"a Sentinel that is none", "redis+sentinel://" + addr + "/mymaster", "open: "},
		{"TLS where there is none", "rediss://" + addr + "?timeout=200ms", "did not answer"},
		{"a CA file that is not there", "rediss://" + addr + "?tls-ca=/nowhere/hunter2", "tls-ca cannot be read"},
		{"a certificate without its key", "rediss://" + addr + "?tls-cert=/nowhere/hunter2", "go together"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := url.Parse(c.url)
			if err != nil {
				t.Fatal(err)
			}
			s, err := redis.OpenURL(t.Context(), u)
			if err == nil {
				s.Close()
			}
			switch {
			case (c.says == "") != (err == nil):
				t.Errorf("error %v", err)
			case err != nil && s != nil:
				t.Error("a store that is not nil comes with an error")
			case err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2")):
				t.Errorf("error %q does not say %q, or repeats the URL", err, c.says)
			}
		})
	}
	if _, err := redis.Open(t.Context(), redis.Config{URL: "redis://" + addr + "?prefix=a", Prefix: "b"}); err == nil {
		t.Error("a prefix in the URL and in Config was taken")
	}
}
