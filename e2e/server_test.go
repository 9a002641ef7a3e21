package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is the real program with its own data and short lifetimes, and what it has written.
type server struct {
	t      *testing.T
	url    string // for browsers
	direct string // for apps
	mu     sync.Mutex
	output bytes.Buffer
}

// quickstart builds the program, once for all tests.
var quickstart = sync.OnceValues(func() (string, error) {
	program := filepath.Join(scratch, "quickstart.exe")
	build := exec.Command("go", "build", "-o", program, "./examples/quickstart")
	build.Dir = ".." // the library's own module
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return program, nil
})

func newServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	program, err := quickstart()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "WRIT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "ADDR=127.0.0.1:0", "DATA_DIR="+filepath.Join(dir, "data"),
		"WRIT_ACCESS_TTL=3s", "WRIT_RETRY_WINDOW=1500ms", "WRIT_CLIENT_LATENCY=600ms", "WRIT_JAR_FLUSH=100ms", "WRIT_CLOCK_SKEW=10ms")
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t}
	go func() { cmd.Wait(); w.Close() }()
	ready, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			s.mu.Lock()
			s.output.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			if _, url, ok := strings.Cut(lines.Text(), "writ quickstart on "); ok {
				ready <- url
			}
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill(); <-done })
	select {
	case s.url = <-ready:
		s.direct = s.url
	case <-done:
		t.Fatalf("the program ended:\n%s", s.output.String())
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not start")
	}
	return s
}

// written is what the server has written so far.
func (s *server) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// app is another device of a user: a program that keeps its tokens itself.
type app struct {
	server  *server
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (s *server) app(username, password string) *app {
	s.t.Helper()
	a := &app{server: s}
	status, body := a.send(http.MethodPost, "/login", url.Values{"username": {username}, "password": {password}})
	if status != http.StatusOK || json.Unmarshal(body, a) != nil {
		s.t.Fatalf("an app cannot sign in: %d", status)
	}
	return a
}

// refused reports whether both its tokens are.
func (a *app) refused() bool {
	me, _ := a.send(http.MethodGet, "/api/me", nil)
	refresh, body := a.send(http.MethodPost, "/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.Refresh}})
	return me == http.StatusUnauthorized && refresh == http.StatusBadRequest && bytes.Contains(body, []byte("invalid_grant"))
}

func (a *app) send(method, path string, form url.Values) (status int, body []byte) {
	t := a.server.t
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.server.direct+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r.Header.Set("Authorization", "Bearer "+a.Access)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
