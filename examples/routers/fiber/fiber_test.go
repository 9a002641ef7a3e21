package main

import (
	"bufio"
	"context"
	"net"
	"testing"

	"github.com/gofiber/fiber/v3"
	"go.uber.org/goleak"

	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/examples/routers/internal/routertest"
	"github.com/writ-go/writ/token"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // ends within ten seconds
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))    // of the process, and not of a server
}

func TestPromises(t *testing.T) {
	routertest.Run(t, func(ctx context.Context, l net.Listener, a *notes.App, p *routertest.Probe) error {
		app := newRouter(a)
		app.Add([]string{"GET", "POST"}, "/probe/anywhere", guarded(p.Anywhere), seen(p))
		probe := app.Group("/probe", outer)
		probe.Use(guarded(a.Guard))
		probe.Add([]string{"GET", "POST"}, "", seen(p))
		probe.Get("/panic", func(c fiber.Ctx) error {
			public(c, p)
			panic(routertest.Secret)
		})
		probe.Get("/error", func(c fiber.Ctx) error {
			public(c, p)
			return fiber.NewError(fiber.StatusTeapot, "no coffee")
		})
		probe.Get("/flush", func(c fiber.Ctx) error {
			public(c, p)
			return c.SendStreamWriter(func(w *bufio.Writer) {
				w.Flush()
				w.WriteString("later")
			})
		})
		return listen(ctx, l, app)
	})
}

func outer(c fiber.Ctx) error {
	c.Set("Outer", "1")
	c.Cookie(&fiber.Cookie{Name: "outer", Value: "1"})
	return c.Next()
}

func public(c fiber.Ctx, p *routertest.Probe) {
	p.Ran()
	for _, h := range routertest.Public {
		c.Set(h[0], h[1])
	}
}

func seen(p *routertest.Probe) fiber.Handler {
	return func(c fiber.Ctx) error {
		public(c, p)
		c.Cookie(&fiber.Cookie{Name: "inner", Value: "1"})
		t, _ := token.FromContext(c.Context())
		several := []string{}
		for _, value := range c.Request().Header.PeekAll("Several") {
			several = append(several, string(value))
		}
		return c.JSON(routertest.Seen{
			Router: tokenOf(c).Subject(), Context: t.Subject(), Cookie: c.Get("Cookie"), Access: c.Cookies("__Host-access"),
			Several: several, URI: c.OriginalURL(), Body: string(c.Body()),
		})
	}
}
