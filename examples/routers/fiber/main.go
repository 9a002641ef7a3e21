// Fiber is the example on gofiber/fiber. Copy guard.go and nethttp.go.
//
//	go run ./fiber
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/writ-go/writ/examples/routers/internal/notes"
)

func main() { notes.Main(serve) }

// serve answers requests until ctx ends, which ends streams too, and then those under way finish.
func serve(ctx context.Context, l net.Listener, a *notes.App) error {
	return listen(ctx, l, newRouter(a))
}

func listen(ctx context.Context, l net.Listener, app *fiber.App) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		stopped <- app.ShutdownWithTimeout(10 * time.Second)
		l.Close() // Shutdown forgets one that is not served yet
	})
	err := app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
	if !stop() { // Listener does not wait for requests under way
		err = errors.Join(err, <-stopped)
	}
	return err
}

func newRouter(notebook *notes.App) *fiber.App {
	a, guard, endpoints := handlers{notebook}, notebook.Guard, notebook.Sessions.Endpoints()
	app := fiber.New(fiber.Config{
		BodyLimit:    notes.LargestBody,
		ReadTimeout:  15 * time.Second,
		WriteTimeout: notes.SendTime, // streams set their own
		IdleTimeout:  2 * time.Minute,
		ErrorHandler: a.failed,
	})
	app.Use(recover.New()) // without it a panic ends the program, and not only its request

	app.Post("/login", a.login)
	app.Post("/logout", handler(endpoints.Logout))
	app.Get("/healthz", handler(endpoints.Health))
	app.Get("/", guarded(guard.Optional()), a.home)
	app.Get("/me", guarded(guard), a.me)
	app.Get("/events", guarded(guard), a.events)

	api := app.Group("/api", guarded(guard.Scope("notes")))
	api.Get("/notes", a.list)
	api.Post("/notes", a.add)

	team := app.Group("/team")
	team.Use(guarded(guard))
	team.Get("/me", a.whoAmI)
	team.Get("/authors", guarded(guard.Scope("admin")), a.authors)
	return app
}

type handlers struct{ *notes.App }

// failed answers what handlers return. Fiber's own handler sends the text of any error, of a panic too, to
// the client.
func (a handlers) failed(c fiber.Ctx, err error) error {
	var known *fiber.Error
	if !errors.As(err, &known) {
		fmt.Fprintln(a.Log, "request failed:", err)
		known = fiber.ErrInternalServerError
	}
	return c.Status(known.Code).SendString(known.Message)
}

func (a handlers) login(c fiber.Ctx) error {
	login, ok := a.Check(c.FormValue("name"), c.FormValue("password"))
	if !ok {
		return c.Status(fiber.StatusUnauthorized).SendString("That name and password do not go together.\n")
	}
	r, err := request(c)
	if err != nil {
		return fiber.ErrBadRequest
	}
	w := respond(c)
	defer w.send()
	if err := a.Sessions.SignIn(w, r, login); err != nil {
		a.Sessions.Deny(w, r, err)
		return nil
	}
	w.Header().Set("Location", "/")
	w.WriteHeader(fiber.StatusSeeOther)
	return nil
}

func (a handlers) home(c fiber.Ctx) error { return page(c, a.Home(tokenOf(c))) }

func (a handlers) me(c fiber.Ctx) error { return page(c, a.Me(tokenOf(c).Subject())) }

// events streams when it has returned, and c is not there any more.
func (a handlers) events(c fiber.Ctx) error {
	c.Set("Content-Type", "text/event-stream")
	c.Set("Cache-Control", "no-store")
	t, stopping, connection := tokenOf(c), c.RequestCtx().Done(), c.RequestCtx().Conn()
	return c.SendStreamWriter(func(w *bufio.Writer) {
		a.Stream(stopping, t, func(event string) error {
			if err := connection.SetWriteDeadline(time.Now().Add(notes.SendTime)); err != nil {
				return err
			}
			if _, err := w.WriteString(event); err != nil {
				return err
			}
			return w.Flush()
		})
	})
}

func (a handlers) list(c fiber.Ctx) error {
	return answer(c, fiber.StatusOK, fiber.Map{"notes": a.List(tokenOf(c).Subject())})
}

func (a handlers) add(c fiber.Ctx) error {
	var n notes.Note
	if err := c.Bind().JSON(&n); err != nil || a.Add(tokenOf(c).Subject(), n) != nil {
		return answer(c, fiber.StatusBadRequest, fiber.Map{"error": notes.ErrNote.Error()})
	}
	return answer(c, fiber.StatusCreated, n)
}

func (a handlers) whoAmI(c fiber.Ctx) error {
	return answer(c, fiber.StatusOK, fiber.Map{"subject": tokenOf(c).Subject()})
}

func (a handlers) authors(c fiber.Ctx) error {
	return answer(c, fiber.StatusOK, fiber.Map{"authors": a.Authors()})
}

func page(c fiber.Ctx, html string) error {
	c.Set("Cache-Control", "no-store")
	return c.Type("html", "utf-8").SendString(html)
}

func answer(c fiber.Ctx, status int, v any) error {
	c.Set("Cache-Control", "no-store")
	return c.Status(status).JSON(v)
}
