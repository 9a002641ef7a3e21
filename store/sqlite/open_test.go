package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/sqlite"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	raw(t, foreign, `CREATE TABLE customers (id INTEGER)`)
	versioned := filepath.Join(dir, "versioned.db")
	raw(t, versioned, `PRAGMA user_version = 1`)
	newer := filepath.Join(dir, "newer.db")
	open(t, newer).Close()
	raw(t, newer, `PRAGMA user_version = 99`)
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(dir, "shared.db")
	open(t, shared).Close()
	if err := os.Chmod(shared, 0o640); err != nil {
		t.Fatal(err)
	}

	beside := make(map[string]string)
	for _, suffix := range []string{"-wal", "-shm"} {
		path := filepath.Join(dir, "beside"+suffix+".db")
		open(t, path).Close()
		if err := os.WriteFile(path+suffix, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		beside[suffix] = path
	}

	for _, c := range []struct{ name, path, says string }{
		{"an empty path", "", "path is empty"},
		{"a database in memory", ":memory:", "store/memory"},
		{"a SQLite URI", "file:sessions.db?mode=memory", "plain file path"},
		{"another store's URL, without repeating it", "postgres://user:hunter2@db/sessions", "plain file path"},
		{"a directory that does not exist", filepath.Join(dir, "none", "sessions.db"), "create it first"},
		{"a path that is a directory", dir, "not a file"},
		{"a file name with a zero byte", filepath.Join(dir, "a\x00b"), "invalid argument"},
		{"a database of something else", foreign, "file of its own"},
		{"an empty database that something else has marked", versioned, "file of its own"},
		{"a database of a newer version", newer, "newer version"},
		{"a file that is no database", garbage, "not a database"},
		{"a file that others may read", shared, "chmod 600"},
		{"a log beside it that others may read", beside["-wal"], "-wal (mode 0644): chmod 600"},
		{"an index beside it that others may read", beside["-shm"], "-shm (mode 0644): chmod 600"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.says, "chmod 600") && runtime.GOOS == "windows" {
				t.Skip("Windows has no such mode")
			}
			s, err := sqlite.Open(t.Context(), c.path)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			if len(c.path) > 1 && strings.Contains(err.Error(), c.path) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error repeats the path")
			}
		})
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such mode")
	}
	path := filepath.Join(t.TempDir(), "50% of ? #1.db") // not a URI's special characters either
	s := open(t, path)
	defer s.Close()
	if err := s.Append(t.Context(), entry("s1")); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("file %q has mode %04o, want 0600", suffix, info.Mode().Perm())
		}
	}
}

func TestOpenHonoursCtx(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "sessions.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
}

func TestManyOpensAtOnceCreateOneDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			s, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			defer s.Close()
			if err := s.Append(t.Context(), entry("s1")); err != nil {
				t.Errorf("Append: %v", err)
			}
		})
	}
	wait.Wait()
}

func TestAReopenedDatabaseHasEverything(t *testing.T) { // req 47, 61
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := open(t, path)
	row, err := s.Save(ctx, writ.Row{ID: "s1", Owner: "alice", Data: []byte("record")}, entry("s1"))
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := s.Snapshot(ctx, func(revocation.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = open(t, path)
	defer s.Close()
	if got, err := s.Load(ctx, "s1"); err != nil || got.Version != row.Version || string(got.Data) != "record" {
		t.Errorf("version %d, data %q, error %v", got.Version, got.Data, err)
	}
	if err := s.Append(ctx, entry("s2")); err != nil {
		t.Fatal(err)
	}
	changed, _, err := s.Tail(ctx, cursor)
	if err != nil || len(changed) != 1 || changed[0].ID != "s2" {
		t.Errorf("%d entries, error %v: a cursor outlives a restart", len(changed), err)
	}
}

func TestALockedDatabaseIsNoConflict(t *testing.T) { // req 60
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := open(t, path)
	defer s.Close()
	other, release := lock(t, path)
	defer other.Close()

	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := s.Save(short, writ.Row{ID: "s1"}, entry("s1"))
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, writ.ErrConflict) {
		t.Errorf("error %v, want that of ctx", err)
	}
	if _, err := s.Load(ctx, "s1"); !errors.Is(err, writ.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound: readers do not wait for a writer", err)
	}
	release()
	if _, err := s.Save(ctx, writ.Row{ID: "s1"}, entry("s1")); err != nil {
		t.Errorf("Save after the lock was released: %v", err)
	}
}

func TestCloseEndsAWriteThatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := open(t, path)
	other, release := lock(t, path)
	defer other.Close()
	defer release()
	failed := make(chan error, 2)
	for range cap(failed) {
		go func() { failed <- s.Append(t.Context(), entry("s1")) }()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range cap(failed) {
		if err := <-failed; err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("error %v, want that the store is closed", err)
		}
	}
}

func entry(sid string) revocation.Entry {
	return revocation.Entry{Kind: revocation.Session, ID: sid, Before: revocation.Ended}
}

// raw runs SQL on a file behind the store's back.
func raw(t testing.TB, path, query string) {
	t.Helper()
	db := rawDB(t, path)
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

func rawDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// lock takes the right to write, as another process would.
func lock(t *testing.T, path string) (db *sql.DB, release func()) {
	t.Helper()
	db = rawDB(t, path)
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	return db, func() { db.Exec(`ROLLBACK`) }
}
