package middleware

import (
	"bufio"
	"net"
	"net/http"
	"strings"
)

// response is a ResponseWriter that knows whether it was answered, and that can keep an answer with
// new tokens in its cookies out of every shared cache: there it would hand one user's session to the
// next.
type response struct {
	http.ResponseWriter
	private  bool
	answered bool
}

// protect sets what a handler may have changed. Caches may obey a header of their own before
// Cache-Control (RFC 9213).
func (w *response) protect() {
	if !w.private {
		return
	}
	h := w.Header()
	for name := range h {
		if strings.HasSuffix(name, "-Cache-Control") || name == "Surrogate-Control" {
			delete(h, name)
		}
	}
	h.Set("Cache-Control", "no-store")
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
