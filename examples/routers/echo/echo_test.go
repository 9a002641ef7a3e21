package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"
	"go.uber.org/goleak"

	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/examples/routers/internal/routertest"
	"github.com/writ-go/writ/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPromises(t *testing.T) {
	routertest.Run(t, func(ctx context.Context, l net.Listener, a *notes.App, p *routertest.Probe) error {
		e := newRouter(a)
		e.Match([]string{"GET", "POST"}, "/probe/anywhere", seen(p), guarded(p.Anywhere))
		probe := e.Group("/probe", outer)
		probe.Use(guarded(a.Guard))
		probe.GET("", seen(p))
		probe.POST("", seen(p))
		probe.GET("/panic", func(c *echo.Context) error {
			public(c, p)
			panic(routertest.Secret)
		})
		probe.GET("/error", func(c *echo.Context) error {
			public(c, p)
			return echo.NewHTTPError(http.StatusTeapot, "no coffee")
		})
		probe.GET("/flush", func(c *echo.Context) error {
			public(c, p)
			http.NewResponseController(c.Response()).Flush()
			return c.String(http.StatusOK, "later")
		})
		return notes.Serve(ctx, l, e)
	})
}

func outer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		c.Response().Header().Set("Outer", "1")
		c.SetCookie(&http.Cookie{Name: "outer", Value: "1"})
		return next(c)
	}
}

func public(c *echo.Context, p *routertest.Probe) {
	p.Ran()
	for _, h := range routertest.Public {
		c.Response().Header().Set(h[0], h[1])
	}
}

func seen(p *routertest.Probe) echo.HandlerFunc {
	return func(c *echo.Context) error {
		public(c, p)
		c.SetCookie(&http.Cookie{Name: "inner", Value: "1"})
		t, _ := token.FromContext(c.Request().Context())
		access := ""
		if cookie, err := c.Cookie("__Host-access"); err == nil {
			access = cookie.Value
		}
		body, _ := io.ReadAll(c.Request().Body)
		return c.JSON(http.StatusOK, routertest.Seen{
			Router: tokenOf(c).Subject(), Context: t.Subject(), Cookie: c.Request().Header.Get("Cookie"), Access: access,
			Several: c.Request().Header.Values("Several"), URI: c.Request().RequestURI, Body: string(body),
		})
	}
}
