package keys_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

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

const stepDir = "KEYS_TEST_STEP_DIR"

// req 42
func TestManyProcessesStepOneRing(t *testing.T) {
	c := keys.Config{Issuer: issuer, Wrapper: wrapper(t)}
	if dir := os.Getenv(stepDir); dir != "" { // the child
		c.Vault = keys.Dir(dir)
		c.Now = func() time.Time { return time.Now().Add(period) }
		r, err := keys.Open(t.Context(), c)
		check(t, err)
		fmt.Println("ready")
		_, err = io.ReadAll(os.Stdin) // until all are ready
		check(t, err)
		changed, err := r.Step(t.Context())
		check(t, err)
		fmt.Println("child", changed, len(r.Publics()), r.Publics()[1].ID())
		return
	}
	dir := filepath.Join(t.TempDir(), "ring")
	c.Vault = keys.Dir(dir)
	first := signs(t, reopen(t, c))
	self, err := os.Executable()
	check(t, err)
	outputs := make([]string, 50)
	var ready, all sync.WaitGroup
	ready.Add(len(outputs))
	begin := make(chan struct{})
	for i := range outputs {
		all.Go(func() {
			var err error
			outputs[i], err = stepProcess(t.Context(), self, dir, ready.Done, begin)
			if err != nil {
				t.Errorf("process %d: %v\n%s", i, err, outputs[i])
			}
		})
	}
	ready.Wait()
	close(begin)
	all.Wait()
	wrote, keysSeen := 0, map[string]bool{}
	for i, out := range outputs {
		var changed bool
		var n int
		var kid string
		if _, err := fmt.Sscanf(out, "child %t %d %s", &changed, &n, &kid); err != nil || n != 2 || kid == first {
			t.Errorf("process %d has %q: %v", i, out, err)
		}
		if keysSeen[kid] = true; changed {
			wrote++
		}
	}
	if wrote != 1 || len(keysSeen) != 1 {
		t.Errorf("%d processes wrote, and there are %d new keys", wrote, len(keysSeen))
	}
}

// stepProcess runs a process that is ready, and steps once begin is closed. It returns what the process
// says after that.
func stepProcess(ctx context.Context, self, dir string, ready func(), begin <-chan struct{}) (string, error) {
	done := sync.OnceFunc(ready)
	defer done()
	cmd := exec.CommandContext(ctx, self, "-test.run=^TestManyProcessesStepOneRing$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), stepDir+"="+dir, "GORACE=atexit_sleep_ms=0")
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewReader(out)
	line, _ := lines.ReadString('\n')
	done()
	<-begin
	in.Close()
	rest, _ := io.ReadAll(lines)
	err = cmd.Wait()
	if line != "ready\n" {
		return line + string(rest), errors.New("it was not ready")
	}
	return string(rest), err
}
