package middleware

import (
	"bufio"
	"net"
	"net/http"
	"net/textproto"
	"strings"
)

// rule is what the header of an answer must say, whatever a handler wrote.
type rule uint8

const (
	// newTokens: the answer has tokens in its cookies. In a shared cache it would hand one user's session
	// to the next.
	newTokens rule = 1 << iota
	// inURL: the request had its token in the URL (RFC 6750 section 2.3). A page must not send it on as a
	// Referer, and no shared cache may keep it as a key.
	inURL
)

// apply sets what a handler may have changed. Caches may obey a header of their own before Cache-Control
// (RFC 9213).
func (rule rule) apply(h http.Header) {
	for name := range h {
		if strings.HasSuffix(name, "-Cache-Control") || name == "Surrogate-Control" {
			delete(h, name)
		}
	}
	if rule&inURL != 0 {
		h.Set("Referrer-Policy", "no-referrer")
	}
	if rule&newTokens != 0 || !private(h) {
		h.Set("Cache-Control", rule.cacheControl())
	}
}

func (rule rule) cacheControl() string {
	if rule&newTokens != 0 {
		return "no-store"
	}
	return "private"
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

var noStore = []string{"no-store"} // its capacity is 1: whoever appends gets a slice of his own

// keepFromCaches is the default for what a handler answers to a credential that browsers send unasked:
// shared caches know by the Authorization header that an answer is one user's own (RFC 9111 section 3.5),
// but not by a cookie; and a browser would show it to whoever goes back after signing out. The handler may
// write another.
func keepFromCaches(w http.ResponseWriter, c credential) {
	if !c.ambient {
		return
	}
	if h := w.Header(); h["Cache-Control"] == nil {
		h["Cache-Control"] = noStore
	}
}

// response is a ResponseWriter that knows whether it was answered, and that keeps a rule.
type response struct {
	http.ResponseWriter
	rule     rule
	answered bool
}

func (w *response) protect() {
	if w.rule != 0 {
		w.rule.apply(w.Header())
	}
}

func (w *response) WriteHeader(status int) {
	w.answered = w.answered || status >= 200 || status == http.StatusSwitchingProtocols
	w.protect()
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if !w.answered {
		w.answered = true
		w.protect()
	}
	return w.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController looks for.
func (w *response) FlushError() error {
	w.answered = true
	w.protect()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is for handlers that ask for an http.Flusher.
func (w *response) Flush() { w.FlushError() }

// Hijack is for WebSocket libraries that ask for an http.Hijacker.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.answered = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
