package postgres_test

import (
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a store and a server. It counts round trips, and can swallow everything, as a
// network does that drops packets.
type proxy struct {
	listener net.Listener
	target   string
	hole     atomic.Bool  // what is sent now never arrives, nor what is sent later on the same connection
	cuts     atomic.Int64 // what was connected before the last one is dead
	trips    atomic.Int64 // how often a client has sent something after it was answered
	mu       sync.Mutex
	open     []net.Conn
	done     sync.WaitGroup
}

// through returns config with a proxy on the way.
func through(t testing.TB, config *string) *proxy {
	t.Helper()
	u, err := url.Parse(*config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: u.Host}
	u.Host = l.Addr().String()
	*config = u.String()
	p.done.Go(p.serve)
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.open {
			c.Close()
		}
		p.mu.Unlock()
		p.done.Wait()
	})
	return p
}

// cut swallows what the connections of now send from now on. New ones work.
func (p *proxy) cut() { p.cuts.Add(1) }

func (p *proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, c)
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.keep(client)
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.keep(server)
		var swallow, answered atomic.Bool
		cuts := p.cuts.Load()
		answered.Store(true)
		pass := func(to, from net.Conn, note func()) {
			defer to.Close()
			b := make([]byte, 64<<10)
			for {
				n, err := from.Read(b)
				if p.hole.Load() || p.cuts.Load() != cuts {
					swallow.Store(true) // and for ever
				}
				if n > 0 && !swallow.Load() {
					note()
					to.Write(b[:n])
				}
				if err != nil {
					return
				}
			}
		}
		p.done.Go(func() {
			pass(server, client, func() {
				if answered.CompareAndSwap(true, false) {
					p.trips.Add(1)
				}
			})
		})
		p.done.Go(func() { pass(client, server, func() { answered.Store(true) }) })
	}
}
