package writtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// NewServer is httptest.NewTLSServer without a socket, closed when the test ends: it works in the bubbles
// of testing/synctest. Only its Client, and a Browser, can reach it, at https://example.com.
func NewServer(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	p := newPipes("example.com")
	server := &httptest.Server{Listener: p, Config: &http.Server{Handler: h}}
	server.StartTLS()
	server.Client().Transport.(*http.Transport).DialContext = p.dial
	t.Cleanup(func() { closeServer(server) })
	return server
}

// closeServer waits for handlers, and not for clients that never close what they were sent.
func closeServer(s *httptest.Server) {
	s.CloseClientConnections()
	s.Close()
}

// pipes is a network of one host, in memory. It is that host's net.Listener and its net.Addr.
type pipes struct {
	host   string
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newPipes(host string) *pipes {
	return &pipes{host: host, conns: make(chan net.Conn), closed: make(chan struct{})}
}

var errClosed = errors.New("writtest: the server is closed")

// dial is for http.Transport.
func (p *pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(address); err != nil || host != p.host {
		return nil, fmt.Errorf("writtest: %.100s is not reached from here: there is nothing but %s in this memory", address, p.host)
	}
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr  { return p }
func (p *pipes) Network() string { return "memory" }
func (p *pipes) String() string  { return p.host }
