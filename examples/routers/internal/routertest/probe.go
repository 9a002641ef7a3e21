package routertest

import (
	"sync/atomic"

	"github.com/writ-go/writ/middleware"
)

// Probe is what a test mounts beside an example's routes, with the example's own adapter:
//
//	GET, HEAD and POST /probe           behind the App's Guard, and behind middleware of the router that calls
//	                                    nothing of writ and sets the header Outer and the cookie outer
//	GET                /probe/panic     the same; its handler panics with Secret
//	GET                /probe/error     the same; its handler fails with 418, in the router's way
//	GET                /probe/flush     the same; its handler flushes before it writes
//	GET and POST       /probe/anywhere  behind Anywhere
//
// Their handlers call Ran, and do to the header what Public says, as late as the router lets them. Those of
// /probe and /probe/anywhere set the cookie inner, and answer with a Seen.
type Probe struct {
	// Anywhere takes the token from the query and from a form.
	Anywhere *middleware.Guard

	ran atomic.Int32
}

// Ran tells that a handler runs.
func (p *Probe) Ran() { p.ran.Add(1) }

// Secret is what must not reach a client.
const Secret = "what went wrong is nobody's business"

// Public is what a handler says that does not know that its answer has new cookies in it.
var Public = [][2]string{{"Cache-Control", "public, max-age=600"}, {"CDN-Cache-Control", "max-age=600"}}

// Seen is what a handler finds in its request.
type Seen struct {
	Router  string   // the subject of the token, as handlers of this router look for it
	Context string   // the subject of the token in the context.Context
	Cookie  string   // the header
	Access  string   // the access cookie, as handlers of this router look for it
	Several []string // the values of the header Several
	URI     string   // with the query
	Body    string
}
