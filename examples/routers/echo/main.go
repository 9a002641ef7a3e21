// Echo is the example on labstack/echo. Copy guard.go.
//
//	go run ./echo
package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/writ-go/writ/examples/routers/internal/notes"
)

func main() { notes.Main(serve) }

func serve(ctx context.Context, l net.Listener, a *notes.App) error {
	return notes.Serve(ctx, l, newRouter(a))
}

func newRouter(app *notes.App) *echo.Echo {
	a, guard, endpoints := handlers{app}, app.Guard, app.Sessions.Endpoints()
	e := echo.NewWithConfig(echo.Config{
		Logger:           slog.New(slog.NewTextHandler(app.Log, nil)),
		Router:           echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true}), // else HEAD is not GET to echo
		HTTPErrorHandler: failed,
	})
	e.Use(middleware.Recover(), middleware.BodyLimit(notes.LargestBody))

	e.POST("/login", a.login)
	e.POST("/logout", echo.WrapHandler(endpoints.Logout))
	e.GET("/healthz", echo.WrapHandler(endpoints.Health))
	e.GET("/", a.home, guarded(guard.Optional()))
	e.GET("/me", a.me, guarded(guard))
	e.GET("/events", a.events, guarded(guard))

	api := e.Group("/api", guarded(guard.Scope("notes")))
	api.GET("/notes", a.list)
	api.POST("/notes", a.add)

	team := e.Group("/team")
	team.Use(guarded(guard))
	team.GET("/me", a.whoAmI)
	team.GET("/authors", a.authors, guarded(guard.Scope("admin")))
	return e
}

// failed logs what handlers return, a panic included: by default echo tells nobody.
func failed(c *echo.Context, err error) {
	if echo.StatusCode(err) == 0 {
		c.Logger().Error("request failed", "err", err)
	}
	echo.DefaultHTTPErrorHandler(false)(c, err)
}

type handlers struct{ *notes.App }

func (a handlers) login(c *echo.Context) error {
	login, ok := a.Check(c.FormValue("name"), c.FormValue("password"))
	if !ok {
		return c.String(http.StatusUnauthorized, "That name and password do not go together.\n")
	}
	if err := a.Sessions.SignIn(c.Response(), c.Request(), login); err != nil {
		a.Sessions.Deny(c.Response(), c.Request(), err)
		return nil
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

func (a handlers) home(c *echo.Context) error { return page(c, a.Home(tokenOf(c))) }

func (a handlers) me(c *echo.Context) error { return page(c, a.Me(tokenOf(c).Subject())) }

func (a handlers) events(c *echo.Context) error {
	a.Stream(c.Request().Context().Done(), tokenOf(c), notes.Events(c.Response()))
	return nil
}

func (a handlers) list(c *echo.Context) error {
	return answer(c, http.StatusOK, map[string]any{"notes": a.List(tokenOf(c).Subject())})
}

func (a handlers) add(c *echo.Context) error {
	var n notes.Note
	if err := c.Bind(&n); err != nil || a.Add(tokenOf(c).Subject(), n) != nil {
		return answer(c, http.StatusBadRequest, map[string]any{"error": notes.ErrNote.Error()})
	}
	return answer(c, http.StatusCreated, n)
}

func (a handlers) whoAmI(c *echo.Context) error {
	return answer(c, http.StatusOK, map[string]any{"subject": tokenOf(c).Subject()})
}

func (a handlers) authors(c *echo.Context) error {
	return answer(c, http.StatusOK, map[string]any{"authors": a.Authors()})
}

func page(c *echo.Context, html string) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.HTML(http.StatusOK, html)
}

func answer(c *echo.Context, status int, v any) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(status, v)
}
