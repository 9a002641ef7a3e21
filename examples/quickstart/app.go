package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
)

// app is the application: what its handlers need.
type app struct {
	sessions *writ.Manager
	cookies  middleware.Cookies
	users    *users
	db       *database
}

// newApp mounts the library's endpoints beside the application's own.
func newApp(sessions *writ.Manager, cookies middleware.Cookies, people *users, db *database) http.Handler {
	a := &app{sessions, cookies, people, db}
	guard, e := sessions.Guard(), sessions.Endpoints()

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", guard.Optional().Func(a.home))
	mux.HandleFunc("POST /login", a.signIn)
	mux.Handle("GET /api/me", guard.Func(me))
	mux.Handle("POST /api/note", guard.Scope("notes").Func(a.writeNote))

	mux.Handle("POST /token", e.Token)
	mux.Handle("POST /refresh", e.Refresh)
	mux.Handle("POST /logout", e.Logout)
	mux.Handle("POST /logout-all", e.LogoutAll)
	mux.Handle("POST /logout-others", e.LogoutOthers)
	mux.Handle("GET /sessions", e.Sessions)
	mux.Handle("POST /sessions/{sid}/end", e.EndSession)
	mux.Handle("GET /.well-known/jwks.json", e.Keys)
	mux.Handle("GET /.well-known/revocations", e.Revocations)
	mux.Handle("GET /healthz", e.Health)

	mux.Handle("GET /style.css", static("web/style.css", "text/css; charset=utf-8"))
	mux.Handle("GET /favicon.svg", static("web/favicon.svg", "image/svg+xml"))
	return logRequests(secureHeaders(mux))
}

const largestForm = 64 << 10 // bytes

// parseForm reads the form in the body, of bounded size; if it cannot, it has answered.
func parseForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "Send one form (application/x-www-form-urlencoded) of at most 64 KiB.", http.StatusBadRequest)
		return false
	}
	return true
}

// prefersJSON tells an app from a browser that waits for a page.
func prefersJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// broken answers when something fails that is none of the user's fault.
func (a *app) broken(w http.ResponseWriter, r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "request failed", "err", err)
	w.Header().Set("Retry-After", "5")
	http.Error(w, "This does not work just now. Try again in a moment.", http.StatusServiceUnavailable)
}
