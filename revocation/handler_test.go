package revocation_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/writ-go/writ/revocation"
)

var rawURL = base64.RawURLEncoding

func get(t testing.TB, h http.Handler, query string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "/revocations?"+query, nil).WithContext(t.Context())
	for _, f := range change {
		f(req)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// payload is the second part of a JWS, decoded.
func payload(t testing.TB, raw []byte) []byte {
	t.Helper()
	parts := strings.Split(string(raw), ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	b, err := rawURL.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// claim is what an answer says under a name.
func claim(t testing.TB, body []byte, name string) string {
	t.Helper()
	head, _, _ := bytes.Cut(body, []byte("\n"))
	var all map[string]any
	if err := json.Unmarshal(payload(t, head), &all); err != nil {
		t.Fatal(err)
	}
	if n, ok := all[name].(float64); ok {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprint(all[name])
}

func TestWhatARequestIsAnsweredWith(t *testing.T) {
	s := newSigner(t, issuerName)
	l := load(t, newSource(sessions(0, 10, time.Now().Add(time.Hour))...))
	allow := func(c *revocation.HandlerConfig) {
		c.Public, c.Allow = false, func(r *http.Request) bool { return r.Header.Get("X-Test") == "friend" }
	}
	public, guarded := serves(t, l, s), serves(t, l, s, allow)
	cursor := claim(t, get(t, public, "").Body.Bytes(), "cursor")
	place, asOf, _ := strings.Cut(cursor, ".")
	otherKey := serves(t, l, s, func(c *revocation.HandlerConfig) { c.Key = bytes.Repeat([]byte{1}, 32) })
	for name, test := range map[string]struct {
		method, query string
		status        int
		cache         string
	}{
		"how many pages there are":        {"GET", "", 200, "public, max-age=1"},
		"its head":                        {"HEAD", "", 200, "public, max-age=1"},
		"a page":                          {"GET", "page=0.1", 200, "public, max-age=10"},
		"a page of more than there are":   {"GET", "page=1.2", 200, "public, max-age=10"},
		"a page of far more":              {"GET", "page=63.64", 410, "no-store"},
		"what came":                       {"GET", "after=" + cursor, 200, "public, max-age=1"},
		"what came, its head":             {"HEAD", "wait=25&after=" + cursor, 200, "public, max-age=1"},
		"what came since the time alone":  {"GET", "after=" + asOf, 410, "no-store"}, // this node has just begun
		"with a parameter of others":      {"GET", "code=QUERY&after=" + cursor, 200, "public, max-age=1"},
		"no wait":                         {"GET", "wait=0&after=" + cursor, 200, "public, max-age=1"},
		"a post":                          {"POST", "", 405, "no-store"},
		"a wait for ever":                 {"GET", "wait=26&after=" + cursor, 400, "no-store"},
		"a negative wait":                 {"GET", "wait=-1&after=" + cursor, 400, "no-store"},
		"a wait for nothing":              {"GET", "wait=1", 400, "no-store"},
		"a wait with a fraction":          {"GET", "wait=1.5&after=" + cursor, 400, "no-store"},
		"a page and a cursor":             {"GET", "page=0.1&after=" + cursor, 400, "no-store"},
		"two pages":                       {"GET", "page=0.1&page=0.1", 400, "no-store"},
		"two cursors":                     {"GET", "after=" + cursor + "&after=" + cursor, 400, "no-store"},
		"a page without a number":         {"GET", "page=", 400, "no-store"},
		"a page beyond":                   {"GET", "page=1.1", 400, "no-store"},
		"a page of three":                 {"GET", "page=1.3", 400, "no-store"},
		"a page of none":                  {"GET", "page=0.0", 400, "no-store"},
		"a page of too many":              {"GET", "page=0.8192", 400, "no-store"},
		"a page with a sign":              {"GET", "page=%2B0.1", 400, "no-store"},
		"a page with a zero before":       {"GET", "page=00.1", 400, "no-store"},
		"an empty cursor":                 {"GET", "after=", 400, "no-store"},
		"a cursor of dots":                {"GET", "after=" + strings.Repeat(".", 200), 400, "no-store"},
		"a cursor without its time":       {"GET", "after=" + place, 400, "no-store"},
		"a cursor in another spelling":    {"GET", "after=" + cursor + "=", 400, "no-store"},
		"a cursor with another character": {"GET", "after=" + flip(cursor, 3), 410, "no-store"}, // perhaps of another Key
		"a cursor with another time":      {"GET", "after=" + flip(cursor, len(place)+3), 410, "no-store"},
		"a cursor of too many places":     {"GET", "after=" + strings.Repeat(place+".", 9) + asOf, 400, "no-store"},
		"a query of 2 KiB":                {"GET", strings.Repeat("x", 2<<10), 400, "no-store"},
		"a query that is not one":         {"GET", "after=%zz", 400, "no-store"},
		"a cursor under another key":      {"GET", "after=" + claim(t, get(t, otherKey, "").Body.Bytes(), "cursor"), 410, "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			method := func(r *http.Request) { r.Method = test.method }
			res := get(t, public, test.query, method)
			if res.Code != test.status || res.Header().Get("Cache-Control") != test.cache {
				t.Errorf("status %d, Cache-Control %q", res.Code, res.Header().Get("Cache-Control"))
			}
			if (res.Header().Get("Retry-After") != "") != (test.status == 503) || (res.Header().Get("Allow") != "") != (test.status == 405) {
				t.Errorf("header %v", res.Header())
			}
			if (res.Body.Len() == 0) != (test.method == "HEAD") || strings.Contains(res.Body.String(), "QUERY") {
				t.Errorf("a body of %d bytes", res.Body.Len())
			}
			stranger := get(t, guarded, test.query, method)
			if stranger.Code != 403 && test.status != 405 || stranger.Header().Get("Cache-Control") != "no-store" || stranger.Header().Get("ETag") != "" {
				t.Errorf("who is not allowed: status %d, header %v", stranger.Code, stranger.Header())
			}
			friend := get(t, guarded, test.query, method, func(r *http.Request) { r.Header.Set("X-Test", "friend") })
			if strings.Contains(test.query, cursor) && friend.Code == 410 { // a cursor of another instance, which has just begun
				return
			}
			if friend.Code != test.status || friend.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("who is allowed: status %d, Cache-Control %q", friend.Code, friend.Header().Get("Cache-Control"))
			}
		})
	}
}

// flip changes one character.
func flip(s string, at int) string {
	c := byte('A')
	if s[at] == 'A' {
		c = 'B'
	}
	return s[:at] + string(c) + s[at+1:]
}

func TestAnAnswerThatIsThereIsNotSentAgain(t *testing.T) {
	s := newSigner(t, issuerName)
	l := load(t, newSource(sessions(0, 10, time.Now().Add(time.Hour))...))
	h := serves(t, l, s)
	for _, query := range []string{"", "page=0.1", "after=" + claim(t, get(t, h, "").Body.Bytes(), "cursor")} {
		first := get(t, h, query)
		tag := first.Header().Get("ETag")
		for _, value := range []string{tag, `"x", W/` + tag} {
			again := get(t, h, query, func(r *http.Request) { r.Header.Set("If-None-Match", value) })
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("ETag") != tag {
				t.Errorf("%q: status %d, %d bytes", query, again.Code, again.Body.Len())
			}
		}
		if other := get(t, h, query, func(r *http.Request) { r.Header.Set("If-None-Match", `"x"`) }); other.Code != 200 || !bytes.Equal(other.Body.Bytes(), first.Body.Bytes()) {
			t.Errorf("%q: status %d, or another answer", query, other.Code)
		}
	}
}

// req 62, 63
func TestAListThatIsNotCompleteIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		src := newSource(sessions(0, 1, time.Now().Add(time.Hour))...)
		l := revocation.NewList(revocation.Config{Source: src})
		h := serves(t, l, s)
		want := func(when string, status int, queries ...string) {
			t.Helper()
			for _, q := range queries {
				res := get(t, h, q)
				if res.Code != status || (status == 503) != (res.Header().Get("Retry-After") != "") {
					t.Errorf("%s, %q: status %d", when, q, res.Code)
				}
			}
		}
		want("before it is loaded", 503, "", "page=0.1")
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		cursor := "after=" + claim(t, get(t, h, "").Body.Bytes(), "cursor")
		want("loaded", 200, "", "page=0.1", cursor)
		time.Sleep(time.Minute)
		want("as old as allowed", 200, "", "page=0.1", cursor)
		began := time.Now()
		want("waiting until it is too old", 503, cursor+"&wait=25")
		if waited := time.Since(began); waited != 25*time.Second {
			t.Errorf("waited %s", waited)
		}
		want("too old", 503, "", "page=0.1", cursor)
		s.down.Store(true)
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("without a key to sign with", 503, "", "page=0.1", cursor)
		s.down.Store(false)
		want("again", 200, "", "page=0.1", cursor)
	})
}

