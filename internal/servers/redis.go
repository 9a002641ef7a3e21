package servers

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// RedisServer is a Redis server that appends to its file, and syncs it, before it answers.
type RedisServer struct{ server }

// Redis starts a server, which ends with the test. settings are lines of its configuration.
func Redis(t testing.TB, settings ...string) *RedisServer {
	t.Helper()
	r := newRedis(t, t.TempDir(), settings)
	t.Cleanup(r.Stop)
	return r
}

func newRedis(t testing.TB, dir string, settings []string) *RedisServer {
	t.Helper()
	program := find(t, "redis-server")
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	r := &RedisServer{server{
		t: t, name: "Redis", dir: filepath.Join(dir, "data"), port: port, log: filepath.Join(dir, "log"),
	}}
	lines := append([]string{
		fmt.Sprintf("port %d", port), "bind 127.0.0.1", "dir " + r.dir, "save \"\"",
		"appendonly yes", "appendfsync always", "maxmemory-policy noeviction",
	}, settings...)
	config := filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.command = func(s *server) *exec.Cmd { return exec.Command(program, config) }
	r.ready = func(s *server) error { return pong(s.Addr()) }
	r.Start()
	return r
}

// URL names the database 0.
func (r *RedisServer) URL() string { return "redis://" + r.Addr() + "/0" }

// pong is nil if a Redis answers at addr, or says that it wants a password or TLS.
func pong(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(conn, "PING\r\n")
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if strings.HasPrefix(answer, "+PONG") || strings.HasPrefix(answer, "-NOAUTH") || strings.HasPrefix(answer, "-DENIED") {
		return nil
	}
	return fmt.Errorf("it answers %q", answer)
}
