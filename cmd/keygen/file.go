package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// maxKeyFile is above every private key that the ring takes: RSA of 8192 bits as a JWK.
const maxKeyFile = 64 << 10

// readKeyFile reads a private key, and refuses a file from which others could have read it.
func (t *tool) readKeyFile(path string) ([]byte, error) {
	if path == "-" {
		return readAll(t.stdin, maxKeyFile, "standard input")
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, errors.New("--in: what it names is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--in: the file that it names cannot be read: %w", withoutPath(err))
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, fmt.Errorf("--in: the file that it names cannot be read: %w", withoutPath(err))
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("--in: the file that it names has mode %04o: if others have read it, take a new key instead; if not, chmod 600 it", mode)
	}
	return readAll(f, maxKeyFile, "the file that --in names")
}

func readAll(r io.Reader, limit int64, what string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", what, withoutPath(err))
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("%s has over %d bytes: this cannot be right", what, limit)
	}
	return b, nil
}

// withoutPath is what an *fs.PathError says besides the path.
func withoutPath(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// writeNew makes a file that only its owner can read. It appears whole or not at all, and never in the
// place of another.
func writeNew(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".keygen-*") // 0600
	if err != nil {
		return fmt.Errorf("--out: no file can be made there: %w", withoutPath(err))
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("--out: the file cannot be written: %w", withoutPath(err))
	}
	switch err := os.Link(f.Name(), path); { // Rename would overwrite
	case errors.Is(err, fs.ErrExist):
		return errors.New("--out: the file is there already, and is never overwritten: name another")
	case err != nil:
		return errors.New("--out: the file cannot be given its name: name one in a directory of this machine's own")
	}
	return syncDir(dir)
}

// syncDir makes the name durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil // a directory that may be written and not read
	}
	return errors.Join(f.Sync(), f.Close())
}
