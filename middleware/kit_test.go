package middleware_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// login is an issuer with a key made for the test, the verifier of its tokens and its revocations.
type login struct {
	key      *keys.Private
	issuer   *token.Issuer
	verifier *token.Verifier

	mu      sync.Mutex
	revoked map[string]bool // by session
	asOf    func() time.Time
}

func newLogin() *login {
	l := &login{key: must(keys.Generate(keys.ES256)), revoked: map[string]bool{}, asOf: time.Now}
	l.issuer = must(token.NewIssuer(token.IssuerConfig{Issuer: "https://login.example", Audience: "https://app.example", Keys: l}))
	l.verifier = must(token.NewVerifier(token.VerifierConfig{
		Issuer: "https://login.example", Audience: "https://app.example", Keys: l, Revocations: l}))
	return l
}

// must is for what only a broken test makes fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (l *login) Signing() (*keys.Private, error) { return l.key, nil }

func (l *login) Public(_, kid string) (*keys.Public, error) {
	if kid != l.key.Public().ID() {
		return nil, keys.ErrUnknown
	}
	return l.key.Public(), nil
}

func (l *login) Revoked(v *token.Verified) (bool, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revoked[v.SessionID()], l.asOf()
}

func (l *login) revoke(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.revoked[session] = true
}

// goStale makes every token impossible to judge.
func (l *login) goStale() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asOf = func() time.Time { return time.Time{} }
}

// token is a live token of alice with these scopes, in session s1.
func (l *login) token(scopes ...string) string {
	return l.issue(token.Claims{Scope: scopes}, time.Now(), 10*time.Minute)
}

// expired is a token that was live an hour ago.
func (l *login) expired() string {
	return l.issue(token.Claims{}, time.Now().Add(-time.Hour), 10*time.Minute)
}

func (l *login) issue(c token.Claims, at time.Time, ttl time.Duration) string {
	if c.Subject == "" {
		c.Subject = "alice"
	}
	if c.SessionID == "" {
		c.SessionID = "s1"
	}
	return must(l.issuer.Issue(c, at, at.Add(ttl), at.UnixMicro()))
}

// sessions refreshes: "r1" is exchanged for "r2" and so on, and any other token is no good. With
// keep it hands out no new refresh token; err fails every exchange.
type sessions struct {
	*login
	mu    sync.Mutex
	live  map[string]string
	keep  bool
	err   error
	calls int
	from  token.Client
}

func newSessions(l *login) *sessions {
	return &sessions{login: l, live: map[string]string{"r1": "r2", "r2": "r3"}}
}

func (s *sessions) Refresh(_ context.Context, raw string, from token.Client) (*token.Pair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.from = from
	next, ok := s.live[raw]
	switch {
	case s.err != nil:
		return nil, s.err
	case !ok:
		return nil, token.ErrReused
	case s.keep:
		next = ""
	}
	now := time.Now()
	return &token.Pair{
		Access: s.token("read"), AccessExpires: now.Add(10 * time.Minute),
		Refresh: next, RefreshExpires: now.Add(24 * time.Hour), SessionID: "s1", Remember: true,
	}, nil
}

func (s *sessions) exchanges() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// counted counts verifications.
type counted struct {
	middleware.Verifier
	calls atomic.Int32
}

func (c *counted) Verify(ctx context.Context, raw string) (*token.Verified, error) {
	c.calls.Add(1)
	return c.Verifier.Verify(ctx, raw)
}

func newGuard(c middleware.Config) *middleware.Guard { return must(middleware.New(c)) }

// serve starts a TLS server and returns its URL and a client with a cookie jar that follows no
// redirect.
func serve(t testing.TB, h http.Handler) (string, *http.Client) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	s.StartTLS()
	t.Cleanup(s.Close)
	c := s.Client()
	c.Jar = must(cookiejar.New(nil))
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s.URL, c
}

// hello answers with the subject of the token that the guard hands over.
func hello(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
	if t == nil {
		w.Write([]byte("nobody"))
		return
	}
	w.Write([]byte(t.Subject()))
}

// do runs a request, made by a method, an URL path and pairs of header names and values, in process.
func do(h http.Handler, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, "https://app.example"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

type verifierFunc func(context.Context, string) (*token.Verified, error)

func (f verifierFunc) Verify(ctx context.Context, raw string) (*token.Verified, error) {
	return f(ctx, raw)
}
