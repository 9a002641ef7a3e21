package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// host stands in for a test, so that package servers starts servers for this program. What it does not
// have, it panics on.
type host struct {
	testing.TB
	dirs  []string
	after []func()
}

// stopped is how a host leaves what a test would have left by runtime.Goexit.
type stopped struct{ error }

var errMissing = errors.New("not measured")

// on runs f with a host. errMissing: a program that f needs is not installed.
func (h *host) on(f func(testing.TB)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s, ok := p.(stopped)
			if !ok {
				panic(p)
			}
			err = s.error
		}
	}()
	f(h)
	return nil
}

// close does what the end of a test does.
func (h *host) close() (err error) {
	for _, f := range slices.Backward(h.after) {
		err = errors.Join(err, h.on(func(testing.TB) { f() }))
	}
	for _, dir := range h.dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

func (h *host) Helper() {}

func (h *host) Cleanup(f func()) { h.after = append(h.after, f) }

func (h *host) Fatal(args ...any) { panic(stopped{errors.New(fmt.Sprint(args...))}) }

func (h *host) Fatalf(format string, args ...any) { panic(stopped{fmt.Errorf(format, args...)}) }

func (h *host) Skipf(format string, args ...any) {
	panic(stopped{fmt.Errorf("%w: %s", errMissing, fmt.Sprintf(format, args...))})
}

// TempDir is, as a test's, below a directory of its own, whose mode may be changed.
func (h *host) TempDir() string {
	above, err := os.MkdirTemp("", "writ-spread-")
	if err != nil {
		h.Fatal(err)
	}
	h.dirs = append(h.dirs, above)
	dir := filepath.Join(above, "001")
	if err := os.Mkdir(dir, 0o700); err != nil {
		h.Fatal(err)
	}
	return dir
}
