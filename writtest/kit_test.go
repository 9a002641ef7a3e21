package writtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

const (
	api  = "https://api.example"
	name = "https://login.example" // of an issuer in memory
)

// app is a program's handler.
func app(sessions *writ.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /me", sessions.Guard().Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		w.Write([]byte(t.Subject()))
	}))
	mux.Handle("POST /me", sessions.Guard().Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {}))
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.SignOut(w, r); err != nil {
			sessions.Deny(w, r, err)
		}
	})
	return mux
}

func get(h http.Handler, req *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

// follow is a service that follows an issuer.
func follow(t *testing.T, c writ.FollowConfig) *writ.Follower {
	t.Helper()
	f, err := writ.Follow(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { defer close(stopped); f.Run(ctx) }()
	t.Cleanup(func() { stop(); <-stopped })
	return f
}

type verifier interface {
	Verify(ctx context.Context, raw string) (*token.Verified, error)
}

func verdict(t *testing.T, v verifier, raw string) error {
	t.Helper()
	_, err := v.Verify(t.Context(), raw)
	return err
}

// want fails unless err is as wanted: nil, or the error of package token.
func want(t *testing.T, what string, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) || wanted == nil && err != nil {
		t.Errorf("%s: %v; want %v", what, err, wanted)
	}
}

// soon waits until something has come about over a socket.
func soon(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about that " + what)
		}
	}
}

// thiefs is a test key, and nobody's.
func thiefs(t *testing.T) *keys.Private {
	t.Helper()
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func unitVerifier(t *testing.T, c token.VerifierConfig) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inTest runs an example with what it would have as a test.
func inTest(example func(testing.TB)) {
	t := &exampleTest{}
	ctx, end := context.WithCancel(context.Background())
	t.ctx = ctx
	defer func() {
		end()
		for _, f := range slices.Backward(t.cleanups) {
			f()
		}
	}()
	example(t)
}

// exampleTest is as much of a testing.T as this package needs.
type exampleTest struct {
	testing.TB
	ctx      context.Context
	cleanups []func()
}

func (t *exampleTest) Helper()                   {}
func (t *exampleTest) Context() context.Context  { return t.ctx }
func (t *exampleTest) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *exampleTest) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (t *exampleTest) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
