package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/sqlite"
)

// site is the application on a real server, with a clock of its own.
type site struct {
	t      *testing.T
	server *httptest.Server
	store  writ.Store
	ahead  atomic.Int64 // how far the clock is ahead
}

func newSite(t *testing.T) *site {
	s := &site{t: t}
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "writ.db"))
	if err != nil {
		t.Fatal(err)
	}
	s.store = store
	db, err := openDatabase(t.Context(), filepath.Join(dir, "quickstart.db"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := writ.SecretFile(filepath.Join(dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	people := testUsers(t)
	sessions, err := writ.Open(t.Context(), writ.Config{
		Issuer:     "https://app.test",
		Store:      store,
		Secret:     secret,
		SignInPage: "/",
		MaxStale:   time.Hour,
		OnIssue:    people.onIssue,
		Now:        func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); sessions.Run(ctx) }()
	s.server = httptest.NewTLSServer(newApp(sessions, middleware.Cookies{}, people, db))
	t.Cleanup(func() {
		s.server.Close()
		stop()
		<-done
		sessions.Close()
		db.Close()
	})
	return s
}

// testUsers are the demo users with hashes that are quick to check, and one who may do nothing.
func testUsers(t *testing.T) *users {
	people := demoUsers()
	people.accounts["carol"] = user{name: "Carol"}
	for name, password := range map[string]string{"alice": "wonderland", "bob": "builder", "carol": "nothing"} {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		account := people.accounts[name]
		account.passwordHash = string(hash)
		people.accounts[name] = account
	}
	return people
}

func (s *site) wait(d time.Duration) { s.ahead.Add(int64(d)) }

// visitor is a browser if it has a jar, and an app if it has none.
type visitor struct {
	*site
	client *http.Client
	jar    http.CookieJar
}

func (s *site) visitor(jar http.CookieJar) *visitor {
	client := *s.server.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{s, &client, jar}
}

func (s *site) browser() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.visitor(jar)
}

func (s *site) app() *visitor { return s.visitor(nil) }

type answer struct {
	*http.Response
	body string
}

// send makes a request with headers, in pairs. A form makes it a POST.
func (v *visitor) send(path string, form url.Values, headers ...string) answer {
	v.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.server.URL+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "application/json")
	if v.jar != nil {
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{resp, string(b)}
}

func (v *visitor) get(path string, headers ...string) answer { return v.send(path, nil, headers...) }

// me asks as a script does, which is told and not sent to the sign-in page.
func (v *visitor) me() answer { return v.get("/api/me", "Accept", "application/json") }

// post sends a form of names and values.
func (v *visitor) post(path string, form ...string) answer {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return v.send(path, values)
}

func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, status)
	}
	return a
}

// setsCookies reports whether the answer has new cookies, and clears whether it removes them.
func (a answer) setsCookies() bool { return len(a.Cookies()) > 0 && a.Cookies()[0].MaxAge >= 0 }
func (a answer) clears() bool      { return len(a.Cookies()) == 2 && a.Cookies()[0].MaxAge < 0 }

func decode[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%s %s: not the JSON that was expected", a.Request.Method, a.Request.URL.Path)
	}
	return v
}

type tokens struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	Refresh   string `json:"refresh_token"`
}

type identity struct {
	Subject   string            `json:"sub"`
	SessionID string            `json:"sid"`
	IssuedAt  int64             `json:"iat"`
	ExpiresAt int64             `json:"exp"`
	Scope     string            `json:"scope"`
	Data      map[string]string `json:"data"`
}

// signedIn is a browser, and granted an app's tokens, of alice.
func (s *site) signedIn() *visitor {
	s.t.Helper()
	v := s.browser()
	v.post("/login", "username", "alice", "password", "wonderland").want(s.t, http.StatusSeeOther)
	return v
}

func (s *site) granted() tokens {
	s.t.Helper()
	return decode[tokens](s.t, s.app().post("/login", "username", "alice", "password", "wonderland").want(s.t, http.StatusOK))
}

func (s *site) refresh(raw string) answer {
	s.t.Helper()
	return s.app().post("/token", "grant_type", "refresh_token", "refresh_token", raw)
}

// held is what a browser's jar holds: the tokens.
func (v *visitor) held() (access, refresh string) {
	u, err := url.Parse(v.server.URL)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.jar.Cookies(u) {
		switch c.Name {
		case "__Host-access":
			access = c.Value
		case "__Host-refresh":
			refresh = c.Value
		}
	}
	return access, refresh
}
