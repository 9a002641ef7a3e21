package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"go.uber.org/goleak"

	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/examples/routers/internal/routertest"
	"github.com/writ-go/writ/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPromises(t *testing.T) {
	routertest.Run(t, func(ctx context.Context, l net.Listener, a *notes.App, p *routertest.Probe) error {
		r := newRouter(a)
		r.With(p.Anywhere.Handler).Get("/probe/anywhere", seen(p))
		r.With(p.Anywhere.Handler).Post("/probe/anywhere", seen(p))
		r.Group(func(r chi.Router) {
			r.Use(outer, a.Guard.Handler)
			r.Get("/probe", seen(p))
			r.Post("/probe", seen(p))
			r.Get("/probe/panic", func(w http.ResponseWriter, _ *http.Request) {
				public(w, p)
				panic(routertest.Secret)
			})
			r.Get("/probe/error", func(w http.ResponseWriter, _ *http.Request) {
				public(w, p)
				w.WriteHeader(http.StatusTeapot)
			})
			r.Get("/probe/flush", func(w http.ResponseWriter, _ *http.Request) {
				public(w, p)
				http.NewResponseController(w).Flush()
				w.Write([]byte("later"))
			})
		})
		return notes.Serve(ctx, l, r)
	})
}

func outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Outer", "1")
		http.SetCookie(w, &http.Cookie{Name: "outer", Value: "1"})
		next.ServeHTTP(w, r)
	})
}

func public(w http.ResponseWriter, p *routertest.Probe) {
	p.Ran()
	for _, h := range routertest.Public {
		w.Header().Set(h[0], h[1])
	}
}

func seen(p *routertest.Probe) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		public(w, p)
		http.SetCookie(w, &http.Cookie{Name: "inner", Value: "1"})
		t, _ := token.FromContext(r.Context())
		access := ""
		if c, err := r.Cookie("__Host-access"); err == nil {
			access = c.Value
		}
		body, _ := io.ReadAll(r.Body)
		json.NewEncoder(w).Encode(routertest.Seen{
			Router: subject(r), Context: t.Subject(), Cookie: r.Header.Get("Cookie"), Access: access,
			Several: r.Header.Values("Several"), URI: r.RequestURI, Body: string(body),
		})
	}
}
