package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// process is another one of this program.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	address string // where it serves the feed
	ended   chan struct{}

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
}

// start starts a process, and waits until it is ready.
func (s setup) start() (*process, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), setupName+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, in: in, ended: make(chan struct{}), waiting: map[int]chan answer{}}
	ready := p.expect(0)
	go p.listen(out)
	a, err := p.get(ready)
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.address = a.Text
	return p, nil
}

func (p *process) listen(out io.Reader) {
	defer close(p.ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue // the last line of one that was killed
		}
		p.mu.Lock()
		waits := p.waiting[a.ID]
		p.mu.Unlock()
		if waits != nil {
			waits <- a
		}
	}
}

// expect makes room for the answers to a question; there are two at most.
func (p *process) expect(id int) chan answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[id] = make(chan answer, 2)
	return p.waiting[id]
}

func (p *process) ask(verb, text string) (chan answer, error) {
	p.mu.Lock()
	p.next++
	id := p.next
	delete(p.waiting, id-100) // answered long ago
	p.mu.Unlock()
	answers := p.expect(id)
	line, err := json.Marshal(question{id, verb, text})
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	return answers, err
}

// get is the next answer.
func (p *process) get(answers chan answer) (answer, error) {
	select {
	case a := <-answers:
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	case <-p.ended:
		return answer{}, errors.New("a process has ended")
	case <-time.After(time.Minute):
		return answer{}, errors.New("a process does not answer")
	}
}

func (p *process) do(verb, text string) (answer, error) {
	answers, err := p.ask(verb, text)
	if err != nil {
		return answer{}, err
	}
	a, err := p.get(answers)
	if err != nil {
		err = fmt.Errorf("%s: %w", verb, err)
	}
	return a, err
}

// stop lets it end in order, and then does not.
func (p *process) stop() error {
	p.in.Close()
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
	return p.cmd.Wait()
}
