package ownfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/writ-go/writ/internal/ownfile"
)

func content(t *testing.T, path string) string {
	t.Helper()
	f, err := ownfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAFileIsReplacedAsAWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := ownfile.MakeDir(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x")
	if _, err := ownfile.Open(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := ownfile.Replace(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	d, err := ownfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(d, "second")
	if got := content(t, path); got != "first" {
		t.Errorf("before Commit: %q", got)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "second" {
		t.Errorf("after Commit: %q", got)
	}
	d, err = ownfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(d, "third")
	d.Discard()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || content(t, path) != "second" {
		t.Errorf("after Discard: %d files, %v", len(entries), err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestWhatOthersCouldWriteIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := ownfile.Replace(path, nil); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o620, 0o602} {
		os.Chmod(path, mode)
		if f, err := ownfile.Open(path); err == nil {
			f.Close()
			t.Errorf("mode %04o is accepted", mode)
		}
	}
	os.Chmod(path, 0o600)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, dir} {
		if f, err := ownfile.Open(path); err == nil {
			f.Close()
			t.Errorf("%s is accepted", filepath.Base(path))
		}
	}
	os.Chmod(dir, 0o770)
	if ownfile.MakeDir(dir) == nil {
		t.Error("a directory in which the group can write is accepted")
	}
}
