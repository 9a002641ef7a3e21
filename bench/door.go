package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

// door is a middleware before a handler that reads the subject and answers.
type door struct {
	name    string
	handler http.Handler
	good    *http.Request
	bad     []attempt
	// restore puts good back as it was. nil: the handler leaves it as it is.
	restore func()
	goal    *goal
	same    string // a door without middleware whose answer is the same, if the first one's is not
	redis   bool   // every request waits for a Redis
}

// goal is what a request in the process may cost at most, or at most more than another door.
type goal struct {
	ns     float64
	than   string
	allocs int64
}

type attempt struct {
	name    string
	request *http.Request
}

// answer is the handler behind every door.
func answer(w http.ResponseWriter, sub string) {
	if sub != subject {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	io.WriteString(w, "hello, "+subject)
}

// uncached is no middleware, and an answer as writ's guard leaves it that was asked with a cookie.
const uncached = "no middleware, Cache-Control: no-store"

// doors are all that are compared, over one suite. The first is none. absent says which are not compared
// for want of a server, which would end with h.
func doors(ctx context.Context, h *host, s *suite) (all []door, absent []string, err error) {
	noStore := []string{"no-store"}
	all = []door{{
		name:    "no middleware",
		handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, subject) }),
		good:    byHeader(s.good),
	}, {
		name: uncached,
		handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Cache-Control"] = noStore
			answer(w, subject)
		}),
		good: byCookie(accessCookie)(s.good),
	}}
	guards, err := writDoors(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	all = append(all, guards...)
	for _, open := range []func(*suite) ([]door, error){golangJWTDoor, auth0Door, jwtauthDoor} {
		some, err := open(s)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, some...)
	}
	some, absent, err := scsDoors(ctx, h)
	return append(all, some...), absent, err
}

// guarded is a door that must refuse what every contender refuses, and a request without a token.
func (s *suite) guarded(name string, handler http.Handler, request func(token string) *http.Request) (door, error) {
	probes, err := s.probes()
	d := door{name: name, handler: handler, good: request(s.good), bad: []attempt{nothing()}}
	for _, p := range probes {
		if p.required {
			d.bad = append(d.bad, attempt{p.name, request(p.token)})
		}
	}
	return d, err
}

func nothing() attempt { return attempt{"no credential", httptest.NewRequest("GET", "/", nil)} }

func byHeader(token string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// byCookie puts the credential behind two cookies of others, as browsers do.
func byCookie(name string) func(value string) *http.Request {
	return func(value string) *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "theme=dark; _ga=GA1.1.1234567890.1234567890; "+name+"="+value)
		return r
	}
}

// byQuery puts the credential behind another parameter.
func byQuery(token string) *http.Request {
	return httptest.NewRequest("GET", "/?page=2&access_token="+token, nil)
}

// restoring puts r back as it is now, when a handler has changed it in place.
func restoring(r *http.Request) func() {
	was, url := *r, *r.URL
	return func() { *r, *was.URL = was, url }
}

// check fails unless the door answers the good request and refuses every bad one.
func (d door) check() error {
	w := newRecorder()
	var wrong []error
	if d.serve(w); w.status != http.StatusOK {
		wrong = append(wrong, fmt.Errorf("%s: %d for the good request", d.name, w.status))
	}
	for _, a := range d.bad {
		w.reset()
		if d.handler.ServeHTTP(w, a.request); w.status != http.StatusUnauthorized {
			wrong = append(wrong, fmt.Errorf("%s: %d for a request: %s", d.name, w.status, a.name))
		}
	}
	return errors.Join(wrong...)
}

func (d door) serve(w http.ResponseWriter) {
	d.handler.ServeHTTP(w, d.good)
	if d.restore != nil {
		d.restore()
	}
}

func (d door) row() row {
	w := newRecorder()
	return row{d.name, func() error {
		w.reset()
		if d.serve(w); w.status != http.StatusOK {
			return fmt.Errorf("status %d", w.status)
		}
		return nil
	}}
}

// recorder is the least that a handler can write to. It is used again for every request, so that
// what it costs does not hide what is measured.
type recorder struct {
	header http.Header
	status int
	bytes  int
}

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: http.StatusOK} }

func (w *recorder) reset() {
	clear(w.header)
	w.status, w.bytes = http.StatusOK, 0
}

func (w *recorder) Header() http.Header    { return w.header }
func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(b []byte) (int, error) {
	w.bytes += len(b)
	return len(b), nil
}

func (w *recorder) WriteString(s string) (int, error) {
	w.bytes += len(s)
	return len(s), nil
}
