package writ_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// A guard checks a request when it comes. What goes on after that looks again, by Recheck, wherever it is.
func TestAStreamEndsWithItsSession(t *testing.T) { // req 58, 59
	var config writ.Config
	m, server := publish(t, func(c *writ.Config) { config = *c })
	config.Issuer = server.URL
	other, err := writ.Open(t.Context(), config) // on the same store
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan error)
	go func() { running <- other.Run(ctx) }()
	t.Cleanup(func() { stop(); <-running })
	f := follow(t, writ.FollowConfig{Issuer: server.URL})

	ends := map[string]func(*token.Pair) error{
		"Logout": func(p *token.Pair) error {
			r := httptest.NewRequest("POST", "/logout", strings.NewReader(url.Values{"refresh_token": {p.Refresh}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			if m.Endpoints().Logout.ServeHTTP(w, r); w.Code != http.StatusNoContent {
				return fmt.Errorf("status %d", w.Code)
			}
			return nil
		},
		"End":          func(p *token.Pair) error { return m.End(t.Context(), "alice", p.SessionID) },
		"EndAll":       func(*token.Pair) error { return m.EndAll(t.Context(), "alice") },
		"EndAllBefore": func(*token.Pair) error { return m.EndAllBefore(t.Context(), "alice", time.Now()) },
		"MustRefresh":  func(*token.Pair) error { return m.MustRefresh(t.Context(), "alice") },
		"RevokeToken":  func(p *token.Pair) error { return m.RevokeToken(t.Context(), verified(t, m, p.Access).ID()) },
	}
	for where, serve := range map[string]http.Handler{
		"where it is ended":      streaming(m.Guard(), m.Verifier()),
		"at another node":        streaming(other.Guard(), other.Verifier()),
		"at a service elsewhere": streaming(f.Guard(), f.Verifier()),
	} {
		t.Run(where, func(t *testing.T) {
			service := httptest.NewServer(serve)
			t.Cleanup(service.Close)
			for name, end := range ends {
				t.Run(name, func(t *testing.T) {
					p, bob := start(t, m, "alice"), start(t, m, "bob")
					ending, going := listen(t, service.URL, p), listen(t, service.URL, bob)
					ending.want(t, "beat")
					if err := end(p); err != nil {
						t.Fatal(err)
					}
					if last := ending.last(t); last != "end: sign in again" {
						t.Errorf("the last event: %q", last)
					}
					for now := time.Now(); ; { // what is sent from now on shows that it goes on
						if !going.want(t, "beat").Before(now) {
							break
						}
					}
				})
			}
		})
	}
}

// streaming sends events while its token is good.
func streaming(guard *middleware.Guard, verifier *token.Verifier) http.Handler {
	return guard.Func(func(w http.ResponseWriter, r *http.Request, v *token.Verified) {
		w.Header().Set("Content-Type", "text/event-stream")
		control, ticker := http.NewResponseController(w), time.NewTicker(10*time.Millisecond)
		defer ticker.Stop()
		for {
			event, data := "beat", time.Now().Format(time.RFC3339Nano)
			err := verifier.Recheck(v)
			switch {
			case errors.Is(err, token.ErrInvalid):
				event, data = "end", "sign in again"
			case err != nil:
				event, data = "end", "try again"
			}
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data)
			if control.Flush() != nil || err != nil {
				return
			}
			select {
			case <-ticker.C:
			case <-r.Context().Done():
				return
			}
		}
	})
}

// stream is the events of an answer that goes on, as "event: data".
type stream struct{ lines *bufio.Scanner }

// listen begins a stream, which is cut off when the test ends, or after so long that it never will.
func listen(t *testing.T, at string, p *token.Pair) stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	r, err := http.NewRequestWithContext(ctx, "GET", at, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.Access)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var body io.Closer
	t.Cleanup(func() {
		cancel()
		if body != nil {
			body.Close()
		}
	})
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if body = answer.Body; answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream: status %d", answer.StatusCode)
	}
	return stream{bufio.NewScanner(answer.Body)}
}

// next is false when the stream has ended.
func (s stream) next() (event string, ok bool) {
	for s.lines.Scan() {
		if name, is := strings.CutPrefix(s.lines.Text(), "event: "); is {
			event = name
		}
		if data, is := strings.CutPrefix(s.lines.Text(), "data: "); is {
			return event + ": " + data, true
		}
	}
	return "", false
}

// want returns when the next event was sent.
func (s stream) want(t *testing.T, name string) time.Time {
	t.Helper()
	got, _ := s.next()
	data, is := strings.CutPrefix(got, name+": ")
	sent, err := time.Parse(time.RFC3339Nano, data)
	if !is || err != nil {
		t.Fatalf("event %q, want %s", got, name)
	}
	return sent
}

// last is the event before the stream's own end.
func (s stream) last(t *testing.T) (last string) {
	t.Helper()
	for event, ok := s.next(); ok; event, ok = s.next() {
		last = event
	}
	if err := s.lines.Err(); err != nil {
		t.Errorf("the stream was cut off: %v", err)
	}
	return last
}
