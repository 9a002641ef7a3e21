package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/writ-go/writ"
	_ "modernc.org/sqlite" // the driver
)

var errClosed = errors.New("the store is closed")

// Store is a writ.Store in a SQLite file. Use Open; it is safe for concurrent use.
type Store struct {
	db          *sql.DB
	selectRow   *sql.Stmt
	selectOwned *sql.Stmt
	line        line
	turn        chan struct{} // holds a value while nobody writes
	writer      *writer       // nil, or as the last writer left it; for who took the turn
	woken       atomic.Pointer[chan struct{}]

	short, lists, snapshots slots

	closed  chan struct{}
	closing sync.Once
}

var _ writ.Store = (*Store)(nil)

// Open opens the database in the file at path, and creates it if there is none; its directory must
// exist. It waits up to five seconds for other processes that are using the file, or until ctx ends.
//
// It refuses a path that is no plain file path (a URI, ":memory:": use store/memory for that), a
// file that other users may read, be it the database or one of the two beside it, a database of
// something else, and one that a newer version of this package has written.
func Open(ctx context.Context, path string) (*Store, error) {
	name, err := prepareFile(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, failed("open", err)
	}
	s := &Store{
		db:        db,
		turn:      make(chan struct{}, 1),
		short:     make(slots, maxShort),
		lists:     make(slots, maxLists),
		snapshots: make(slots, maxSnapshots),
		closed:    make(chan struct{}),
	}
	s.turn <- struct{}{}
	wake := make(chan struct{})
	s.woken.Store(&wake)
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	s.db.SetMaxOpenConns(connections)
	s.db.SetMaxIdleConns(connections)
	if err := s.useWAL(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return failed("prepare the database", err)
	}
	var err error
	if s.selectRow, err = s.db.PrepareContext(ctx, selectRow); err != nil {
		return failed("open", err)
	}
	if s.selectOwned, err = s.db.PrepareContext(ctx, selectOwned); err != nil {
		return failed("open", err)
	}
	return nil
}

// useWAL lets readers and a writer work at the same time. The file remembers it.
func (s *Store) useWAL(ctx context.Context) error {
	var mode string
	err := s.untilFree(ctx, func() error {
		return s.db.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode)
	})
	if err != nil {
		return failed("open", err)
	}
	if mode != "wal" {
		return errors.New("sqlite: this file system cannot hold the database: it has no write-ahead log")
	}
	return nil
}

// usable is every method's first question.
func (s *Store) usable(ctx context.Context) error {
	select {
	case <-s.closed:
		return errClosed
	default:
		return ctx.Err()
	}
}

// Close closes the database. It ends every Tail, and waits for no more than the transaction that is
// being written. From then on every method returns an error.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		<-s.turn // and never given back
		if s.writer != nil {
			s.writer.close()
		}
		err = s.db.Close()
	})
	if err != nil {
		return failed("close", err)
	}
	return nil
}

// creating keeps a second Open from looking at a file that the first has still open as a file: on
// POSIX systems, closing that would release the locks that SQLite holds on it in this process.
var creating sync.Mutex

// prepareFile creates the file if there is none, checks it, and returns the driver's name of it.
// Errors do not repeat the path: someone may have put a URL with a password there.
func prepareFile(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("sqlite: the path is empty: name the file that holds the sessions")
	case path == ":memory:":
		return "", errors.New("sqlite: a database in memory is lost at exit: use store/memory if that is meant")
	case strings.HasPrefix(path, "file:") || strings.Contains(path, "://"):
		return "", errors.New("sqlite: the path must be a plain file path, not a URI")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", failed("open", withoutPath(err))
	}
	if dir, err := os.Stat(filepath.Dir(abs)); err != nil || !dir.IsDir() {
		return "", errors.New("sqlite: the directory of the database file does not exist or cannot be read: create it first")
	}
	if err := createOrCheck(abs); err != nil {
		return "", err
	}
	return dsn(abs), nil
}

func createOrCheck(abs string) error {
	creating.Lock()
	defer creating.Unlock()
	file, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return failed("create the database file", withoutPath(err))
	}
	// SQLite gives the files beside it the mode that the database has when it creates them.
	return errors.Join(check(abs, ""), check(abs, "-wal"), check(abs, "-shm"))
}

// check refuses a file that others may read. suffix is "" for the database itself.
func check(abs, suffix string) error {
	info, err := os.Stat(abs + suffix)
	if suffix != "" && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed("open", withoutPath(err))
	}
	what := "the database file"
	if suffix != "" {
		what += "'s " + suffix
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("sqlite: what should be %s is not a file", what)
	}
	// Windows has no such bits: who may read a file there follows from its directory.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("sqlite: other users may read or write %s (mode %04o): chmod 600 it", what, mode)
	}
	return nil
}

// dsn names the file for the driver, with what holds on every connection. The file exists: mode=rw
// keeps SQLite from creating one with its own idea of who may read it.
func dsn(abs string) string {
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // C:/...
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {"5000"},
		"_synchronous":  {"NORMAL"},
		"_pragma":       {"trusted_schema(0)", "journal_size_limit(16777216)"}, // bytes that stay after a rush
		"_defensive":    {"1"},
		"_dqs":          {"0"},
		"_error_rc":     {"1"},
	}.Encode()}
	return u.String()
}

// withoutPath is what an *fs.PathError says besides the path.
func withoutPath(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// failed says which operation failed. SQLite's own messages name tables, never what is in them.
func failed(operation string, err error) error {
	return fmt.Errorf("sqlite: %s: %w", operation, err)
}
