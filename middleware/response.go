package middleware

import (
	"bufio"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// rule is what the header of an answer must say, whatever a handler wrote.
type rule uint8

const (
	// noStore: the answer has tokens, or is one user's alone. In a shared cache it would hand one user's
	// session to the next.
	noStore rule = 1 << iota
	// inURL: the request had its token in the URL (RFC 6750 section 2.3). A page must not send it on as a
	// Referer, and no shared cache may keep it as a key.
	inURL
)

// apply sets what a handler may have changed. Caches may obey a header of their own before Cache-Control
// (RFC 9213).
func (rule rule) apply(h http.Header) {
	for name := range h {
		if forCaches(name) {
			delete(h, name)
		}
	}
	if rule&inURL != 0 {
		h.Set("Referrer-Policy", "no-referrer")
	}
	switch {
	case rule&noStore != 0:
		h.Set("Cache-Control", "no-store")
	case !private(h):
		h.Set("Cache-Control", "private")
	}
}

// forCaches reports whether a header speaks to the caches of some network before Cache-Control does.
func forCaches(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "-cache-control") || name == "surrogate-control" || name == "edge-control" ||
		name == "x-accel-expires"
}

// private reports whether no shared cache keeps the answer.
func private(h http.Header) bool {
	for _, line := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(textproto.TrimString(directive)) {
			case "private", "no-store":
				return true
			}
		}
	}
	return false
}

// keepFromCaches is the default for what a handler answers to a cookie, say, by which shared caches do not
// know that it is one user's own; and a browser would show it to whoever goes back after signing out. The
// handler may write another; what stands there before it does, for the whole site perhaps, does not know.
func keepFromCaches(w http.ResponseWriter, c credential) {
	if !c.from.cacheable {
		return
	}
	if h := w.Header(); !private(h) {
		noStore.apply(h)
	}
}

// response is a ResponseWriter that knows whether it was answered, and that keeps a rule.
type response struct {
	http.ResponseWriter
	rule     rule
	cookies  []string // lines of Set-Cookie that must not be lost
	answered bool
	written  bool // a part of the body
}

// ruled is w with a rule; what cookies it has already are kept if they have new tokens.
func ruled(w http.ResponseWriter, rule rule) *response {
	r := &response{ResponseWriter: w, rule: rule}
	if rule&noStore != 0 {
		r.cookies = slices.Clone(w.Header()["Set-Cookie"])
	}
	return r
}

// protect mends what a handler has made of the header: some that pass on another's answer clear it, or
// put theirs in its place.
func (w *response) protect() {
	if w.rule == 0 {
		return
	}
	h := w.Header()
	w.rule.apply(h)
	for _, line := range w.cookies {
		name, _, _ := strings.Cut(line, "=")
		if !slices.ContainsFunc(h["Set-Cookie"], func(other string) bool { return strings.HasPrefix(other, name+"=") }) {
			h.Add("Set-Cookie", line)
		}
	}
}

func (w *response) WriteHeader(status int) {
	w.answered = w.answered || status >= 200 || status == http.StatusSwitchingProtocols
	w.protect()
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if !w.written { // though a status was written: a ResponseWriter beneath may hold it back until now
		w.written, w.answered = true, true
		w.protect()
	}
	return w.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController looks for.
func (w *response) FlushError() error {
	w.protect()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.answered = w.answered || err == nil
	return err
}

// Flush is for handlers that ask for an http.Flusher.
func (w *response) Flush() { w.FlushError() }

// Hijack is for WebSocket libraries that ask for an http.Hijacker.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.answered = w.answered || err == nil
	return conn, buffered, err
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
