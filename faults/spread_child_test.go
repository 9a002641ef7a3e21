package faults_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/postgres"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/token"
)

// spreadSetup tells a process, in JSON in the variable spreadName, what it is: a node on a store, or an API
// that follows one.
type spreadSetup struct {
	Store, URL, Name string // of a node; the schema, or the prefix
	Listen           string // of a node: where it serves what APIs follow
	Follow, CacheDir string // of an API
}

const spreadName = "WRIT_FAULTS_SPREAD"

// maxStale is the least that there can be.
const maxStale = 10 * time.Second

// order and report are lines between the test and its processes.
type order struct {
	ID      int
	Verb    string
	Subject string
	Token   string
	Late    time.Duration
}

type report struct {
	ID     int
	Text   string           `json:",omitempty"`
	Status int              `json:",omitempty"` // of an error, as a guard answers it
	Error  string           `json:",omitempty"`
	At     time.Time        `json:",omitzero"`
	Seen   map[string]sight `json:",omitempty"`
}

// sight is what a process has made of a token by now: it looks at it all the while.
type sight struct {
	Status     int       // of the last look
	Other      string    // an answer that is none of those that there may be
	Accepted   time.Time // when the last look began that accepted it
	Refused    bool      // as revoked, once
	Readmitted bool      // after that
}

// statusOf is the status of a guard.
func statusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return middleware.Status(err)
}

// TestSpreadProcess is such a process: other tests start it.
func TestSpreadProcess(t *testing.T) {
	text := os.Getenv(spreadName)
	if text == "" {
		t.Skip("other tests start it, in processes of its own")
	}
	var s spreadSetup
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	p := &spreadPeer{seen: map[string]*sight{}}
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	address, closing, err := p.open(ctx, s, &running)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		t.FailNow()
	}
	defer closing()
	running.Go(func() { p.run(ctx) }) // its error is that ctx ended
	running.Go(func() { p.look(ctx) })
	p.serve(ctx, address, os.Stdin, os.Stdout)
}

// spreadPeer is a node, or an API.
type spreadPeer struct {
	verify func(ctx context.Context, raw string) (*token.Verified, error)
	run    func(ctx context.Context) error
	node   *writ.Manager // nil: an API
	late   atomic.Int64  // how far its clock is ahead

	mu   sync.Mutex
	seen map[string]*sight // by token
}

func (p *spreadPeer) now() time.Time { return time.Now().Add(time.Duration(p.late.Load())) }

func (p *spreadPeer) open(ctx context.Context, s spreadSetup, running *sync.WaitGroup) (address string, closing func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if s.Follow != "" {
		f, err := writ.Follow(ctx, writ.FollowConfig{
			Issuer: issuer, Audience: issuer, KeysURL: s.Follow + "/keys", FeedURL: s.Follow + "/feed", AllowPlainLoopback: true,
			CacheDir: s.CacheDir, MaxStale: maxStale, Now: p.now,
		})
		if err != nil {
			return "", nil, err
		}
		p.verify, p.run = f.Verify, f.Run
		return "", func() {}, nil
	}
	store, err := s.openStore(ctx)
	if err != nil {
		return "", nil, err
	}
	m, err := writ.Open(ctx, writ.Config{Issuer: issuer, Store: store, Secret: testSecret, MaxStale: maxStale, FeedPublic: true, Now: p.now})
	if err != nil {
		store.Close()
		return "", nil, err
	}
	p.verify, p.run, p.node = m.Verify, m.Run, m
	listener, err := net.Listen("tcp", s.Listen)
	for range 50 { // another process may have the port for a moment
		if err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
		listener, err = net.Listen("tcp", s.Listen)
	}
	if err != nil {
		store.Close()
		return "", nil, err
	}
	mux, e := http.NewServeMux(), m.Endpoints()
	mux.Handle("/keys", e.Keys)
	mux.Handle("/feed", e.Revocations)
	server := &http.Server{Handler: mux}
	running.Go(func() { server.Serve(listener) })
	return listener.Addr().String(), func() { m.Drain(); server.Close(); m.Close() }, nil
}

func (s spreadSetup) openStore(ctx context.Context) (writ.Store, error) {
	if s.Store == "redis" {
		store, err := redis.Open(ctx, redis.Config{URL: s.URL, Prefix: s.Name})
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	store, err := postgres.Open(ctx, postgres.Config{URL: s.URL, Schema: s.Name})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// serve does what stands on in, until that ends.
func (p *spreadPeer) serve(ctx context.Context, address string, in io.Reader, out io.Writer) {
	var writing sync.Mutex
	say := func(r report) {
		line, _ := json.Marshal(r) // of a type that always can be
		writing.Lock()
		defer writing.Unlock()
		out.Write(append(line, '\n'))
	}
	say(report{Text: address})
	var working sync.WaitGroup
	defer working.Wait()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var o order
		if json.Unmarshal(lines.Bytes(), &o) != nil {
			return
		}
		working.Go(func() {
			r, err := p.do(ctx, o)
			r.ID, r.At = o.ID, time.Now()
			if err != nil {
				r.Error, r.Status = err.Error(), statusOf(err)
			}
			say(r)
		})
	}
}

func (p *spreadPeer) do(ctx context.Context, o order) (r report, err error) {
	switch o.Verb {
	case "start":
		pair, err := p.node.Start(ctx, writ.Login{Subject: o.Subject})
		if err != nil {
			return r, err
		}
		r.Text = pair.Access
	case "revoke":
		err = p.node.Revoke(ctx, o.Token)
	case "endAll":
		err = p.node.EndAll(ctx, o.Subject)
	case "watch":
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seen[o.Token] = &sight{}
	case "see":
		p.mu.Lock()
		defer p.mu.Unlock()
		r.Seen = map[string]sight{}
		for raw, s := range p.seen {
			r.Seen[raw] = *s
		}
	case "late":
		p.late.Store(int64(o.Late))
	default:
		err = fmt.Errorf("there is no %q", o.Verb)
	}
	return r, err
}

// look looks at all tokens again and again until ctx ends.
func (p *spreadPeer) look(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.Lock()
		all := make([]string, 0, len(p.seen))
		for raw := range p.seen {
			all = append(all, raw)
		}
		p.mu.Unlock()
		for _, raw := range all {
			began := time.Now()
			_, err := p.verify(ctx, raw)
			p.mu.Lock()
			p.seen[raw].note(began, err)
			p.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *sight) note(began time.Time, err error) {
	s.Status = statusOf(err)
	switch {
	case err == nil:
		s.Accepted = began
		s.Readmitted = s.Readmitted || s.Refused
	case errors.Is(err, token.ErrRevoked):
		s.Refused = true
	case wayward(err) != nil || !errors.Is(err, token.ErrUnavailable) && !errors.Is(err, context.Canceled):
		s.Other = err.Error()
	}
}
