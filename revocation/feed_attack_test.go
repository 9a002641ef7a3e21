package revocation_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// forged is an answer with some claims changed, signed by k under typ.
func forged(t testing.TB, k *keys.Private, typ string, body []byte, change func(claims map[string]any)) []byte {
	t.Helper()
	head, records, _ := bytes.Cut(body, []byte("\n"))
	var claims map[string]any
	if err := json.Unmarshal(payload(t, head), &claims); err != nil {
		t.Fatal(err)
	}
	change(claims)
	for name, value := range claims {
		if f, ok := value.(float64); ok {
			claims[name] = int64(f)
		}
	}
	p, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	prefix, err := jws.Prefix(k, typ)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jws.Sign(prefix, p, k)
	if err != nil {
		t.Fatal(err)
	}
	return append(append([]byte(raw), '\n'), records...)
}

// kindOf is what a request asks for.
func kindOf(req *http.Request) string {
	for _, kind := range []string{"page", "after"} {
		if req.URL.Query().Has(kind) {
			return kind
		}
	}
	return "snapshot"
}

// attack changes answers of some kinds on the way.
type attack struct {
	kinds string
	on    func(w *world, req *http.Request, body []byte) []byte
}

// world is an issuer whose answers are attacked, and others.
type world struct {
	t            testing.TB
	s            *signer
	list         *revocation.List
	h            *revocation.Handler
	theirs, evil *revocation.Handler // of another issuer, and of one who claims to be this one
	stranger     *keys.Private
	attack       atomic.Pointer[attack]
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, s: newSigner(t, issuerName)}
	w.list = load(t, newSource(sessions(0, 300, time.Now().Add(time.Hour))...))
	w.h = small(t, w.list, w.s)
	w.theirs = small(t, w.list, newSigner(t, "https://other.example"))
	evil := newSigner(t, issuerName)
	w.evil = small(t, w.list, evil)
	w.stranger, _ = evil.Signing()
	return w
}

// small has more than one page.
func small(t testing.TB, l *revocation.List, s *signer) *revocation.Handler {
	t.Helper()
	h, err := revocation.NewSmallHandler(revocation.HandlerConfig{List: l, Key: feedKey, Keys: s, Issuer: s.name, Public: true}, 1000, 100)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (w *world) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	honest := httptest.NewRecorder()
	w.h.ServeHTTP(honest, req)
	body := honest.Body.Bytes()
	if a := w.attack.Load(); a != nil && honest.Code == 200 && strings.Contains(a.kinds, kindOf(req)) {
		body = a.on(w, req, body)
	}
	rw.WriteHeader(honest.Code)
	rw.Write(body)
}

// instead answers with what h says to the same question.
func instead(h func(w *world) http.Handler) func(*world, *http.Request, []byte) []byte {
	return func(w *world, req *http.Request, _ []byte) []byte {
		query := req.URL.Query()
		query.Del("wait")
		return get(w.t, h(w), query.Encode()).Body.Bytes()
	}
}

