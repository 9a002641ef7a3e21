package jwks_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// secure is a configuration for a real server with TLS that answers so. The Timeout is short.
func secure(t testing.TB, serve http.HandlerFunc, change ...func(*jwks.RemoteConfig)) jwks.RemoteConfig {
	t.Helper()
	s := httptest.NewUnstartedServer(serve)
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	c := jwks.RemoteConfig{
		RootCAs: x509.NewCertPool(),
		Timeout: 10 * time.Second,
		Issuers: []jwks.RemoteIssuer{{Issuer: login, URL: s.URL + "/keys?code=QUERY", Algorithms: []keys.Algorithm{keys.ES256}}},
	}
	c.RootCAs.AddCert(s.Certificate())
	for _, f := range change {
		f(&c)
	}
	return c
}

// fails loads r, whose keys stay as they are, and returns why the fetch failed.
func fails(t testing.TB, r *jwks.Remote) string {
	t.Helper()
	before := r.Status()[0]
	r.Load(t.Context())
	s := r.Status()[0]
	if s.Err == nil {
		t.Fatal("the fetch did not fail")
	}
	if s.Keys != before.Keys || !s.AsOf.Equal(before.AsOf) {
		t.Errorf("%d keys as of %v, want the %d as of %v", s.Keys, s.AsOf, before.Keys, before.AsOf)
	}
	text := s.Err.Error()
	for _, leak := range []string{"QUERY", "BODY", "/keys"} {
		if strings.Contains(text, leak) {
			t.Errorf("the error has %s: %s", leak, text)
		}
	}
	if !strings.Contains(text, login) || len(text) > 400 {
		t.Errorf("the error does not name the issuer, or is long: %s", text)
	}
	return text
}

// req 36, and the last good set stays whatever comes.
func TestAHostileAnswerChangesNothingAndIsReported(t *testing.T) {
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect to another origin was followed")
	}))
	t.Cleanup(elsewhere.Close)
	var sent atomic.Int64
	t.Cleanup(func() {
		if n := sent.Load(); n > 64<<20 {
			t.Errorf("%d bytes of 1 GiB were taken", n)
		}
	})
	for name, test := range map[string]struct {
		serve  http.HandlerFunc
		reason string
	}{
		"an error":                         {status(500), "status 500: see to the issuer"},
		"a 404":                            {status(404), "status 404: check URL"},
		"a 401":                            {status(401), "status 401: a key set is public"},
		"a 429":                            {status(429), "status 429: see to the issuer"},
		"a 204":                            {status(204), "status 204"},
		"a 206 with a good set":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206); io.WriteString(w, setOf(good)) }, "status 206"},
		"a 304 that was not asked for":     {status(304), "status 304"},
		"nothing":                          {answer(""), "not one JSON object"},
		"an empty set":                     {answer(setOf()), "the set is empty"},
		"a set without keys that are used": {answer(setOf(with(edJWK, `"kid":"BODY"`))), "no key that is of use"},
		"a symmetric key: req 30":          {answer(setOf(good, `{"kty":"oct","kid":"BODY","k":"BODY"}`)), "is symmetric"},
		"a private key: req 32":            {answer(setOf(with(good, `"d":"BODY"`))), `has the member "d"`},
		"a kid twice: req 30":              {answer(setOf(good, good)), "the kid of another"},
		"a good set and more":              {answer(setOf(good) + "BODY"), "not one JSON object"},
		"a page of HTML":                   {answer(setOf(good), "Content-Type", "Text/HTML; charset=utf-8"), "page of HTML"},
		"1 GiB": {func(w http.ResponseWriter, _ *http.Request) {
			zeros := bytes.Repeat([]byte(" "), 64<<10)
			for range 1 << 14 {
				n, err := w.Write(zeros)
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		}, "over 524288 bytes"},
		"a byte too many": {answer(setOf(good) + strings.Repeat(" ", 512<<10+1-len(setOf(good)))), "over 524288 bytes"},
		"64 MiB, compressed to nothing": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 64 {
				z.Write(bytes.Repeat([]byte(" "), 1<<20))
			}
			z.Close()
		}, "over 524288 bytes"},
		"what is not compressed as it says": {answer(strings.Repeat("BODY", 9), "Content-Encoding", "gzip"), "cannot be read"},
		"a header of 1 MiB":                 {answer(setOf(good), "X-Fill", strings.Repeat("BODY", 1<<18)), "cannot be read"},
		"no answer":                         {func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }, "no whole answer in time"},
		"an answer by drops": {func(w http.ResponseWriter, req *http.Request) {
			for req.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(time.Millisecond)
			}
		}, "no whole answer in time"},
		"less than it says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, setOf(good))
		}, "ended its answer too early"},
		"a connection that ends": {hijacked(""), "ended its answer too early"},
		"what is not HTTP":       {hijacked("BODY BODY\r\n\r\n"), "cannot be read"},
		"another origin":         {http.RedirectHandler(elsewhere.URL+"/keys?x=BODY", http.StatusFound).ServeHTTP, "redirects to another origin, https://127.0.0.1:"},
		"another host, same port": {func(w http.ResponseWriter, req *http.Request) {
			_, port, _ := net.SplitHostPort(req.Host)
			http.Redirect(w, req, "https://localhost:"+port+"/keys", http.StatusTemporaryRedirect)
		}, "redirects to another origin, https://localhost:"},
		"the same host without TLS": {func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "http://"+req.Host+"/keys", http.StatusMovedPermanently)
		}, "redirects to another origin, http://"},
		"the same host with a password": {func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "https://a:BODY@"+req.Host+"/keys", http.StatusMovedPermanently)
		}, "redirects to another origin"},
		"a place that is none": {answerWith(302, "Location", "::BODY"), "cannot be read"},
		"round and round":      {func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, "/keys", http.StatusFound) }, "redirects over 3 times"},
		"four redirects": {func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/keys1111" {
				io.WriteString(w, setOf(good))
				return
			}
			http.Redirect(w, req, req.URL.Path+"1", http.StatusFound)
		}, "redirects over 3 times"},
		"a redirect to nowhere":  {answerWith(302), "status 302"},
		"a file of this machine": {answerWith(302, "Location", "file:///etc/passwd"), "redirects to another origin, file://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var serve atomic.Pointer[http.HandlerFunc]
			friendly := answer(setOf(good))
			serve.Store(&friendly)
			r := loaded(t, secure(t, func(w http.ResponseWriter, req *http.Request) { (*serve.Load())(w, req) },
				func(c *jwks.RemoteConfig) {
					if strings.Contains(test.reason, "in time") {
						c.Timeout = time.Second
					}
				}))
			serve.Store(&test.serve)
			if got := fails(t, r); !strings.Contains(got, test.reason) {
				t.Errorf("reported: %s", got)
			}
			want(t, r, "good", "key")
			if err := r.Ready(); err != nil {
				t.Error(err)
			}
			serve.Store(&friendly)
			if r.Load(t.Context()); r.Status()[0].Err != nil {
				t.Error("it does not recover")
			}
		})
	}
}

