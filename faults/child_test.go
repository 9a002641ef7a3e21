package faults_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/sqlite"
	"github.com/writ-go/writ/token"
)

// nodeFile names, for a process of this test, the SQLite file that it is to be a node on.
const nodeFile = "WRIT_FAULTS_FILE"

// question and reply are lines between the test and its child.
type question struct {
	ID      int       `json:"id"`
	Now     time.Time `json:"now"`
	Verb    string    `json:"verb"`
	Subject string    `json:"subject,omitempty"`
	Arg     string    `json:"arg,omitempty"` // a token, or a session's ID
}

type reply struct {
	ID    int    `json:"id"`
	Pair  *pair  `json:"pair,omitempty"`
	Error string `json:"error,omitempty"`
	Kind  int    `json:"kind,omitempty"` // of the error: which of kinds
}

// pair is a token.Pair, which does not let itself be marshalled.
type pair struct{ Access, Refresh, SessionID string }

var kinds = []error{errors.New("of no kind"), token.ErrInvalid, token.ErrUnavailable, writ.ErrNotFound, token.ErrReused}

// serveNode is the child: a Manager that does what stands on its standard input, until that ends.
func serveNode() {
	err := func() error {
		c := newClock()
		store, err := sqlite.Open(context.Background(), os.Getenv(nodeFile))
		if err != nil {
			return err
		}
		m, err := writ.Open(context.Background(), config(store, c.Now, nil))
		if err != nil {
			return err
		}
		go m.Run(context.Background())
		return serve(local{m, c.Now}, c, os.Stdin, os.Stdout)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(n local, c *clock, in io.Reader, out io.Writer) error {
	var writing sync.Mutex
	lines := bufio.NewScanner(in)
	fmt.Fprintln(out, `{}`) // ready
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		c.now.Store(q.Now.UnixNano())
		go func() {
			a := reply{ID: q.ID}
			var p *token.Pair
			var err error
			switch q.Verb {
			case "start":
				p, err = n.start(q.Subject)
			case "refresh":
				p, err = n.refresh(q.Arg)
			case "end":
				err = n.end(q.Subject, q.Arg)
			case "endAll":
				err = n.endAll(q.Subject)
			case "revoke":
				err = n.revoke(q.Arg)
			case "verify":
				err = n.verify(q.Arg)
			case "reads":
				if !n.reads() {
					err = token.ErrUnavailable
				}
			}
			if p != nil {
				a.Pair = &pair{p.Access, p.Refresh, p.SessionID}
			}
			if err != nil {
				a.Error = err.Error()
				for i, kind := range kinds {
					if errors.Is(err, kind) {
						a.Kind = i
					}
				}
			}
			b, _ := json.Marshal(a)
			writing.Lock()
			defer writing.Unlock()
			out.Write(append(b, '\n'))
		}()
	}
	return lines.Err()
}

// child is a node that is a process of its own, to be killed and paused.
type child struct {
	t     testing.TB
	file  string
	clock func() time.Time
	next  atomic.Int64

	mu      sync.Mutex
	cmd     *exec.Cmd // nil: it does not run
	in      io.WriteCloser
	ended   chan struct{}
	waiting map[int]chan reply
}

func newChild(t testing.TB, file string, clock func() time.Time) *child {
	c := &child{t: t, file: file, clock: clock, waiting: map[int]chan reply{}}
	c.Start()
	t.Cleanup(c.Kill)
	return c
}

// Start runs it, and returns when it is ready.
func (c *child) Start() {
	c.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeFile+"="+c.file)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		c.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	ready := lines.Scan()
	ended := make(chan struct{})
	c.mu.Lock()
	c.cmd, c.in, c.ended = cmd, in, ended
	c.mu.Unlock()
	go func() {
		defer close(ended)
		for lines.Scan() {
			var a reply
			if json.Unmarshal(lines.Bytes(), &a) != nil {
				continue // the last line of one that was killed
			}
			c.mu.Lock()
			waits := c.waiting[a.ID]
			delete(c.waiting, a.ID)
			c.mu.Unlock()
			if waits != nil {
				waits <- a
			}
		}
		cmd.Wait() // killed
	}()
	if !ready {
		c.t.Fatal("a child did not open the store")
	}
}

// Kill ends it with -9.
func (c *child) Kill() {
	c.mu.Lock()
	cmd, in, ended := c.cmd, c.in, c.ended
	c.cmd = nil
	c.mu.Unlock()
	if cmd == nil {
		return
	}
	cmd.Process.Kill()
	<-ended
	in.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, waits := range c.waiting {
		close(waits)
		delete(c.waiting, id)
	}
}

var errNoChild = fmt.Errorf("%w: the process was killed", token.ErrUnavailable)

func (c *child) ask(q question) (*token.Pair, error) {
	q.ID, q.Now = int(c.next.Add(1)), c.now()
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	answered := make(chan reply, 1)
	c.mu.Lock()
	if c.cmd == nil {
		c.mu.Unlock()
		return nil, errNoChild
	}
	c.waiting[q.ID] = answered
	_, err = c.in.Write(append(b, '\n'))
	c.mu.Unlock()
	if err != nil {
		return nil, errNoChild
	}
	var a reply
	ok := false
	select {
	case a, ok = <-answered:
	case <-time.After(time.Minute):
		c.t.Error("a child does not answer")
	}
	if !ok {
		return nil, errNoChild
	}
	if a.Error != "" {
		return nil, fmt.Errorf("a child: %s: %w", a.Error, kinds[a.Kind])
	}
	if a.Pair == nil {
		return nil, nil
	}
	return &token.Pair{Access: a.Pair.Access, Refresh: a.Pair.Refresh, SessionID: a.Pair.SessionID}, nil
}

func (c *child) now() time.Time { return c.clock() }
func (c *child) inTime() bool   { return false }

func (c *child) start(subject string) (*token.Pair, error) {
	return c.ask(question{Verb: "start", Subject: subject})
}

func (c *child) refresh(raw string) (*token.Pair, error) {
	return c.ask(question{Verb: "refresh", Arg: raw})
}

func (c *child) end(subject, sid string) error {
	_, err := c.ask(question{Verb: "end", Subject: subject, Arg: sid})
	return err
}

func (c *child) endAll(subject string) error {
	_, err := c.ask(question{Verb: "endAll", Subject: subject})
	return err
}

func (c *child) revoke(raw string) error {
	_, err := c.ask(question{Verb: "revoke", Arg: raw})
	return err
}

func (c *child) reads() bool {
	_, err := c.ask(question{Verb: "reads"})
	return err == nil
}

func (c *child) verify(raw string) error {
	_, err := c.ask(question{Verb: "verify", Arg: raw})
	return err
}

// killed kills it and starts it again.
func (c *child) killed() fault {
	return fault{inject: func(r *rand.Rand) func() {
		c.Kill()
		time.Sleep(time.Duration(r.IntN(100)) * time.Millisecond)
		return c.Start
	}}
}
