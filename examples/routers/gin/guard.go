package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/writ-go/writ/middleware"
)

// guarded makes gin middleware of a guard. Handlers find the token with token.FromContext, of c if the
// engine has ContextWithFallback, and of c.Request.Context() in any case.
func guarded(g *middleware.Guard) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request = r
			if w != http.ResponseWriter(c.Writer) {
				c.Writer = &writer{c.Writer, w}
			}
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort() // the guard has answered
		}
	}
}

// writer is gin's writer with the guard's around it. Gin sends the status with the first byte, and until
// then a handler can change the header; so the guard's writer must not hear of the status before that.
type writer struct {
	gin.ResponseWriter
	guards http.ResponseWriter
}

func (w *writer) WriteHeaderNow() {
	if !w.Written() {
		w.guards.WriteHeader(w.Status())
		w.ResponseWriter.WriteHeaderNow()
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeaderNow()
	return w.guards.Write(b)
}

func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *writer) Flush() {
	w.WriteHeaderNow()
	http.NewResponseController(w.guards).Flush()
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.guards }
