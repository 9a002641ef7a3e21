// Quickstart is a small web application with sign-in, an account page and an API, on one Go binary
// and one directory. It works without JavaScript.
//
//	go run ./examples/quickstart
//
// ADDR is where it listens (default 127.0.0.1:8080). DATA_DIR holds the databases and the generated
// secret (default ./writ-data). The WRIT_ variables of package fromenv change everything else.
//
// Its tokens are for WRIT_AUDIENCE, which is its own URL unless it is set. A service of that name can check
// them by itself, as examples/api does: here anybody may read the feed of revocations, unless
// WRIT_FEED_PUBLIC is false.
//
// Browsers keep its cookies on this machine's own addresses and behind HTTPS, and nowhere else.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/writ-go/writ"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, out io.Writer) (err error) {
	dir, err := filepath.Abs(cmp.Or(os.Getenv("DATA_DIR"), "writ-data"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"))
	if err != nil {
		return err
	}
	defer listener.Close()
	url := "http://" + hostOf(listener.Addr())

	db, err := openDatabase(ctx, filepath.Join(dir, "quickstart.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	config, err := settings(ctx, dir, db, url)
	if err != nil {
		return err
	}
	people := demoUsers()
	config.OnIssue = people.onIssue
	config.SignInPage = "/"
	sessions, err := writ.Open(ctx, config)
	if err != nil {
		return errors.Join(err, config.Store.Close())
	}
	defer func() { err = errors.Join(err, sessions.Close()) }()

	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last request is answered
	var group sync.WaitGroup
	group.Go(func() { sessions.Run(running) })
	defer group.Wait()
	defer stop()

	fmt.Fprintf(out, "writ quickstart on %s\nsign in as alice / wonderland, or bob / builder\n", url)
	return serve(ctx, listener, newApp(sessions, config.Cookies, people, db), sessions.Drain)
}

// serve answers requests until ctx ends, and then lets those under way finish; drain ends those that would
// wait.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, drain func()) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	server.RegisterOnShutdown(drain)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(last)
}

// hostOf is an address as a browser on this machine can open it.
func hostOf(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err != nil || ip != nil && !ip.IsUnspecified() {
		return addr.String()
	}
	return net.JoinHostPort("localhost", port)
}
