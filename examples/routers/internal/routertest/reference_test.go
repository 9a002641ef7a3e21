package routertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/examples/routers/internal/routertest"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestReference is the same application without a router, to compare the others with.
func TestReference(t *testing.T) {
	routertest.Run(t, func(ctx context.Context, l net.Listener, a *notes.App, p *routertest.Probe) error {
		mux := http.NewServeMux()
		mount(mux, a)
		outer := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Outer", "1")
				http.SetCookie(w, &http.Cookie{Name: "outer", Value: "1"})
				next.ServeHTTP(w, r)
			})
		}
		seen := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			public(w, p)
			http.SetCookie(w, &http.Cookie{Name: "inner", Value: "1"})
			access, _ := middleware.Cookies{}.AccessToken(r)
			body, _ := io.ReadAll(r.Body)
			answer(w, routertest.Seen{
				Router: subject(r), Context: subject(r), Cookie: r.Header.Get("Cookie"), Access: access,
				Several: r.Header.Values("Several"), URI: r.RequestURI, Body: string(body),
			})
		})
		mux.Handle("GET /probe", outer(a.Guard.Handler(seen)))
		mux.Handle("POST /probe", outer(a.Guard.Handler(seen)))
		mux.Handle("/probe/anywhere", p.Anywhere.Handler(seen))
		mux.Handle("GET /probe/panic", outer(a.Guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			public(w, p)
			panic(routertest.Secret)
		}))))
		mux.Handle("GET /probe/error", outer(a.Guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			public(w, p)
			w.WriteHeader(http.StatusTeapot)
		}))))
		mux.Handle("GET /probe/flush", outer(a.Guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			public(w, p)
			http.NewResponseController(w).Flush()
			io.WriteString(w, "later")
		}))))
		return notes.Serve(ctx, l, recovered(a, mux))
	})
}

func public(w http.ResponseWriter, p *routertest.Probe) {
	p.Ran()
	for _, h := range routertest.Public {
		w.Header().Set(h[0], h[1])
	}
}

func recovered(a *notes.App, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if failure := recover(); failure != nil {
				fmt.Fprintln(a.Log, failure)
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func mount(mux *http.ServeMux, a *notes.App) {
	guard, endpoints := a.Guard, a.Sessions.Endpoints()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		login, ok := a.Check(r.PostFormValue("name"), r.PostFormValue("password"))
		if !ok {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if err := a.Sessions.SignIn(w, r, login); err != nil {
			a.Sessions.Deny(w, r, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.Handle("POST /logout", endpoints.Logout)
	mux.Handle("GET /healthz", endpoints.Health)
	mux.Handle("GET /{$}", guard.Optional().Func(func(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
		io.WriteString(w, a.Home(t))
	}))
	mux.Handle("GET /me", guard.Func(func(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
		io.WriteString(w, a.Me(t.Subject()))
	}))
	mux.Handle("GET /events", guard.Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		a.Stream(r.Context().Done(), t, notes.Events(w))
	}))
	api := http.NewServeMux()
	api.HandleFunc("GET /api/notes", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"notes": a.List(subject(r))})
	})
	api.HandleFunc("POST /api/notes", func(w http.ResponseWriter, r *http.Request) {
		var n notes.Note
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil || a.Add(subject(r), n) != nil {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	mux.Handle("/api/", guard.Scope("notes").Handler(api))
	team := http.NewServeMux()
	team.HandleFunc("GET /team/me", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"subject": subject(r)})
	})
	team.Handle("GET /team/authors", guard.Scope("admin").Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"authors": a.Authors()})
	})))
	mux.Handle("/team/", guard.Handler(team))
}

func subject(r *http.Request) string {
	t, _ := token.FromContext(r.Context())
	return t.Subject()
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}
