package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// request is the request of c as net/http has it. Everything but the body is a copy: fasthttp uses the memory
// for the next request, while a stream that this one began goes on.
func request(c fiber.Ctx) (*http.Request, error) {
	in := c.Request()
	uri := string(in.RequestURI())
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method:     string(in.Header.Method()),
		URL:        u,
		RequestURI: uri,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     make(http.Header),
		Host:       string(in.Host()),
		RemoteAddr: c.RequestCtx().RemoteAddr().String(),
		TLS:        c.RequestCtx().TLSConnectionState(),
	}
	for name, value := range in.Header.All() {
		r.Header.Add(string(name), string(value))
	}
	r.Header.Del("Host")
	body := in.Body()
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return r.WithContext(c.Context()), nil
}

// replace gives the handlers of c what a guard made of the request: cookies that it refreshed, and a URL and
// a body without the credential that stood in them.
func replace(c fiber.Ctx, r *http.Request) error {
	in := c.Request()
	in.Header.DelAllCookies()
	if cookies := r.Header["Cookie"]; len(cookies) > 0 {
		in.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	if r.RequestURI != string(in.RequestURI()) {
		in.SetRequestURI(r.RequestURI)
	}
	body, err := io.ReadAll(r.Body)
	if err == nil && !bytes.Equal(body, in.Body()) {
		in.SetBody(body)
	}
	return err
}

// response is an http.ResponseWriter to the response of a fiber.Ctx, which is sent when its handlers are
// done.
type response struct {
	to     *fasthttp.Response
	header http.Header
	wrote  bool
}

func respond(c fiber.Ctx) *response {
	w := &response{to: c.Response(), header: make(http.Header)}
	w.load()
	return w
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if !w.wrote && status >= 200 {
		w.wrote = true
		w.to.SetStatusCode(status)
		w.send()
	}
}

func (w *response) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.to.AppendBody(b)
	return len(b), nil
}

// load reads the header that the response has.
func (w *response) load() {
	clear(w.header)
	for name, value := range w.to.Header.All() {
		w.header.Add(string(name), string(value))
	}
}

// send writes what differs.
func (w *response) send() {
	has := response{to: w.to, header: make(http.Header)}
	has.load()
	for name := range has.header {
		if w.header[name] == nil {
			w.to.Header.Del(name)
		}
	}
	for name, values := range w.header {
		if slices.Equal(values, has.header[name]) {
			continue
		}
		w.to.Header.Del(name)
		for _, value := range values {
			w.to.Header.Add(name, value)
		}
	}
}
