package redis_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/redis"
)

// sentinel starts one that decides alone, and knows the replica.
func sentinel(t testing.TB, primary *servers.RedisServer) string {
	t.Helper()
	port := freePort(t)
	host, of, _ := strings.Cut(primary.Addr(), ":")
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	lines := []string{
		fmt.Sprint("port ", port), "bind 127.0.0.1", "dir " + filepath.Dir(config), "requirepass test-password",
		fmt.Sprintf("sentinel monitor mymaster %s %s 1", host, of),
		"sentinel down-after-milliseconds mymaster 300", "sentinel failover-timeout mymaster 500",
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", config, "--sentinel")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	a := admin(t, addr)
	until(t, "the Sentinel", func() error {
		if err := a.Do(t.Context(), "AUTH", "test-password").Err(); err != nil {
			return err
		}
		known, err := a.Do(t.Context(), "SENTINEL", "REPLICAS", "mymaster").Slice()
		if err == nil && len(known) == 0 {
			err = errors.New("it knows no replica")
		}
		return err
	})
	return addr
}

// req 47, 60, 61
func TestAFailoverBySentinel(t *testing.T) {
	t.Parallel()
	first := primaryOf(t)
	second := replicaOf(t, first)
	addr := sentinel(t, first)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("test-password"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := "redis+sentinel://" + addr + "/mymaster/0?sentinel-password-file=" + password
	safe := open(t, redis.Config{URL: at, Replicas: 1, ReplicasTimeout: 2500 * time.Millisecond})
	s := open(t, redis.Config{URL: at})
	if _, err := redis.Open(t.Context(), redis.Config{URL: strings.Replace(at, "mymaster", "stranger", 1)}); err == nil ||
		errors.Is(err, writ.ErrNotFound) || !strings.Contains(err.Error(), "no Sentinel knows") {
		t.Errorf("another name: error %v, want that no Sentinel knows it", err)
	}

	pushed(t, s, safe, "safe")
	row := save(t, safe, writ.Row{ID: "s1", Owner: "alice"})
	_, kept := snapshot(t, s)
	second.Stop()
	appendTo(t, s, entry("lost"))
	_, lost := snapshot(t, s)
	first.Kill()
	second.Start()

	until(t, "Save after the failover", func() error {
		_, err := s.Load(t.Context(), "s1")
		if errors.Is(err, writ.ErrNotFound) {
			t.Fatal("a row that was on a replica is lost")
		}
		return err
	})
	save(t, s, row)
	if all, _ := snapshot(t, s); len(all) != 1 || all["safe"].ID == "" {
		t.Errorf("%d entries, want the one that was on the replica", len(all))
	}
	if _, err := now(s, lost); !errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("error %v, want ErrRegressed", err)
	}
	appendTo(t, s, entry("lost"))
	if entries, err := now(s, kept); err != nil || len(entries) != 1 {
		t.Errorf("%d entries, error %v; want the one that was appended again", len(entries), err)
	}
	pushed(t, s, open(t, redis.Config{URL: at}), "pushed by the new primary")
}
