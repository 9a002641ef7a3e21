package main

import (
	"github.com/labstack/echo/v5"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// guarded makes echo middleware of a guard. Echo's own adapter keeps everything that a guard promises.
func guarded(g *middleware.Guard) echo.MiddlewareFunc { return echo.WrapMiddleware(g.Handler) }

// tokenOf is the token of a request behind a guard; nil behind an Optional one, if nobody has signed in.
func tokenOf(c *echo.Context) *token.Verified {
	t, _ := token.FromContext(c.Request().Context())
	return t
}
