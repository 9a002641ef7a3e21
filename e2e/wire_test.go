package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// wire is a proxy before a server, which keeps whatever goes over it, and who may know which secret.
type wire struct {
	t       *testing.T
	url     string
	mu      sync.Mutex
	secrets secrets
	said    map[string]string // everything that was said in each place
}

// newWire puts a wire before s.
func newWire(t *testing.T, s *server) *wire {
	w := &wire{t: t, secrets: secrets{}, said: map[string]string{}}
	front := httptest.NewServer(w.to(s.direct))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	w.url, s.url = front.URL, front.URL
	return w
}

func (w *wire) to(server string) http.Handler {
	transport := &http.Transport{}
	w.t.Cleanup(transport.CloseIdleConnections)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return // the browser has left
		}
		w.heard("an address", r.RequestURI)
		w.heard("a form", string(sent))
		w.headers("a request's header ", r.Header, "Cookie")
		for _, c := range r.Cookies() {
			w.secret(c.Value)
		}

		out := r.Clone(r.Context())
		out.RequestURI, out.Body = "", io.NopCloser(bytes.NewReader(sent))
		out.URL.Scheme, out.URL.Host = "http", strings.TrimPrefix(server, "http://")
		out.Header.Del("Accept-Encoding") // what is said must be readable
		resp, err := transport.RoundTrip(out)
		if err != nil {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		for _, c := range resp.Cookies() {
			w.secret(c.Value)
		}
		w.headers("an answer's header ", resp.Header, "Set-Cookie")
		w.heard("an answer's body", string(answer))
		for name, values := range resp.Header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(resp.StatusCode)
		rw.Write(answer)
	})
}

// headers hears all headers but the one where secrets belong.
func (w *wire) headers(place string, h http.Header, but string) {
	for name, values := range h {
		if name != but {
			w.heard(place+name, strings.Join(values, "\n"))
		}
	}
}

func (w *wire) heard(place, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said[place] += text + "\n"
}

// repeats reports whether a text has a piece of a secret.
func (w *wire) repeats(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.secrets.in(text)
}

func (w *wire) secret(value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets.add(value)
}

// quiet reports whether nothing was said in one of the places, or there are few secrets.
func (w *wire) quiet(places ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.secrets) < 1000 || slices.ContainsFunc(places, func(p string) bool { return w.said[p] == "" })
}

// leaks are the places where a piece of a secret was said, and where it is in what else was written.
func (w *wire) leaks(written map[string]string) (places []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, said := range []map[string]string{w.said, written} {
		for place, text := range said {
			if w.secrets.in(text) {
				places = append(places, place)
			}
		}
	}
	return places
}

// secrets are values of which no piece may be known, as the set of all their pieces.
type secrets map[string]bool

const piece = 16 // characters

func (s secrets) add(value string) {
	for i := 0; i+piece <= len(value); i++ {
		s[value[i:i+piece]] = true
	}
}

func (s secrets) in(text string) bool {
	for i := 0; i+piece <= len(text); i++ {
		if s[text[i:i+piece]] {
			return true
		}
	}
	return false
}
