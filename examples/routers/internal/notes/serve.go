package notes

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
)

// Main runs an example: serve answers requests until its context ends. ADDR is where it listens (default
// 127.0.0.1:8080).
func Main(serve func(context.Context, net.Listener, *App) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, serve); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, serve func(context.Context, net.Listener, *App) error) error {
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"))
	if err != nil {
		return err
	}
	defer listener.Close()
	url := "http://" + listener.Addr().String()
	store := memory.Open()
	defer store.Close()
	sessions, err := writ.Open(ctx, writ.Config{
		Issuer:      url,
		Store:       store,
		KeysInClear: true, // they are gone with the program, as its store is
		SignInPage:  "/",
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last request is answered
	var group sync.WaitGroup
	group.Go(func() { sessions.Run(running) })
	defer group.Wait()
	defer stop()
	fmt.Printf("%s\nsign in as ada / engine, bob / builder or eve / apple\n", url)
	return serve(ctx, listener, &App{Sessions: sessions, Guard: sessions.Guard(), Log: os.Stderr, Beat: time.Second})
}

// Serve is serve for a router of net/http: until ctx ends, which ends streams too, and then those under way
// finish.
func Serve(ctx context.Context, l net.Listener, router http.Handler) error {
	server := &http.Server{
		Handler:           router,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      SendTime, // streams set their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(last)
}

// Events is what sends the events of Stream to a net/http client.
func Events(w http.ResponseWriter) func(event string) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	return func(event string) error {
		if err := control.SetWriteDeadline(time.Now().Add(SendTime)); err != nil {
			return err
		}
		if _, err := w.Write([]byte(event)); err != nil {
			return err
		}
		return control.Flush()
	}
}