// signedWith answers with other claims, which the issuer has signed all the same.
func signedWith(name string, value any) func(*world, *http.Request, []byte) []byte {
	return func(w *world, _ *http.Request, body []byte) []byte {
		k, _ := w.s.Signing()
		return forged(w.t, k, "revocations+jwt", body, func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
}

func signedBy(typ string, key func(w *world) *keys.Private) func(*world, *http.Request, []byte) []byte {
	return func(w *world, _ *http.Request, body []byte) []byte {
		return forged(w.t, key(w), typ, body, func(map[string]any) {})
	}
}

func withRecords(change func(records []byte) []byte) func(*world, *http.Request, []byte) []byte {
	return func(_ *world, _ *http.Request, body []byte) []byte {
		head, records, _ := bytes.Cut(body, []byte("\n"))
		return append(append(bytes.Clone(head), '\n'), change(bytes.Clone(records))...)
	}
}

// query answers as to another question.
func query(q string) func(*world, *http.Request, []byte) []byte {
	return func(w *world, _ *http.Request, _ []byte) []byte { return get(w.t, w.h, q).Body.Bytes() }
}

func bodyOf(change func(body []byte) []byte) func(*world, *http.Request, []byte) []byte {
	return func(_ *world, _ *http.Request, body []byte) []byte { return change(body) }
}

const every = "snapshot page after"

// attacks is what somebody between an issuer and its followers can try.
var attacks = map[string]attack{
	"nothing":            {every, bodyOf(func([]byte) []byte { return nil })},
	"a page of HTML":     {every, bodyOf(func([]byte) []byte { return []byte("<html>\n</html>") })},
	"a line end alone":   {every, bodyOf(func([]byte) []byte { return []byte("\n") })},
	"half of it":         {every, bodyOf(func(b []byte) []byte { return b[:len(b)/2] })},
	"all but a byte":     {every, bodyOf(func(b []byte) []byte { return b[:len(b)-1] })},
	"a head without end": {every, bodyOf(func([]byte) []byte { return bytes.Repeat([]byte("a"), 9<<10) })},
	"2 MiB":              {every, bodyOf(func(b []byte) []byte { return append(bytes.Clone(b), make([]byte, 2<<20)...) })},
	"a byte more":        {every, withRecords(func(r []byte) []byte { return append(r, 0) })},
	"no records":         {"page", withRecords(func([]byte) []byte { return nil })},
	"a record more":      {every, withRecords(func(r []byte) []byte { return append(r, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6) })},

	"what a stranger signed":            {every, instead(func(w *world) http.Handler { return w.evil })},
	"what another issuer signed":        {every, instead(func(w *world) http.Handler { return w.theirs })},
	"what a stranger signed anew":       {every, signedBy("revocations+jwt", func(w *world) *keys.Private { return w.stranger })},
	"what was signed as something else": {every, signedBy("at+jwt", func(w *world) *keys.Private { k, _ := w.s.Signing(); return k })},
	"what has no type":                  {every, signedBy("", func(w *world) *keys.Private { k, _ := w.s.Signing(); return k })},
	"the feed of another name":          {every, signedWith("iss", "https://other.example")},

	"a snapshot for what came":       {"page after", query("")},
	"a page for something else":      {"snapshot after", query("page=0.4")},
	"one page for all":               {"page", query("page=0.4")},
	"a page of another number":       {"page", query("page=0.2")},
	"an answer to something unknown": {every, signedWith("answer", "x")},
	"what came after something else": {"after", signedWith("after", "AAAAAAAAAAAAAAAAAAAAAA")},
	"what came after nothing":        {"after", signedWith("after", nil)},

	"an answer of tomorrow":        {every, signedWith("as_of", int64(1)<<53)},
	"an answer of no time":         {every, signedWith("as_of", 0)},
	"a digest of something else":   {every, signedWith("sha256", rawURL.EncodeToString(make([]byte, 32)))},
	"no digest":                    {every, signedWith("sha256", nil)},
	"a terabyte of records":        {every, signedWith("count", int64(1)<<40)},
	"less than no records":         {every, signedWith("count", -1)},
	"a record less than there are": {"page", signedWith("count", 1)},
	"records where there are none": {"after", signedWith("count", 1)},
	"digests under another key":    {every, signedWith("key_id", "AAAAAAAAAAA")},
	"digests under no key":         {every, signedWith("key_id", nil)},
	"a key that is none":           {"snapshot", signedWith("key", "AAAA")},
	"no pages":                     {"snapshot", signedWith("pages", 0)},
	"pages without number":         {"snapshot", signedWith("pages", 1<<20)},
	"three pages":                  {"snapshot", signedWith("pages", 3)},
	"a page beyond the last":       {"page", signedWith("page", 4)},
	"a page before the first":      {"page", signedWith("page", -1)},
	"a cursor of a kilobyte":       {every, signedWith("cursor", strings.Repeat("a", 1024))},
}

// Nothing of it gets into a list, makes it look fresher, or goes without a word; and when it ends, all is
// well.
func TestAttacks(t *testing.T) {
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				n := &inProcess{serve: w}
				follower := followed(t, overNetwork(w.s, n))
				asOf, before := follower.AsOf(), follower.Stats().Entries
				if before != 300 {
					t.Fatalf("%d entries", before)
				}
				w.attack.Store(&a)
				if strings.Contains(a.kinds, "snapshot") || strings.Contains(a.kinds, "page") {
					l := revocation.NewList(revocation.Config{Source: newFeed(t, overNetwork(w.s, n))})
					err := l.Load(t.Context())
					if err == nil || !l.AsOf().IsZero() {
						t.Errorf("a snapshot: %v", err)
					} else if text := err.Error(); !strings.Contains(text, issuerName) || strings.Contains(text, "after=") || len(text) > 400 {
						t.Errorf("reported: %s", text)
					}
					w.attack.Store(nil)
					if err := l.Load(t.Context()); err != nil || l.Stats().Entries != 300 {
						t.Errorf("it does not recover: %d entries, %v", l.Stats().Entries, err)
					}
					w.attack.Store(&a)
				}
				defer run(t, follower)()
				if strings.Contains(a.kinds, "after") {
					time.Sleep(10 * time.Second)
					if err := w.list.Load(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(10 * time.Second)
					if s := follower.Stats(); s.Entries != before || s.Err == nil || !s.AsOf.Equal(asOf) {
						t.Errorf("what came: %d entries, as of %s later, %v", s.Entries, s.AsOf.Sub(asOf), s.Err)
					}
				}
				w.attack.Store(nil)
				time.Sleep(10 * time.Second)
				w.list.Apply(sessions(300, 301, time.Now().Add(time.Hour))...)
				time.Sleep(time.Second)
				if s := follower.Stats(); s.Entries != 301 || s.Err != nil {
					t.Errorf("what came does not recover: %d entries, %v", s.Entries, s.Err)
				}
			})
		})
	}
}

