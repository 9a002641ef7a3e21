package middleware

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/writ-go/writ/internal/contextkey"
	"github.com/writ-go/writ/token"
)

// HandlerFunc cannot be registered without a guard: it does not compile. t is nil only behind an
// Optional guard.
type HandlerFunc func(w http.ResponseWriter, r *http.Request, t *token.Verified)

// Func guards a handler that receives the token. The request's context does not carry it.
func (g *Guard) Func(h HandlerFunc) http.Handler {
	return g.serve(func(w http.ResponseWriter, r *http.Request, o outcome) {
		h(w, r, o.token)
	})
}

// Handler is ordinary middleware; the handler finds the token with token.FromContext.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return g.serve(func(w http.ResponseWriter, r *http.Request, o outcome) {
		o.at = time.Now()
		next.ServeHTTP(w, r.WithContext(newGuarded(r.Context(), o)))
	})
}

func (g *Guard) serve(next func(http.ResponseWriter, *http.Request, outcome)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o, err := g.check(w, r)
		if o.rule != 0 {
			answer := ruled(w, o.rule)
			defer answer.protect()
			w = answer
		}
		if err != nil {
			g.Deny(w, r, err)
			return
		}
		next(w, r, o)
	})
}

// guarded is a context with an outcome in it, and with its token, of which a nil one hides what another
// guard outside has put there. A type of its own costs fewer allocations than context.WithValue.
type guarded struct {
	context.Context
	outcome *outcome // not in place: who prints a request prints a field of a field
}

func newGuarded(ctx context.Context, o outcome) *guarded {
	both := struct {
		guarded
		outcome
	}{guarded{Context: ctx}, o}
	both.guarded.outcome = &both.outcome
	return &both.guarded
}

type outcomeKey struct{}

func (c *guarded) Value(key any) any {
	switch key {
	case outcomeKey{}:
		return c.outcome
	case contextkey.Token{}:
		return c.outcome.token
	}
	return c.Context.Value(key)
}

// String names the context without what it carries.
func (c *guarded) String() string { return fmt.Sprint(c.Context, ".guarded") }

// Format prints String for every verb, so that no verb reaches the token.
func (c *guarded) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }
