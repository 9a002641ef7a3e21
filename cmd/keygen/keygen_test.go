package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/sqlite"
)

func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"keygen": main})
}

// leakless fails tests that leave goroutines behind.
type leakless struct{ *testing.M }

func (m leakless) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", "atexit_sleep_ms=0")              // or every run of keygen under -race takes a second
			e.Setenv("GOOD", "q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f") // test secrets
			e.Setenv("OTHER", "Zk3XwPq7Tn1LfR8sVy5BhJd0GmCe4UaO")
			e.Setenv("LONG", strings.Repeat("x", 5000))
			e.Setenv("TZ", "UTC")
			e.Setenv("LC_ALL", "C.UTF-8")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "mode": mode, "forge": forge, "backdate": backdate, "sign": sign, "swap": swap, "hidden": hidden, "serve": serve, "claim": claim, "fixture": fixture, "compromised": compromised,
		},
	})
}

func TestTheUsageNamesEveryAlgorithm(t *testing.T) {
	for _, a := range append(keys.Algorithms(), experimental()...) {
		if !strings.Contains(newUsage, a.Name()) {
			t.Errorf("it lacks %s", a.Name())
		}
	}
}

// fixture DIR makes a ring of test keys whose dates are known: one that signs until 2026-07-29 14:05, and
// its successor.
func fixture(ts *testscript.TestScript, _ bool, args []string) {
	doc, err := os.ReadFile("testdata/test-keys.json")
	ts.Check(err)
	ts.Check(os.Mkdir(ts.MkAbs(args[0]), 0o700))
	ts.Check(os.WriteFile(ts.MkAbs(filepath.Join(args[0], "ring.json")), doc, 0o600))
}

// backdate PATH DURATION makes a ring in clear older by a duration.
func backdate(ts *testscript.TestScript, _ bool, args []string) {
	by, err := time.ParseDuration(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	doc, err := os.ReadFile(path)
	ts.Check(err)
	doc = regexp.MustCompile(`20\d\d-[0-9T:.-]+Z`).ReplaceAllFunc(doc, func(text []byte) []byte {
		at, err := time.Parse(time.RFC3339, string(text))
		ts.Check(err)
		return []byte(at.Add(-by).Format(time.RFC3339Nano))
	})
	ts.Check(os.WriteFile(path, doc, 0o600))
}

// sign RING TYP PAYLOAD TOKEN writes the token of a payload, under the key of a ring in clear.
func sign(ts *testscript.TestScript, _ bool, args []string) {
	ring, err := keys.Load(context.Background(), keys.Config{
		Issuer: "https://app.example", Vault: keys.Dir(ts.MkAbs(args[0])), InClear: true,
		Now: func() time.Time { return time.Date(2026, 7, 29, 13, 0, 0, 0, time.UTC) },
	})
	ts.Check(err)
	key, err := ring.Signing()
	ts.Check(err)
	prefix, err := jws.Prefix(key, args[1])
	ts.Check(err)
	raw, err := jws.Sign(prefix, []byte(strings.TrimSpace(ts.ReadFile(args[2]))), key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(raw+"\n"), 0o600))
}

// swap TOKEN changes one character of a token's payload.
func swap(ts *testscript.TestScript, _ bool, args []string) {
	raw := []byte(ts.ReadFile(args[0]))
	i := bytes.IndexByte(raw, '.') + 20
	raw[i] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), raw, 0o600))
}

// hidden TOKEN checks that the last command did not show a token's signature.
func hidden(ts *testscript.TestScript, _ bool, args []string) {
	raw := strings.TrimSpace(ts.ReadFile(args[0]))
	signature := raw[strings.LastIndexByte(raw, '.')+1:]
	for _, stream := range []string{"stdout", "stderr"} {
		if strings.Contains(ts.ReadFile(stream), signature) {
			ts.Fatalf("%s has the signature", stream)
		}
	}
}

// serve serves the files of the script at $URL.
func serve(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs("."))))
	ts.Defer(server.Close)
	ts.Setenv("URL", server.URL)
}

// claim STORE makes a store that a program has used with its ring elsewhere.
func claim(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	m, err := writ.Open(ctx, writ.Config{Issuer: "https://app.example", Store: store, KeysInClear: true, Keys: keys.Dir(ts.MkAbs(args[0] + ".ring"))})
	ts.Check(err)
	ts.Check(m.Close())
}

// compromised sets $KID to the kid that signs, by the last output of status.
func compromised(ts *testscript.TestScript, _ bool, _ []string) {
	kid := regexp.MustCompile(`(?m)^(\S{43}) .* active `).FindStringSubmatch(ts.ReadFile("stdout"))
	ts.Setenv("KID", kid[1])
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
