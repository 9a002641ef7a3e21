package main

import (
	"encoding/json"
	"net/http"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// app is what the handlers need: whose tokens are good.
type app struct{ issuer *writ.Follower }

func newApp(issuer *writ.Follower) http.Handler {
	a := &app{issuer}
	guard := issuer.Guard()
	mux := http.NewServeMux()
	mux.Handle("GET /hello", guard.Func(hello))
	mux.Handle("GET /stream", guard.Func(a.stream))
	mux.Handle("GET /healthz", issuer.Health())
	return mux
}

// hello tells who asks who they are, and what they may do.
func hello(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(struct {
		Hello  string   `json:"hello"`
		Scopes []string `json:"scopes"`
	}{t.Subject(), t.Scopes()})
}
