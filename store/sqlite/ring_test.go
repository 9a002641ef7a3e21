package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/sqlite"
)

const ringDatabase = "SQLITE_TEST_RING"

// ringConfig is of a ring that is as old as that. Nobody is to trust it: the test has its keys in clear.
func ringConfig(t *testing.T, path string, age time.Duration) keys.Config {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	born := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return keys.Config{
		Issuer: "https://app.example", Vault: writ.Vault(s), InClear: true, Period: 24 * time.Hour,
		Now: func() time.Time { return born.Add(age) },
	}
}

// req 42: a key is due, and 50 processes find that out at the same time.
func TestManyProcessesStageOneKey(t *testing.T) {
	if path := os.Getenv(ringDatabase); path != "" { // the child
		ring, err := keys.Load(t.Context(), ringConfig(t, path, 23*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("child %v\n", ring.Publics())
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sessions.db")
	if _, err := keys.Create(t.Context(), ringConfig(t, path, 0)); err != nil {
		t.Fatal(err)
	}
	outputs := make([]bytes.Buffer, 50)
	var all sync.WaitGroup
	for i := range outputs {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestManyProcessesStageOneKey$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), ringDatabase+"="+path)
			cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, outputs[i].Bytes())
			}
		})
	}
	all.Wait()
	ring, err := keys.Load(t.Context(), ringConfig(t, path, 23*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(ring.Publics()); n != 2 {
		t.Errorf("the ring has %d keys, want the first and one new", n)
	}
	for i := range outputs {
		if want := fmt.Sprintf("child %v\n", ring.Publics()); !strings.HasPrefix(outputs[i].String(), want) {
			t.Errorf("process %d has %q, want %q", i, outputs[i].Bytes(), want)
		}
	}
}