// hijacked answers with these bytes and ends the connection.
func hijacked(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(c, raw)
			c.Close()
		}
	}
}

func answerWith(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func TestAFriendlyAnswerIsTaken(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"of 512 KiB":     answer(setOf(good) + strings.Repeat(" ", 512<<10-len(setOf(good)))),
		"with any type":  answer(setOf(good), "Content-Type", "application/octet-stream"),
		"without a type": answer(setOf(good), "Content-Type", ""),
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, setOf(good))
			z.Close()
		},
		"after three redirects, with cookies that are not kept": func(w http.ResponseWriter, req *http.Request) {
			if len(req.Cookies()) > 0 {
				w.WriteHeader(500)
			}
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Path: "/"})
			switch req.URL.Path {
			case "/keys":
				http.Redirect(w, req, "/1", http.StatusMovedPermanently)
			case "/1":
				http.Redirect(w, req, "https://"+req.Host+"/2", http.StatusFound)
			case "/2":
				http.Redirect(w, req, "3?code=QUERY", http.StatusTemporaryRedirect)
			default:
				io.WriteString(w, setOf(good))
			}
		},
	} {
		r := loaded(t, secure(t, serve))
		want(t, r, "good", "key")
		if err := r.Status()[0].Err; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// req 36
func TestOnlyAServerThatProvesItsNameIsHeard(t *testing.T) {
	serve := answer(setOf(good))
	for name, test := range map[string]struct {
		change func(c *jwks.RemoteConfig)
		reason string
	}{
		"a certificate of an unknown authority": {func(c *jwks.RemoteConfig) { c.RootCAs = x509.NewCertPool() }, "set RootCAs"},
		"a certificate for another name": {func(c *jwks.RemoteConfig) {
			c.Issuers[0].URL = strings.Replace(c.Issuers[0].URL, "127.0.0.1", "localhost", 1)
		}, "certificate is valid for"},
		"no TLS": {func(c *jwks.RemoteConfig) {
			s := httptest.NewServer(serve)
			t.Cleanup(s.Close)
			c.Issuers[0].URL = "https" + strings.TrimPrefix(s.URL, "http")
		}, "does not speak TLS"},
		"TLS 1.1": {func(c *jwks.RemoteConfig) {
			s := httptest.NewUnstartedServer(serve)
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
			s.Config.ErrorLog = quiet
			s.StartTLS()
			t.Cleanup(s.Close)
			c.Issuers[0].URL = s.URL
			c.RootCAs.AddCert(s.Certificate())
		}, "protocol version"},
		"nobody": {func(c *jwks.RemoteConfig) { c.Issuers[0].URL = "https://127.0.0.1:1/" }, "127.0.0.1:1"},
	} {
		if got := fails(t, newRemote(t, secure(t, serve, test.change))); !strings.Contains(got, test.reason) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestRequestsSayWhatTheyWantOverNewConnections(t *testing.T) {
	var got atomic.Pointer[http.Request]
	r := loaded(t, secure(t, func(w http.ResponseWriter, req *http.Request) {
		got.Store(req)
		io.WriteString(w, setOf(good))
	}))
	req := got.Load()
	if s := fmt.Sprint(req.Method, " ", req.URL, req.Header["Accept"], req.Header["Cookie"], req.Header["If-None-Match"]); s !=
		"GET /keys?code=QUERY [application/jwk-set+json, application/json] [] []" {
		t.Error(s)
	}
	if r.Load(t.Context()); got.Load() == req || got.Load().RemoteAddr == req.RemoteAddr {
		t.Error("no second request, or over the same connection, whose address nobody checked again")
	}
}

// quiet takes what servers say of clients that hang up.
var quiet = log.New(io.Discard, "", 0)