// req 13: an answer is no token, and a token no answer.
func TestAnAnswerIsNoToken(t *testing.T) {
	k := key{mustKey(t)}
	h, err := revocation.NewHandler(revocation.HandlerConfig{List: load(t, newSource()), Key: feedKey, Keys: k, Issuer: "i", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(get(t, h, "").Body.Bytes(), []byte("\n"))
	v, err := token.NewVerifier(token.VerifierConfig{Issuer: "i", Audience: "a", Keys: k, UntilExpiry: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), string(head)); !errors.Is(err, token.ErrType) {
		t.Errorf("as a token: %v", err)
	}
}

// The same over real connections: what a server does below HTTP, and where it sends one.
func TestAHostileServer(t *testing.T) { // req 36
	s := newSigner(t, issuerName)
	h := serves(t, load(t, newSource(sessions(0, 10, time.Now().Add(time.Hour))...)), s)
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
	flood := func(w http.ResponseWriter) {
		zeros := make([]byte, 64<<10)
		for range 1 << 14 {
			n, err := w.Write(zeros)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	for name, test := range map[string]struct {
		serve  http.HandlerFunc
		reason string
	}{
		"1 GiB":              {func(w http.ResponseWriter, _ *http.Request) { flood(w) }, "its answer has over"},
		"1 GiB announced":    {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1073741824"); flood(w) }, "its answer has 1073741824 bytes"},
		"an error and 1 GiB": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); flood(w) }, "status 500"},
		"compressed": {func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("it asks for %q", req.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 64 {
				z.Write(make([]byte, 1<<20))
			}
			z.Close()
		}, "compressed"},
		"no answer": {func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }, "in time"},
		"an answer by drops": {func(w http.ResponseWriter, req *http.Request) {
			for req.Context().Err() == nil {
				io.WriteString(w, "a")
				w.(http.Flusher).Flush()
				time.Sleep(time.Millisecond)
			}
		}, "in time"},
		"less than it says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "a")
		}, "too early"},
		"another origin":          {http.RedirectHandler(elsewhere.URL+"/x?QUERY", http.StatusFound).ServeHTTP, "redirects to another origin"},
		"the cloud's own address": {http.RedirectHandler("http://169.254.169.254/latest/meta-data", http.StatusFound).ServeHTTP, "redirects to another origin"},
		"a file":                  {http.RedirectHandler("file:///etc/passwd", http.StatusFound).ServeHTTP, "redirects to another origin"},
		"round and round":         {func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, "/x", http.StatusFound) }, "redirects over 3 times"},
		"not found":               {http.NotFound, "status 404: check URL"},
		"forbidden":               {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "status 403: see to Authorize"},
		"too many requests":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, "status 429"},
		"gone":                    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, "gap"},
		"not modified":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "status 304"},
		"a part":                  {func(w http.ResponseWriter, req *http.Request) { w.WriteHeader(206); h.ServeHTTP(w, req) }, "status 206"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := overTLS(t, s, test.serve)
			if test.reason == "in time" {
				c.Timeout = 300 * time.Millisecond
			}
			l := revocation.NewList(revocation.Config{Source: newFeed(t, c)})
			err := l.Load(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "QUERY") {
				t.Errorf("%v", err)
			}
			if !l.AsOf().IsZero() || l.Stats().Entries != 0 {
				t.Error("something was taken")
			}
		})
	}
}
