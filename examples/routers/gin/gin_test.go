package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/examples/routers/internal/routertest"
	"github.com/writ-go/writ/token"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

func TestPromises(t *testing.T) {
	routertest.Run(t, func(ctx context.Context, l net.Listener, a *notes.App, p *routertest.Probe) error {
		r := newRouter(a)
		r.Match([]string{"GET", "POST"}, "/probe/anywhere", guarded(p.Anywhere), seen(p))
		probe := r.Group("/probe", outer)
		probe.Use(guarded(a.Guard))
		probe.Match([]string{"GET", "HEAD", "POST"}, "", seen(p))
		probe.GET("/panic", func(c *gin.Context) {
			public(c, p)
			panic(routertest.Secret)
		})
		probe.GET("/error", func(c *gin.Context) {
			c.AbortWithError(http.StatusTeapot, errors.New(routertest.Secret))
			public(c, p)
		})
		probe.GET("/flush", func(c *gin.Context) {
			public(c, p)
			c.Writer.Flush()
			c.String(http.StatusOK, "later")
		})
		return notes.Serve(ctx, l, r)
	})
}

func outer(c *gin.Context) {
	c.Header("Outer", "1")
	c.SetCookie("outer", "1", 0, "/", "", true, true)
}

func public(c *gin.Context, p *routertest.Probe) {
	p.Ran()
	for _, h := range routertest.Public {
		c.Header(h[0], h[1])
	}
}

// seen names the status first: to gin, that does not end the header.
func seen(p *routertest.Probe) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Status(http.StatusOK)
		public(c, p)
		c.SetCookie("inner", "1", 0, "/", "", true, true)
		t, _ := token.FromContext(c.Request.Context())
		access, _ := c.Cookie("__Host-access")
		body, _ := io.ReadAll(c.Request.Body)
		c.JSON(http.StatusOK, routertest.Seen{
			Router: subject(c), Context: t.Subject(), Cookie: c.GetHeader("Cookie"), Access: access,
			Several: c.Request.Header.Values("Several"), URI: c.Request.RequestURI, Body: string(body),
		})
	}
}
