package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build makes the real program.
func build(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "quickstart.exe")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// process is a running program, with everything that it has written.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string

	mu     sync.Mutex
	output bytes.Buffer
	ready  chan string   // gets its URL
	done   chan struct{} // closed when it has ended
}

// start runs the program and waits until it serves.
func start(t *testing.T, program, dir string, variables ...string) *process {
	t.Helper()
	p := launch(t, program, dir, variables...)
	select {
	case p.url = <-p.ready:
	case <-p.done:
		t.Fatalf("the program ended:\n%s", p.output.String())
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not start")
	}
	return p
}

// launch runs the program on a free port. variables are added to the environment; WRIT_ variables of
// whoever runs the test are not passed on.
func launch(t *testing.T, program, dir string, variables ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program), ready: make(chan string, 1), done: make(chan struct{})}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "WRIT_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(p.cmd.Env, append(variables, "ADDR=127.0.0.1:0", "DATA_DIR="+dir)...)
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	go func() { p.cmd.Wait(); w.Close() }()
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			p.mu.Lock()
			p.output.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if _, url, ok := strings.Cut(lines.Text(), "writ quickstart on "); ok {
				p.ready <- url
			}
		}
	}()
	return p
}

// kill ends it with SIGKILL.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop asks it to end, and fails unless it does so well.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Fatal("the program does not end")
	}
	if !p.cmd.ProcessState.Success() {
		p.t.Errorf("the program ended with %s", p.cmd.ProcessState)
	}
}

// keepsSecrets fails if the output has a piece of a token. // req 100
func (p *process) keepsSecrets() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, piece := range []string{"rt1.", "eyJ", "__Host-", "wonderland", "builder"} {
		text := strings.Replace(p.output.String(), "sign in as alice / wonderland, or bob / builder", "", 1)
		if strings.Contains(text, piece) {
			p.t.Errorf("the program has written %q", piece)
		}
	}
}
