package servers

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// shared are the servers of this process that outlive a test.
var shared struct {
	mu       sync.Mutex
	dirs     []string
	stop     []func()
	postgres *PostgresServer
	redis    *RedisServer
}

// SharedPostgres is one server for all tests of a package whose TestMain calls Main. Tests do not kill
// it, and keep apart by schemas.
func SharedPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.postgres == nil {
		p := newPostgres(t, sharedDir(t))
		p.t = outlives{}
		shared.postgres = p
		shared.stop = append(shared.stop, p.Stop)
	}
	return shared.postgres
}

// SharedRedis is one server for all tests of a package whose TestMain calls Main. Tests do not kill
// it, and keep apart by prefixes.
func SharedRedis(t testing.TB) *RedisServer {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.redis == nil {
		r := newRedis(t, sharedDir(t), nil)
		r.t = outlives{}
		shared.redis = r
		shared.stop = append(shared.stop, r.Stop)
	}
	return shared.redis
}

func sharedDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "writ-servers-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as another user
		t.Fatal(err)
	}
	shared.dirs = append(shared.dirs, dir)
	return dir
}

// Main runs the tests of a package, ends the shared servers, and fails if a goroutine is left.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(runner{m}, options...)
}

type runner struct{ m *testing.M }

// Run implements goleak.TestingM.
func (r runner) Run() int {
	code := r.m.Run()
	for _, stop := range shared.stop {
		stop()
	}
	for _, dir := range shared.dirs {
		os.RemoveAll(dir)
	}
	return code
}

// outlives is for a server that belongs to no test.
type outlives struct{}

func (outlives) Helper() {}

func (outlives) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
