package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// While another process recovers the write-ahead log, everything that must read the schema is busy:
// also the PRAGMA before a transaction. This test is that process, by the file format of the -shm.
func TestAWriterWaitsForARecovery(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "sessions.db")
	s, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Append(ctx, revocation.Entry{Kind: revocation.Everything, Before: 1}); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{`BEGIN`, `CREATE TABLE none (id)`, `ROLLBACK`} { // and it forgets the schema
		if _, err := s.writer.conn.ExecContext(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	endRecovery := recovery(t, path+"-shm")
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	row := writ.Row{ID: "s1", Expires: time.Now().Add(time.Hour)} // of another durability than the entry
	if _, err := s.Save(short, row); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of ctx", err)
	}
	endRecovery()
	if _, err := s.Save(ctx, row); err != nil {
		t.Errorf("Save after the recovery: %v", err)
	}
}

// recovery voids the header of a -shm file, and locks it as who recovers the log does.
func recovery(t *testing.T, path string) (end func()) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	const openFileLock = 37                    // F_OFD_SETLK: not the process's own lock, which would not hold up itself
	for _, offset := range []int64{120, 122} { // WRITE and RECOVER
		l := syscall.Flock_t{Type: syscall.F_WRLCK, Start: offset, Len: 1}
		if err := syscall.FcntlFlock(file.Fd(), openFileLock, &l); err != nil {
			t.Fatal(err)
		}
	}
	header := make([]byte, 96)
	if _, err := file.ReadAt(header, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(make([]byte, len(header)), 0); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := file.WriteAt(header, 0); err != nil {
			t.Error(err)
		}
		file.Close()
	}
}
