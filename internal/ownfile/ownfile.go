// Package ownfile keeps files that nobody but this process's user may write: what is read from them
// decides whom to trust.
package ownfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// MakeDir makes a directory with its parents, and refuses one that others could write in.
func MakeDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return checkWriters(path, info, "name a directory of its own, such as one in it")
}

// checkWriters refuses what another user could write to.
func checkWriters(path string, info fs.FileInfo, remedy string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s has mode %04o; others on this machine could write to it: %s", path, mode, remedy)
	}
	if uid := ownerOf(info); uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, who could write to it: %s", path, uid, remedy)
	}
	return nil
}

// Open opens a file for reading that nobody else could have written. fs.ErrNotExist: there is none.
func Open(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, errors.New("it is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = checkWriters(path, info, "remove it")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Draft is a file in the making, which only this user can read. Nobody sees it before Commit.
type Draft struct {
	*os.File
	path string
}

// Create begins the file that will stand at path.
func Create(path string) (*Draft, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600; other processes may write too
	if err != nil {
		return nil, err
	}
	return &Draft{f, path}, nil
}

// Commit closes the file and puts it in its place, in one step: whoever opens path has the old file or
// the whole new one.
func (d *Draft) Commit() error {
	err := errors.Join(d.Sync(), d.Close())
	if err == nil { // a file that is open cannot be renamed everywhere
		err = os.Rename(d.Name(), d.path)
	}
	if err != nil {
		os.Remove(d.Name())
	}
	return err
}

// Discard closes and removes a file that is not to be committed.
func (d *Draft) Discard() {
	d.Close()
	os.Remove(d.Name())
}

// Replace writes a whole file.
func Replace(path string, content []byte) error {
	d, err := Create(path)
	if err != nil {
		return err
	}
	if _, err := d.Write(content); err != nil {
		d.Discard()
		return err
	}
	return d.Commit()
}
