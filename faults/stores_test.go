package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
	driversqlite "modernc.org/sqlite"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/store/postgres"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/store/sqlite"
)

func TestMain(m *testing.M) {
	if os.Getenv(nodeFile) != "" {
		serveNode()
		return
	}
	logging.Disable()                               // go-redis tells standard error of every dial that fails
	const proxy = "github.com/Shopify/toxiproxy/v2" // which leaves some behind when a toxic ends
	servers.Main(m,
		goleak.IgnoreAnyFunction(proxy+"/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).read"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).write"))
}

// server is a database server that can be broken.
type server interface {
	Addr() string
	Kill()
	Start()
	Pause()
	Resume()
	Copy()
	PutBack()
}

// place is where the data of one test are.
type place struct {
	// open opens a handle, which is closed when the test ends. through is given the server's address
	// and returns the one to use, so that a proxy can stand between; nil: the server's own. A store
	// without a server does not ask it.
	open   func(t testing.TB, through func(addr string) string) writ.Store
	server server // nil: the store has none
	file   string // of a store that is one
	// pause keeps the server from answering, with its connections open, until resume is called.
	pause func() (resume func())
	// copies is how the store is put back to an older copy of itself while nodes live; nil: it cannot be.
	copies interface {
		Copy()
		PutBack()
	}
}

// backend is a kind of store.
type backend struct {
	name string
	// shared is a new place on the server that the tests of this process share: do not break it. own
	// has a server of the test's own.
	shared, own func(t testing.TB) place
}

var backends = []backend{
	{"memory", memoryPlace, memoryPlace},
	{"sqlite", sqlitePlace, sqlitePlace},
	{"postgres",
		func(t testing.TB) place { return postgresPlace(t, servers.SharedPostgres(t)) },
		func(t testing.TB) place { return postgresPlace(t, servers.Postgres(t)) }},
	{"redis",
		func(t testing.TB) place { return redisPlace(servers.SharedRedis(t)) },
		func(t testing.TB) place { return redisPlace(servers.Redis(t)) }},
}

// eachBackend runs a test on every kind of store.
func eachBackend(t *testing.T, test func(t *testing.T, b backend)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { test(t, b) })
	}
}

func memoryPlace(t testing.TB) place {
	store := memory.Open()
	t.Cleanup(func() { store.Close() })
	return place{open: func(testing.TB, func(string) string) writ.Store { return store }}
}

func sqlitePlace(t testing.TB) place {
	file := filepath.Join(t.TempDir(), "sessions.db")
	return place{file: file, copies: &fileCopy{t, file}, open: func(t testing.TB, _ func(string) string) writ.Store {
		store, err := sqlite.Open(t.Context(), file)
		return closing(t, store, err)
	}}
}

// fileCopy loads an older copy into a SQLite file that is open.
type fileCopy struct {
	t    testing.TB
	file string
}

func (f *fileCopy) copy() string { return f.file + ".copy" }

func (f *fileCopy) Copy() {
	f.with(func(db *sql.DB) error {
		_, err := db.Exec("VACUUM INTO ?", f.copy())
		return err
	})
}

func (f *fileCopy) PutBack() {
	f.with(func(db *sql.DB) error {
		conn, err := db.Conn(context.Background())
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.Raw(func(driver any) error {
			copied, err := driver.(interface {
				NewRestore(string) (*driversqlite.Backup, error)
			}).NewRestore(f.copy())
			if err != nil {
				return err
			}
			_, err = copied.Step(-1)
			return errors.Join(err, copied.Finish())
		})
	})
}

func (f *fileCopy) with(do func(db *sql.DB) error) {
	f.t.Helper()
	db, err := sql.Open("sqlite", "file:"+f.file+"?_pragma=busy_timeout(5000)")
	if err == nil {
		err = errors.Join(do(db), db.Close())
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// postgresPlace is a schema that nobody else uses.
func postgresPlace(t testing.TB, s *servers.PostgresServer) place {
	schema := fmt.Sprintf("t%x", rand.Uint64())
	pause := func() func() { return pausePostgres(t, s) }
	return place{server: s, copies: s, pause: pause, open: func(t testing.TB, through func(string) string) writ.Store {
		url := s.URL()
		if through != nil {
			url = strings.Replace(url, s.Addr(), through(s.Addr()), 1)
		}
		store, err := postgres.Open(t.Context(), postgres.Config{URL: url, Schema: schema})
		return closing(t, store, err)
	}}
}

// redisPlace is a prefix that nobody else uses.
func redisPlace(s *servers.RedisServer) place {
	prefix := fmt.Sprintf("t%x", rand.Uint64())
	pause := func() func() { s.Pause(); return s.Resume }
	return place{server: s, copies: s, pause: pause, open: func(t testing.TB, through func(string) string) writ.Store {
		url := s.URL()
		if through != nil {
			url = strings.Replace(url, s.Addr(), through(s.Addr()), 1)
		}
		store, err := redis.Open(t.Context(), redis.Config{URL: url, Prefix: prefix})
		return closing(t, store, err)
	}}
}

// closing closes a handle when the test ends.
func closing(t testing.TB, store writ.Store, err error) writ.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// long reports whether there is time for many rounds.
func long() bool { return os.Getenv("WRIT_FAULTS") == "long" }

// rounds is how many to run.
func rounds(short, inLong int) int {
	if long() {
		return inLong
	}
	return short
}

// random is a source of the test's own. The seed is printed if the test fails.
func random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if s := os.Getenv("WRIT_FAULTS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal("WRIT_FAULTS_SEED is not a number")
		}
		seed = n
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("WRIT_FAULTS_SEED=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

// clock stands still until it is moved, so that every decision can be computed again.
type clock struct{ now atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.now.Store(time.Now().UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.now.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.now.Add(int64(d)) }

// testSecret seals the keys of these tests, and of nothing else.
var testSecret = []byte("q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f")

const issuer = "https://faults.test"

// policy is short, so that an error in time is soon.
var policy = rotation.Policy{
	Latency:  2 * time.Second,
	JarFlush: 100 * time.Millisecond,
	Skew:     200 * time.Millisecond,
	Window:   4500 * time.Millisecond,
}

// afterWindow is so long that the next refresh rotates on every node.
var afterWindow = policy.Window + policy.Skew

// config is what every node of these tests has.
func config(store writ.Store, now func() time.Time, observe func(writ.Event)) writ.Config {
	return writ.Config{
		Issuer:   issuer,
		Store:    store,
		Secret:   testSecret,
		Rotation: policy,
		MaxStale: time.Hour, // the clock of these tests leaps
		Now:      now,
		Observe: func(_ context.Context, e writ.Event) {
			if observe != nil {
				observe(e)
			}
		},
	}
}

// run opens a Manager and runs it until the test ends.
func run(t testing.TB, c writ.Config) *writ.Manager {
	t.Helper()
	m, err := writ.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		m.Run(ctx) // its error is that ctx ended
	}()
	t.Cleanup(func() {
		stop()
		<-stopped
	})
	return m
}

// subject names a user of a test.
func subject(i int) string { return fmt.Sprintf("user-%d", i) }