func TestASnapshotIsMadeOnceAndSignedAnewWithAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		l := load(t, newSource(sessions(0, 100, time.Now().Add(time.Hour))...))
		h := serves(t, l, s)
		tag := func(q string) string { return get(t, h, q).Header().Get("ETag") }
		first, page := tag(""), tag("page=0.1")
		before := s.signed.Load()
		for range 10 {
			time.Sleep(2 * time.Second)
			if tag("") != first || tag("page=0.1") != page {
				t.Error("another snapshot, though nothing has changed")
			}
		}
		if n := s.signed.Load() - before; n != 0 {
			t.Errorf("%d signatures", n)
		}
		s.rotate(t)
		if tag("") == first || tag("page=0.1") == page {
			t.Error("it is signed with a key that is gone")
		}
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		time.Sleep(35 * time.Second)
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if claim(t, get(t, h, "").Body.Bytes(), "cursor") == cursor {
			t.Error("it is as old as ever")
		}
	})
}

func TestAHandlerThatWouldAllowTooMuchIsRefused(t *testing.T) {
	good := revocation.HandlerConfig{List: load(t, newSource()), Key: feedKey, Keys: newSigner(t, issuerName), Issuer: issuerName, Public: true}
	for name, test := range map[string]struct {
		change func(*revocation.HandlerConfig)
		reason string
	}{
		"no list":             {func(c *revocation.HandlerConfig) { c.List = nil }, "List is nil"},
		"no key":              {func(c *revocation.HandlerConfig) { c.Key = nil }, "Key has 0 bytes"},
		"a short key":         {func(c *revocation.HandlerConfig) { c.Key = []byte("SECRET") }, "Key has 6 bytes"},
		"nothing to sign":     {func(c *revocation.HandlerConfig) { c.Keys = nil }, "Keys is nil"},
		"no issuer":           {func(c *revocation.HandlerConfig) { c.Issuer = "" }, "Issuer is empty"},
		"nobody may":          {func(c *revocation.HandlerConfig) { c.Public = false }, "set exactly one"},
		"everybody and some":  {func(c *revocation.HandlerConfig) { c.Allow = func(*http.Request) bool { return false } }, "set exactly one"},
		"a day's staleness":   {func(c *revocation.HandlerConfig) { c.MaxStale = 24 * time.Hour }, "MaxStale"},
		"a skew of an hour":   {func(c *revocation.HandlerConfig) { c.Skew = time.Hour }, "Skew"},
		"a negative skew":     {func(c *revocation.HandlerConfig) { c.Skew = -1 }, "Skew"},
		"a negative many":     {func(c *revocation.HandlerConfig) { c.MaxWaiting = -1 }, "MaxWaiting"},
		"five seconds":        {func(c *revocation.HandlerConfig) { c.MaxStale = 5 * time.Second }, "from 10s, because"},
		"a negative crowd":    {func(c *revocation.HandlerConfig) { c.MaxSnapshots = -1 }, "MaxSnapshots"},
		"a huge crowd":        {func(c *revocation.HandlerConfig) { c.MaxSnapshots = 1 << 20 }, "MaxSnapshots"},
		"a negative MaxStale": {func(c *revocation.HandlerConfig) { c.MaxStale = -1 }, "MaxStale"},
	} {
		c := good
		test.change(&c)
		if h, err := revocation.NewHandler(c); h != nil || err == nil || !strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
