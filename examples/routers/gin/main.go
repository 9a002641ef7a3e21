// Gin is the example on gin-gonic/gin. Copy guard.go.
//
//	go run ./gin
package main

import (
	"context"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/writ-go/writ/examples/routers/internal/notes"
	"github.com/writ-go/writ/token"
)

func main() {
	// In its debug mode gin logs the whole request of a handler that panics, cookies and all.
	gin.SetMode(gin.ReleaseMode)
	notes.Main(serve)
}

func serve(ctx context.Context, l net.Listener, a *notes.App) error {
	return notes.Serve(ctx, l, newRouter(a))
}

func newRouter(app *notes.App) *gin.Engine {
	a, guard, endpoints := handlers{app}, app.Guard, app.Sessions.Endpoints()
	r := gin.New()
	r.ContextWithFallback = true // so that token.FromContext takes the *gin.Context
	r.Use(gin.RecoveryWithWriter(app.Log), limitBody)
	get := []string{"GET", "HEAD"} // to gin, HEAD is not GET

	r.POST("/login", a.login)
	r.POST("/logout", gin.WrapH(endpoints.Logout))
	r.Match(get, "/healthz", gin.WrapH(endpoints.Health))
	r.Match(get, "/", guarded(guard.Optional()), a.home)
	r.Match(get, "/me", guarded(guard), a.me)
	r.GET("/events", guarded(guard), a.events)

	api := r.Group("/api", guarded(guard.Scope("notes")))
	api.Match(get, "/notes", a.list)
	api.POST("/notes", a.add)

	team := r.Group("/team")
	team.Use(guarded(guard))
	team.Match(get, "/me", a.whoAmI)
	team.Match(get, "/authors", guarded(guard.Scope("admin")), a.authors)
	return r
}

func limitBody(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, notes.LargestBody)
}

type handlers struct{ *notes.App }

func (a handlers) login(c *gin.Context) {
	login, ok := a.Check(c.PostForm("name"), c.PostForm("password"))
	if !ok {
		c.String(http.StatusUnauthorized, "That name and password do not go together.\n")
		return
	}
	if err := a.Sessions.SignIn(c.Writer, c.Request, login); err != nil {
		a.Sessions.Deny(c.Writer, c.Request, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/")
}

func (a handlers) home(c *gin.Context) {
	t, _ := token.FromContext(c)
	page(c, a.Home(t))
}

func (a handlers) me(c *gin.Context) { page(c, a.Me(subject(c))) }

func (a handlers) events(c *gin.Context) {
	t, _ := token.FromContext(c)
	a.Stream(c.Done(), t, notes.Events(c.Writer))
}

func (a handlers) list(c *gin.Context) { answer(c, http.StatusOK, gin.H{"notes": a.List(subject(c))}) }

func (a handlers) add(c *gin.Context) {
	var n notes.Note
	if err := c.ShouldBindJSON(&n); err != nil || a.Add(subject(c), n) != nil {
		answer(c, http.StatusBadRequest, gin.H{"error": notes.ErrNote.Error()})
		return
	}
	answer(c, http.StatusCreated, n)
}

func (a handlers) whoAmI(c *gin.Context) { answer(c, http.StatusOK, gin.H{"subject": subject(c)}) }

func (a handlers) authors(c *gin.Context) { answer(c, http.StatusOK, gin.H{"authors": a.Authors()}) }

// subject is who asks, behind a guard.
func subject(c *gin.Context) string {
	t, _ := token.FromContext(c)
	return t.Subject()
}

func page(c *gin.Context, html string) {
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(html))
}

func answer(c *gin.Context, status int, v any) {
	c.Header("Cache-Control", "no-store")
	c.JSON(status, v)
}
