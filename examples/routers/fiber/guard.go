package main

import (
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// guarded makes fiber middleware of a guard. It needs nethttp.go: with fiber's own adaptor handlers do not
// find the token; the guard's work is over when they run, so that they can undo it; and with the fasthttp
// that fiber 3.1 asks for, a guard does not see the first of two Authorization headers.
func guarded(g *middleware.Guard) fiber.Handler {
	return func(c fiber.Ctx) error {
		r, err := request(c)
		if err != nil {
			return fiber.ErrBadRequest
		}
		w := respond(c)
		defer w.send() // what the guard did to the header when the handler was done
		var failed error
		g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			w.send()
			if failed = replace(c, r); failed != nil {
				return
			}
			c.SetContext(r.Context())
			defer w.load()
			failed = c.Next()
		})).ServeHTTP(w, r)
		return failed
	}
}

// handler makes a fiber handler of one of net/http, such as writ's endpoints.
func handler(h http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		r, err := request(c)
		if err != nil {
			return fiber.ErrBadRequest
		}
		w := respond(c)
		defer w.send()
		h.ServeHTTP(w, r)
		return nil
	}
}

// tokenOf is the token of a request behind a guard; nil behind an Optional one, if nobody has signed in.
func tokenOf(c fiber.Ctx) *token.Verified {
	t, _ := token.FromContext(c.Context())
	return t
}
