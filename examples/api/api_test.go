package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
)

// bound is for what happens within about a second; how long it took is logged.
const bound = 5 * time.Second

// req 58, 59, 63: two processes that share nothing but an address.
func TestAServiceRefusesWhoeverSignsOutElsewhere(t *testing.T) {
	dir := t.TempDir()
	issuer := start(t, "quickstart", "DATA_DIR="+filepath.Join(dir, "data"))
	environment := []string{"WRIT_ISSUER=" + issuer.url, "WRIT_AUDIENCE=" + issuer.url, "WRIT_CACHE_DIR=" + filepath.Join(dir, "cache")}
	service := start(t, "api", environment...)

	ended, good := signIn(t, issuer.url), signIn(t, issuer.url)
	answer := askHello(t, service.url, good.Access)
	var who struct {
		Hello  string
		Scopes []string
	}
	if err := json.Unmarshal([]byte(answer.body), &who); err != nil || who.Hello != "alice" || !slices.Equal(who.Scopes, []string{"notes", "admin"}) {
		t.Fatalf("status %d: %+v", answer.status, who)
	}
	for name, access := range map[string]string{"nobody": "", "a refresh token": good.Refresh, "a spoilt one": good.Access + "x"} {
		if got := askHello(t, service.url, access); got.status != 401 {
			t.Errorf("%s: status %d", name, got.status)
		}
	}
	if got := get(t, service.url+"/healthz", ""); got.status != 200 {
		t.Errorf("health: status %d", got.status)
	}

	ending, going := listen(t, service.url, ended.Access), listen(t, service.url, good.Access)
	ending.want(t, "beat")
	signOut(t, issuer.url, ended)
	at := time.Now()
	eventually(t, "the service refuses it", func() bool { return askHello(t, service.url, ended.Access).status == 401 })
	t.Logf("refused %s after the sign-out was acknowledged", time.Since(at).Round(time.Millisecond))
	if last := ending.last(t); last != "end: sign in again" {
		t.Errorf("the stream's last event: %q", last)
	}
	t.Logf("the stream ended %s after", time.Since(at).Round(time.Millisecond))
	going.want(t, "beat")
	going.drain()
	going.want(t, "beat") // sent after the other had ended
	if got := askHello(t, service.url, good.Access); got.status != 200 {
		t.Errorf("somebody else's: status %d", got.status)
	}

	t.Run("after both were killed, without the issuer", func(t *testing.T) {
		issuer.kill()
		service.kill()
		service := start(t, "api", environment...)
		if got := askHello(t, service.url, ended.Access); got.status != 401 {
			t.Errorf("what had ended: status %d", got.status)
		}
		if got := askHello(t, service.url, good.Access); got.status != 200 && got.status != 503 { // by how old its file is
			t.Errorf("what is good: status %d", got.status)
		}
		service.stop()
		service.keepsSecrets()
	})
	t.Run("without that and a cache it does not start", func(t *testing.T) {
		p := launch(t, "api", environment[:2]...)
		select {
		case <-p.done:
		case <-time.After(30 * time.Second):
			t.Fatal("it goes on")
		}
		if p.cmd.ProcessState.Success() || !strings.Contains(p.written(), "keys cannot be had") {
			t.Errorf("it says %q", p.written())
		}
	})
	issuer.keepsSecrets()
	service.keepsSecrets()
}

func TestAStreamDoesNotKeepTheServiceFromEnding(t *testing.T) {
	issuer := start(t, "quickstart", "DATA_DIR="+t.TempDir())
	service := start(t, "api", "WRIT_ISSUER="+issuer.url, "WRIT_AUDIENCE="+issuer.url)
	events := listen(t, service.url, signIn(t, issuer.url).Access)
	events.want(t, "beat")
	issuer.stop() // although the service waits for what it has to say
	service.stop()
	events.last(t)
}

// req 62
func TestAServiceSaysThatItCannotTell(t *testing.T) {
	issuer := start(t, "quickstart", "DATA_DIR="+t.TempDir())
	var ahead atomic.Int64
	follower, err := writ.Follow(t.Context(), writ.FollowConfig{
		Issuer: issuer.url, Audience: issuer.url, AllowPlainLoopback: true,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- follower.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	service := httptest.NewServer(newApp(follower))
	t.Cleanup(service.Close)

	access := signIn(t, issuer.url).Access
	events := listen(t, service.URL, access)
	events.want(t, "beat")
	issuer.kill()
	if got := askHello(t, service.URL, access); got.status != 200 {
		t.Errorf("at once: status %d, but the issuer is not asked", got.status)
	}
	ahead.Store(int64(61 * time.Second)) // more than MaxStale
	if got := askHello(t, service.URL, access); got.status != 503 || got.retry == "" {
		t.Errorf("later: status %d, want 503 and when to try again", got.status)
	}
	if got := get(t, service.URL+"/healthz", ""); got.status != 503 {
		t.Errorf("health: status %d", got.status)
	}
	if last := events.last(t); last != "end: try again" {
		t.Errorf("the stream's last event: %q", last)
	}
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func signIn(t *testing.T, issuer string) (got tokens) {
	t.Helper()
	answer := send(t, request(t, "POST", issuer+"/login", url.Values{"username": {"alice"}, "password": {"wonderland"}}))
	if err := json.Unmarshal([]byte(answer.body), &got); err != nil || got.Access == "" {
		t.Fatalf("sign-in: status %d", answer.status)
	}
	return got
}

func signOut(t *testing.T, issuer string, v tokens) {
	t.Helper()
	if got := send(t, request(t, "POST", issuer+"/logout", url.Values{"refresh_token": {v.Refresh}})); got.status != 204 {
		t.Fatalf("sign-out: status %d", got.status)
	}
}

func askHello(t *testing.T, service, access string) reply {
	t.Helper()
	return get(t, service+"/hello", access)
}

type reply struct {
	status      int
	body, retry string
}

func get(t *testing.T, url, access string) reply {
	t.Helper()
	r := request(t, "GET", url, nil)
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	return send(t, r)
}

func request(t *testing.T, method, to string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// client leaves no connection behind.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

func send(t *testing.T, r *http.Request) reply {
	t.Helper()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, string(body), answer.Header.Get("Retry-After")}
}

// events are those of a stream, as "event: data", as they come.
type events chan string

// listen reads a stream until it ends.
func listen(t *testing.T, service, access string) events {
	t.Helper()
	r := request(t, "GET", service+"/stream", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream: status %d", answer.StatusCode)
	}
	list := make(events, 1000) // many more than are sent
	go func() {
		defer close(list)
		event := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				list <- event + ": " + data
			}
		}
	}()
	return list
}

// want waits for an event.
func (e events) want(t *testing.T, name string) {
	t.Helper()
	select {
	case got := <-e:
		if !strings.HasPrefix(got, name+": ") {
			t.Fatalf("event %q, want %s", got, name)
		}
	case <-time.After(bound):
		t.Fatalf("there is no %s", name)
	}
}

// last waits for the end of the stream.
func (e events) last(t *testing.T) (last string) {
	t.Helper()
	for over := time.After(bound); ; {
		select {
		case got, ok := <-e:
			if !ok {
				return last
			}
			last = got
		case <-over:
			t.Fatal("the stream goes on")
		}
	}
}

// drain forgets what has come so far.
func (e events) drain() {
	for range len(e) {
		<-e
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(bound); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about that " + what)
		}
	}
}
