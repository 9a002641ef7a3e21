package faults_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/token"
)

// spreadProcess is the test's end of a process that runs TestSpreadProcess, to be killed and started again.
type spreadProcess struct {
	t     testing.TB
	name  string
	setup spreadSetup
	// refused are tokens that it had refused when it was killed.
	refused map[string]bool

	mu      sync.Mutex
	cmd     *exec.Cmd // nil: it does not run
	in      io.WriteCloser
	said    *bytes.Buffer // on standard error
	ended   chan struct{}
	next    int
	waiting map[int]chan report
}

func newSpreadProcess(t testing.TB, name string, s spreadSetup) *spreadProcess {
	t.Helper()
	p := &spreadProcess{t: t, name: name, setup: s, refused: map[string]bool{}}
	p.mustStart()
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *spreadProcess) mustStart() {
	p.t.Helper()
	if err := p.start(); err != nil {
		p.t.Fatalf("%s does not start: %v", p.name, err)
	}
}

// start returns when it is ready. A node that is started again listens where it did.
func (p *spreadProcess) start() error {
	text, err := json.Marshal(p.setup)
	if err != nil {
		return err
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSpreadProcess$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), spreadName+"="+string(text))
	said := &bytes.Buffer{}
	cmd.Stderr = said
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ready, ended := make(chan report, 1), make(chan struct{})
	p.mu.Lock()
	p.cmd, p.in, p.said, p.ended, p.waiting = cmd, in, said, ended, map[int]chan report{0: ready}
	p.mu.Unlock()
	go p.listen(out, ended)
	select {
	case r := <-ready:
		if r.Text != "" {
			p.setup.Listen = r.Text
		}
		return nil
	case <-ended:
	case <-time.After(40 * time.Second):
	}
	p.kill()
	return fmt.Errorf("it has ended, or says nothing but %q", said)
}

func (p *spreadProcess) listen(out io.Reader, ended chan struct{}) {
	defer close(ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var r report
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue // what a test says, or the last line of one that was killed
		}
		p.mu.Lock()
		waits := p.waiting[r.ID]
		delete(p.waiting, r.ID)
		p.mu.Unlock()
		if waits != nil {
			waits <- r
		}
	}
}

// kill ends it with -9.
func (p *spreadProcess) kill() { p.end(func(cmd *exec.Cmd, _ io.Closer) { cmd.Process.Kill() }) }

// stop ends it in order.
func (p *spreadProcess) stop() {
	err, ok := p.end(func(cmd *exec.Cmd, in io.Closer) {
		in.Close()
		time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	})
	if ok && err != nil {
		p.t.Errorf("%s does not end in order: %v", p.name, err)
	}
}

func (p *spreadProcess) end(how func(*exec.Cmd, io.Closer)) (err error, ran bool) {
	p.mu.Lock()
	cmd, in, ended, said := p.cmd, p.in, p.ended, p.said
	p.cmd = nil
	p.mu.Unlock()
	if cmd == nil {
		return nil, false
	}
	how(cmd, in)
	<-ended
	err = cmd.Wait()
	in.Close()
	text := said.String()
	if strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic: ") {
		p.t.Errorf("%s: a race, or a panic", p.name)
	}
	if p.t.Failed() && text != "" {
		p.t.Logf("%s said:\n%.8000s", p.name, text)
	}
	return err, true
}

var errNoProcess = fmt.Errorf("%w: the process was killed", token.ErrUnavailable)

// do gives an order. Its error is that of the process: token.ErrUnavailable where that is 503.
func (p *spreadProcess) do(o order) (report, error) {
	answered := make(chan report, 1)
	p.mu.Lock()
	if p.cmd == nil {
		p.mu.Unlock()
		return report{}, errNoProcess
	}
	p.next++
	o.ID = p.next
	p.waiting[o.ID] = answered
	ended := p.ended
	line, _ := json.Marshal(o) // of a type that always can be
	_, err := p.in.Write(append(line, '\n'))
	p.mu.Unlock()
	if err != nil {
		return report{}, errNoProcess
	}
	select {
	case r := <-answered:
		switch {
		case r.Error == "":
			return r, nil
		case r.Status == 503:
			return r, fmt.Errorf("%s: %w: %s", p.name, token.ErrUnavailable, r.Error)
		}
		return r, fmt.Errorf("%s: %s", p.name, r.Error)
	case <-ended:
		return report{}, errNoProcess
	case <-time.After(time.Minute):
		p.t.Errorf("%s does not answer", p.name)
		return report{}, errNoProcess
	}
}

// see is what it has made of all tokens; nothing if it does not run.
func (p *spreadProcess) see() map[string]sight {
	r, err := p.do(order{Verb: "see"})
	if err != nil {
		return nil
	}
	return r.Seen
}

func (p *spreadProcess) watch(raw string) {
	p.t.Helper()
	if _, err := p.do(order{Verb: "watch", Token: raw}); err != nil {
		p.t.Fatal(err)
	}
}
