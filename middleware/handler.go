package middleware

import (
	"context"
	"net/http"
	"time"

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
		// A nil token goes in too, to hide one that another guard outside has put there.
		ctx := token.NewContext(&guarded{r.Context(), o}, o.token)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (g *Guard) serve(next func(http.ResponseWriter, *http.Request, outcome)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o, err := g.check(w, r)
		if o.refreshed {
			private := &response{ResponseWriter: w, private: true}
			defer private.protect()
			w = private
		}
		if err != nil {
			g.Deny(w, r, err)
			return
		}
		next(w, r, o)
	})
}

// guarded is a context with an outcome in it. A type of its own costs one allocation less than
// context.WithValue.
type guarded struct {
	context.Context
	outcome outcome
}

type outcomeKey struct{}

func (c *guarded) Value(key any) any {
	if key == (outcomeKey{}) {
		return &c.outcome
	}
	return c.Context.Value(key)
}
