package main

import (
	"net"
	"sync"
	"sync/atomic"
)

// wire passes on what goes to a server and back, and counts the round trips: how often a connection
// turned from the server's bytes to the client's.
type wire struct {
	listener net.Listener
	trips    atomic.Int64
	ended    sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(server string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l}
	w.ended.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			w.connect(client, server)
		}
	})
	return w, nil
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) connect(client net.Conn, server string) {
	to, err := net.Dial("tcp", server)
	if err != nil {
		client.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, client, to)
	w.mu.Unlock()
	var asked atomic.Bool // and not answered yet
	w.ended.Go(func() {
		pass(to, client, func() {
			if !asked.Swap(true) {
				w.trips.Add(1)
			}
		})
	})
	w.ended.Go(func() { pass(client, to, func() { asked.Store(false) }) })
}

// pass copies until one side ends, which ends the other. It says that bytes have come before it sends
// them on: no answer to them can overtake that.
func pass(to, from net.Conn, came func()) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			came()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) close() {
	w.listener.Close()
	w.mu.Lock()
	for _, c := range w.conns {
		c.Close()
	}
	w.mu.Unlock()
	w.ended.Wait()
}
