package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// question and answer are lines between this program and its processes.
type question struct {
	ID   int
	Verb string // start, verify, watch, revoke
	Text string // a subject, or a token
}

type answer struct {
	ID    int
	Text  string `json:",omitempty"` // the first one: a node's address; of start: a token
	Error string `json:",omitempty"`
	// Of watch, which answers twice: when the token was accepted, and when it was refused.
	// Of revoke: when it was called, and when it returned.
	From, To time.Time `json:",omitzero"`
	// Stepped: the wall clock was set meanwhile, so that From and To say nothing.
	Stepped bool `json:",omitempty"`
}

const (
	// lookEvery is about how long a process that watches sleeps between two looks at a token.
	lookEvery = 200 * time.Microsecond
	// tooLong is when it gives up.
	tooLong = 10 * time.Second
)

// serve is what a process does until in ends.
func serve(text string, in io.Reader, out io.Writer) (err error) {
	var s setup
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	opening, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p, err := s.open(opening)
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { p.run(ctx) }) // its error is that ctx ended
	defer running.Wait()
	defer stop()
	address := ""
	if p.node != nil {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: p.handler()}
		running.Go(func() { server.Serve(listener) })
		defer server.Close()
		defer p.node.Close()
		address = "http://" + listener.Addr().String()
	}
	var writing sync.Mutex
	say := func(a answer) {
		line, err := json.Marshal(a)
		if err != nil {
			return // of a type that always can be
		}
		writing.Lock()
		defer writing.Unlock()
		out.Write(append(line, '\n')) // who does not listen any more has ended
	}
	say(answer{Text: address})
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		running.Go(func() {
			if err := p.answer(ctx, q, say); err != nil {
				say(answer{ID: q.ID, Error: err.Error()})
			}
		})
	}
	return lines.Err()
}

func (p *peer) answer(ctx context.Context, q question, say func(answer)) error {
	switch q.Verb {
	case "start":
		pair, err := p.node.Start(ctx, writ.Login{Subject: q.Text})
		if err == nil {
			say(answer{ID: q.ID, Text: pair.Access})
		}
		return err
	case "verify":
		_, err := p.verify(ctx, q.Text)
		if err == nil {
			say(answer{ID: q.ID})
		}
		return err
	case "watch":
		return p.watch(ctx, q, say)
	case "revoke":
		from := time.Now()
		err := p.node.Revoke(ctx, q.Text)
		to := time.Now()
		if err == nil {
			say(answer{ID: q.ID, From: from, To: to, Stepped: stepped(from, to)})
		}
		return err
	}
	return fmt.Errorf("there is no %q", q.Verb)
}

// watch looks at a token again and again, and says when it is accepted for the first time, and when it is
// not any more.
func (p *peer) watch(ctx context.Context, q question, say func(answer)) error {
	began := time.Now()
	var last time.Time // when it was asked for the last time that it was accepted
	for asked := began; asked.Sub(began) < tooLong; asked = time.Now() {
		_, err := p.verify(ctx, q.Text)
		switch {
		case err == nil:
			if last.IsZero() {
				say(answer{ID: q.ID})
			}
			last = asked
		case errors.Is(err, token.ErrRevoked) && !last.IsZero():
			refused := time.Now()
			say(answer{ID: q.ID, From: last, To: refused, Stepped: stepped(began, refused)})
			return nil
		case !last.IsZero() || !errors.Is(err, token.ErrUnknownKey):
			return err
		}
		time.Sleep(lookEvery)
	}
	return fmt.Errorf("nothing has changed in %s", tooLong)
}

// stepped reports whether the wall clock was set between two moments.
func stepped(from, to time.Time) bool {
	return (to.Round(0).Sub(from.Round(0)) - to.Sub(from)).Abs() > time.Millisecond
}
