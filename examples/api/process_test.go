package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

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

// start runs one of the programs and waits until it serves.
func start(t *testing.T, name string, variables ...string) *process {
	t.Helper()
	p := launch(t, name, variables...)
	select {
	case p.url = <-p.ready:
	case <-p.done:
		t.Fatalf("the program ended:\n%s", p.written())
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not start")
	}
	return p
}

// launch runs it on a free port. variables are added to the environment; WRIT_ variables of whoever runs the
// test are not passed on.
func launch(t *testing.T, name string, variables ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program(t, name)), ready: make(chan string, 1), done: make(chan struct{})}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "WRIT_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(append(p.cmd.Env, "ADDR=127.0.0.1:0"), variables...)
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
			if name, url, ok := strings.Cut(lines.Text(), " on "); ok && strings.HasPrefix(name, "writ ") {
				p.ready <- url
			}
		}
	}()
	return p
}

func (p *process) written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
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
	for _, piece := range []string{"rt1.", "eyJ"} {
		if strings.Contains(p.written(), piece) {
			p.t.Errorf("the program has written %q", piece)
		}
	}
}
