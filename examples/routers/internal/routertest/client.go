package routertest

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask is a request as a browser sends it, with the cookies that it keeps.
type ask struct {
	method, path string
	bearer       string
	header       http.Header // beside the above
	body         string
	bare         bool // no cookies
}

func (w *world) request(t *testing.T, a ask) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), a.method, w.url+a.path, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if a.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+a.bearer)
	}
	for name, value := range w.cookies {
		if !a.bare {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	for name, values := range a.header {
		r.Header[name] = append(r.Header[name], values...)
	}
	return r
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	set    map[string][]string // values of cookies, by name
	body   string
}

// do sends a request. The browser keeps the cookies that come back.
func (w *world) do(t *testing.T, a ask) reply {
	t.Helper()
	answer, err := w.client.Do(w.request(t, a))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, w.keep(answer), string(body)}
}

func (w *world) keep(answer *http.Response) map[string][]string {
	set := map[string][]string{}
	for _, c := range answer.Cookies() {
		set[c.Name] = append(set[c.Name], c.Value)
		if c.MaxAge < 0 {
			delete(w.cookies, c.Name)
			continue
		}
		w.cookies[c.Name] = c.Value
		if strings.HasPrefix(c.Name, "__Host-") {
			w.secrets = append(w.secrets, c.Value)
		}
	}
	return set
}

// want fails the test unless the status is this one.
func (r reply) want(t *testing.T, status int) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d", r.status, status)
	}
}

// json reads the body into v.
func (r reply) json(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatal("the answer is not the JSON that it should be")
	}
}

// isRefreshed fails the test unless the answer brings both cookies, once, and stays out of caches.
func (r reply) isRefreshed(t *testing.T) {
	t.Helper()
	for _, name := range []string{accessCookie, refreshCookie} {
		if n := len(r.set[name]); n != 1 || r.set[name][0] == "" {
			t.Errorf("the cookie %s is set %d times", name, n)
		}
	}
	if got := r.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		t.Errorf("an answer with new cookies has Cache-Control %q", got)
	}
	if got := r.header.Values("CDN-Cache-Control"); len(got) != 0 {
		t.Errorf("an answer with new cookies has CDN-Cache-Control %q", got)
	}
}

// stream is server-sent events, as "event: data", as they come.
type stream struct {
	events chan string // closed at its end
	leave  func()      // as a client does that goes away
}

func (w *world) listen(t *testing.T, a ask) (stream, reply) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(w.request(t, a))
	if err != nil {
		t.Fatal(err)
	}
	s := stream{make(chan string), func() { answer.Body.Close() }}
	gone := make(chan struct{})
	go func() {
		defer close(s.events)
		name := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if event, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = event
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				select {
				case s.events <- name + ": " + data:
				case <-gone:
					return
				}
			}
		}
	}()
	t.Cleanup(func() { close(gone); answer.Body.Close() })
	return s, reply{status: answer.StatusCode, header: answer.Header, set: w.keep(answer)}
}

// next is the next event; not ok at the end.
func (s stream) next(t *testing.T) (event string, ok bool) {
	t.Helper()
	select {
	case event, ok = <-s.events:
		return event, ok
	case <-time.After(bound):
		t.Fatal("nothing comes")
		return "", false
	}
}

// last is the last event.
func (s stream) last(t *testing.T) (last string) {
	t.Helper()
	for end := time.Now().Add(bound); time.Now().Before(end); {
		event, ok := s.next(t)
		if !ok {
			return last
		}
		last = event
	}
	t.Fatal("the stream goes on")
	return ""
}
