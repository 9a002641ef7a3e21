package writtest

import (
	"net/http"
	"sync"
)

// Fail has the server answer every request with this status, such as 503, until Recover. Requests that
// wait for revocations are cut.
func (i *Issuer) Fail(status int) {
	i.gate.set(status, false)
	i.server.CloseClientConnections()
}

// Disconnect cuts every connection, and every new one when it asks for something, until Recover: nobody gets
// an answer. The port stays the server's, or another program could take it meanwhile, so that a client sees
// a connection that ends, and not one that is refused.
func (i *Issuer) Disconnect() {
	i.gate.set(0, true)
	i.server.CloseClientConnections()
}

// Recover ends Fail and Disconnect.
func (i *Issuer) Recover() { i.gate.set(0, false) }

// Requests is how many requests for a path the server has had, those that Fail answered included.
func (i *Issuer) Requests(path string) int {
	i.gate.mu.Lock()
	defer i.gate.mu.Unlock()
	return i.gate.requests[path]
}

// gate is before the server's handler.
type gate struct {
	next http.Handler

	mu       sync.Mutex
	requests map[string]int
	status   int  // what is answered; 0: what next says
	cut      bool // nobody gets an answer
}

func (g *gate) set(status int, cut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status, g.cut = status, cut
}

func (g *gate) admit(path string) (status int, cut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.cut {
		g.requests[path]++
	}
	return g.status, g.cut
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch status, cut := g.admit(r.URL.Path); {
	case cut:
		panic(http.ErrAbortHandler)
	case status != 0:
		http.Error(w, http.StatusText(status), status)
	default:
		g.next.ServeHTTP(w, r)
	}
}
