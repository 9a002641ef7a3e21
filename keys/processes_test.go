package keys_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/writ-go/writ/keys"
)

const processDir = "KEYS_TEST_OPEN_DIR"

// req 42
func TestManyOpensAtOnceAgreeOnOneRing(t *testing.T) {
	c := keys.Config{Issuer: issuer, Vault: keys.Dir(filepath.Join(t.TempDir(), "ring")), Wrapper: wrapper(t)}
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			r, err := keys.Open(context.Background(), c)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[fingerprint(t, r)]++
		})
	}
	all.Wait()
	if len(seen) != 1 {
		t.Errorf("%d different rings: %v", len(seen), seen)
	}
}

func fingerprint(t *testing.T, r *keys.Ring) string {
	k, err := r.Signing()
	if err != nil {
		t.Error(err)
		return ""
	}
	_, err = r.SigningMAC()
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprint("kid ", k.ID(), r.Publics())
}

// req 42
func TestManyProcessesAgreeOnOneRing(t *testing.T) {
	if dir := os.Getenv(processDir); dir != "" { // the child
		r, err := keys.Open(context.Background(), keys.Config{Issuer: issuer, Vault: keys.Dir(dir), Wrapper: wrapper(t)})
		check(t, err)
		fmt.Printf("child %s\n", fingerprint(t, r))
		return
	}
	self, err := os.Executable()
	check(t, err)
	dir := filepath.Join(t.TempDir(), "ring")
	outputs := make([]bytes.Buffer, 6)
	var all sync.WaitGroup
	for i := range outputs {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestManyProcessesAgreeOnOneRing$", "-test.timeout=20s")
			cmd.Env = append(os.Environ(), processDir+"="+dir)
			cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, outputs[i].Bytes())
			}
		})
	}
	all.Wait()
	for i := range outputs {
		first, _, _ := bytes.Cut(outputs[i].Bytes(), []byte("\n"))
		want, _, _ := bytes.Cut(outputs[0].Bytes(), []byte("\n"))
		if !bytes.HasPrefix(first, []byte("child kid ")) || !bytes.Equal(first, want) {
			t.Errorf("process %d has %q, process 0 %q", i, first, want)
		}
	}
}
