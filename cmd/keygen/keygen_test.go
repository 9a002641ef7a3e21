package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/writ-go/writ/keys"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keygen": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", "atexit_sleep_ms=0")              // or every run of keygen under -race takes a second
			e.Setenv("GOOD", "q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f") // test secrets
			e.Setenv("OTHER", "Zk3XwPq7Tn1LfR8sVy5BhJd0GmCe4UaO")
			e.Setenv("LONG", strings.Repeat("x", 5000))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "mode": mode, "forge": forge},
	})
}

func TestTheUsageNamesEveryAlgorithm(t *testing.T) {
	for _, a := range keys.Algorithms() {
		if !strings.Contains(usage, a.Name()) {
			t.Errorf("it lacks %s", a.Name())
		}
	}
}

// exits STATUS PROGRAM ARGS... runs a program that must exit with the status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	status := 0
	err := ts.Exec(args[1], args[2:]...)
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		status = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(status) != args[0] {
		ts.Fatalf("exit status %d, want %s", status, args[0])
	}
}

// mode PERM PATH checks a file's mode, such as 0600.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// forge PATH lets the keys of a ring sign for longer, as one without the secret can.
func forge(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	genuine, err := os.ReadFile(path)
	ts.Check(err)
	forged := strings.Replace(string(genuine), `"max_ttl": 3600`, `"max_ttl": 7200`, 1)
	if forged == string(genuine) {
		ts.Fatalf("%s has no max_ttl to change", args[0])
	}
	ts.Check(os.WriteFile(path, []byte(forged), 0o600))
}
