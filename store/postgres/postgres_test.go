package postgres_test

import (
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/postgres"
	"github.com/writ-go/writ/store/storetest"
)

func TestMain(m *testing.M) {
	if databases, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(databases) == 0 && !installed("postgres") {
		flag.Set("test.skip", "^Example") // tests skip themselves
	}
	servers.Main(m)
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// databaseURL is the shared server's, for an example.
func databaseURL() string { return servers.SharedPostgres(example{}).URL() }

type example struct{ testing.TB }

func (example) Helper() {}

func (example) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() writ.Store {
		config := place(t)
		config.URL += "&options=-csynchronous_commit%3Doff" // for speed; other tests are about crashes
		config.CrashMayLoseWrites = true
		return func() writ.Store { return open(t, config) }
	})
}

var schemas atomic.Int64

// place is a schema of the test's own on the shared server.
func place(t testing.TB) postgres.Config {
	t.Helper()
	return postgres.Config{URL: servers.SharedPostgres(t).URL(), Schema: fmt.Sprint("test_", schemas.Add(1))}
}

func open(t testing.TB, config postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
