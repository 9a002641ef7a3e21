// Chi is the example on go-chi/chi. A guard is middleware of net/http, which is chi's own kind, so that
// there is no adapter to copy: Use and With take Guard.Handler as it is.
//
//	go run ./chi
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/token"
)

func main() { notes.Main(serve) }

func serve(ctx context.Context, l net.Listener, a *notes.App) error {
	return notes.Serve(ctx, l, newRouter(a))
}

func newRouter(app *notes.App) *chi.Mux {
	a, guard, endpoints := handlers{app}, app.Guard, app.Sessions.Endpoints()
	r := chi.NewRouter()
	r.Use(middleware.RequestLogger(failures{app.Log}), middleware.Recoverer, middleware.RequestSize(notes.LargestBody), middleware.GetHead)

	r.Post("/login", a.login)
	r.Method("POST", "/logout", endpoints.Logout)
	r.Method("GET", "/healthz", endpoints.Health)
	r.Method("GET", "/", guard.Optional().Func(a.home)) // a handler may take the token from the guard itself
	r.Method("GET", "/me", guard.Func(a.me))
	r.Method("GET", "/events", guard.Func(a.events))

	r.Route("/api", func(r chi.Router) {
		r.Use(guard.Scope("notes").Handler)
		r.Get("/notes", a.list)
		r.Post("/notes", a.add)
	})
	r.Route("/team", func(r chi.Router) {
		r.Use(guard.Handler)
		r.Get("/me", a.whoAmI)
		r.With(guard.Scope("admin").Handler).Get("/authors", a.authors)
	})
	return r
}

// failures logs panics, and of other requests nothing.
type failures struct{ to io.Writer }

func (f failures) NewLogEntry(*http.Request) middleware.LogEntry   { return f }
func (f failures) Write(int, int, http.Header, time.Duration, any) {}
func (f failures) Panic(v any, stack []byte)                       { fmt.Fprintf(f.to, "panic: %v\n%s", v, stack) }

type handlers struct{ *notes.App }

func (a handlers) login(w http.ResponseWriter, r *http.Request) {
	login, ok := a.Check(r.PostFormValue("name"), r.PostFormValue("password"))
	if !ok {
		http.Error(w, "That name and password do not go together.", http.StatusUnauthorized)
		return
	}
	if err := a.Sessions.SignIn(w, r, login); err != nil {
		a.Sessions.Deny(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a handlers) home(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
	page(w, a.Home(t))
}

func (a handlers) me(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
	page(w, a.Me(t.Subject()))
}

func (a handlers) events(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	a.Stream(r.Context().Done(), t, notes.Events(w))
}

func (a handlers) list(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"notes": a.List(subject(r))})
}

func (a handlers) add(w http.ResponseWriter, r *http.Request) {
	var n notes.Note
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil || a.Add(subject(r), n) != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": notes.ErrNote.Error()})
		return
	}
	answer(w, http.StatusCreated, n)
}

func (a handlers) whoAmI(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"subject": subject(r)})
}

func (a handlers) authors(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"authors": a.Authors()})
}

// subject is who asks, behind a guard.
func subject(r *http.Request) string {
	t, _ := token.FromContext(r.Context())
	return t.Subject()
}

func page(w http.ResponseWriter, html string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte(html))
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
