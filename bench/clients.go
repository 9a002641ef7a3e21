package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// clientsName is the variable that tells this program that it is to be the clients.
const clientsName = "WRIT_BENCH_CLIENTS"

// What clients do at most, whatever they are told.
const (
	mostConnections = 64
	longestTurn     = 10 * time.Second
	patience        = 10 * time.Second // with a server that does not answer
)

// turn is what clients are to do: ask for so long, on so many connections, each of which is kept alive.
type turn struct {
	Address     string
	Request     []byte
	Connections int
	Lasts       time.Duration
}

// turnout is what came of it.
type turnout struct {
	Answers int
	Took    time.Duration
	CPU     time.Duration // of the clients
	Error   string
}

func (t turnout) perSecond() float64 { return float64(t.Answers) / t.Took.Seconds() }

// clients are another process of this program: what it costs to ask is not in the server's process.
type clients struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func startClients() (*clients, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), clientsName+"=1")
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return nil, err
	}
	return &clients{cmd, in, json.NewDecoder(out)}, nil
}

// take has the clients take one turn.
func (c *clients) take(t turn) (turnout, error) {
	late := time.AfterFunc(t.Lasts+2*patience, func() { c.cmd.Process.Kill() })
	defer late.Stop()
	var result turnout
	if err := json.NewEncoder(c.in).Encode(t); err != nil {
		return result, err
	}
	if err := c.out.Decode(&result); err != nil {
		return result, fmt.Errorf("the clients have ended: %w", err)
	}
	if result.Error != "" {
		return result, errors.New(result.Error)
	}
	return result, nil
}

// stop lets them end in order, and then does not.
func (c *clients) stop() error {
	late := time.AfterFunc(patience, func() { c.cmd.Process.Kill() })
	defer late.Stop()
	return errors.Join(c.in.Close(), c.cmd.Wait())
}

// beClients takes the turns that come in, until there are no more.
func beClients(in io.Reader, out io.Writer) error {
	turns, results := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var t turn
		if err := turns.Decode(&t); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		result, err := t.take()
		if err != nil {
			result.Error = err.Error()
		}
		if err := results.Encode(result); err != nil {
			return err
		}
	}
}

// take counts from when every connection has been answered once.
func (t turn) take() (result turnout, err error) {
	if t.Connections < 1 || t.Connections > mostConnections || t.Lasts < 0 || t.Lasts > longestTurn {
		return result, fmt.Errorf("a turn of %d connections and %v is not taken", t.Connections, t.Lasts)
	}
	before := ownTime()
	all := make([]*asker, t.Connections)
	for i := range all {
		if all[i], err = t.connect(); err != nil {
			return result, err
		}
		defer all[i].conn.Close()
	}
	var wait sync.WaitGroup
	var failed atomic.Bool
	errs := make([]error, len(all))
	began := time.Now()
	more := func() bool { return time.Since(began) < t.Lasts && !failed.Load() }
	for i, c := range all {
		wait.Go(func() {
			if errs[i] = c.ask(more); errs[i] != nil {
				failed.Store(true)
			}
		})
	}
	wait.Wait()
	result.Took, result.CPU = time.Since(began), ownTime()-before
	for _, c := range all {
		result.Answers += c.answers
	}
	return result, errors.Join(errs...)
}

// asker asks the same on one connection again and again.
type asker struct {
	conn    net.Conn
	request []byte
	answer  []byte // as long as every one
	body    []byte // which every one ends with
	answers int
}

func (t turn) connect() (c *asker, err error) {
	conn, err := net.DialTimeout("tcp", t.Address, patience)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	if err := conn.SetDeadline(time.Now().Add(t.Lasts + patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(t.Request); err != nil {
		return nil, err
	}
	var answer bytes.Buffer
	first, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &answer)), nil)
	if err != nil {
		return nil, err
	}
	defer first.Body.Close()
	if first.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the first answer is %s", first.Status)
	}
	body, err := io.ReadAll(first.Body)
	return &asker{conn: conn, request: t.Request, answer: answer.Bytes(), body: body}, err
}

// ask reads only as many bytes as the first answer had, so that asking takes little of the processor
// that the clients share with the server.
func (c *asker) ask(more func() bool) error {
	status := []byte("HTTP/1.1 200 OK\r\n")
	for c.answers == 0 || more() {
		if _, err := c.conn.Write(c.request); err != nil {
			return err
		}
		if _, err := io.ReadFull(c.conn, c.answer); err != nil {
			return err
		}
		if !bytes.HasPrefix(c.answer, status) || !bytes.HasSuffix(c.answer, c.body) {
			return fmt.Errorf("an answer is not as the first one was: it begins with %.12q", c.answer)
		}
		c.answers++
	}
	return nil
}
