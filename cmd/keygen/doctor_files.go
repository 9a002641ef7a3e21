package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// readable reads the ring. Where a mode or an owner forbids it to programs, it says so of every file, and
// looks on: one run is to find all that is wrong.
func (f *findings) readable(ctx context.Context, at *target) *snapshot {
	vault, err := takeSnapshot(ctx, at)
	if err == nil {
		return vault
	}
	before := len(*f)
	if at.store == nil {
		for i, want := range []string{"700", "600"} {
			f.mode(at.files[i], want)
		}
	}
	if len(*f) == before {
		f.problem("", "%v", err)
		return nil
	}
	doc, err := os.ReadFile(at.files[1])
	if err != nil || len(doc) == 0 || len(doc) > 1<<20 {
		return nil
	}
	return &snapshot{Vault: at, doc: doc, version: 1}
}

// mode is about what programs refuse to open.
func (f *findings) mode(path, want string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		f.problem("", "%v", err)
	case foreign(info):
		f.problem(fmt.Sprintf("chown %d %s", os.Geteuid(), shellWord(path)), "%s belongs to another user, who can change it", path)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		f.problem(fmt.Sprintf("chmod %s %s; if others may have read it: keygen help rotate, --now", want, shellWord(path)),
			"%s has mode %04o: others on this machine can get at the keys", path, info.Mode().Perm())
	}
}

// surroundings looks at what lies around the ring.
func (f *findings) surroundings(at *target) {
	if len(at.files) == 0 {
		return
	}
	if parent := filepath.Dir(absolute(at.files[0])); runtime.GOOS != "windows" {
		info, err := os.Stat(parent)
		if err == nil && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			f.problem("chmod o-w "+shellWord(parent), "everybody on this machine may write to %s, and so put another ring in the place of this one", parent)
		}
	}
	if at.store != nil {
		for _, file := range at.files {
			f.mode(file, "600")
		}
		return
	}
	left := at.files[1] + ".new"
	if info, err := os.Stat(left); err == nil && time.Since(info.ModTime()) > time.Hour {
		f.note("rm "+shellWord(left), "%s is left over from a write that did not end; private keys may be in it", left)
	}
}

// sameDir reports whether two files lie in one directory, or a file in that directory.
func sameDir(file, path string) bool {
	dir := filepath.Dir(absolute(file))
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return dir == absolute(path)
	}
	return dir == filepath.Dir(absolute(path))
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
