package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "writ-api")
	if err != nil {
		panic(err)
	}
	built = sync.OnceValue(func() error { return buildIn(dir) })
	programs = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

var (
	programs string       // is a directory
	built    func() error // makes the real programs there, once
)

func buildIn(dir string) error {
	for _, name := range []string{"quickstart", "api"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name+".exe"), "../"+name).CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	return nil
}

func program(t *testing.T, name string) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programs, name+".exe")
}
