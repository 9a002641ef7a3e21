// Api is a service that checks by itself the access tokens that another program issues, here
// examples/quickstart. It knows that program's name and its own, and has no database and no secret. It asks
// nobody about a request: it follows the issuer's keys and revocations.
//
//	go run ./examples/quickstart
//	WRIT_ISSUER=http://127.0.0.1:8080 WRIT_AUDIENCE=http://127.0.0.1:8080 go run ./examples/api
//
// WRIT_AUDIENCE is what the issuer's tokens are for: the quickstart's own WRIT_AUDIENCE or, unless it has
// one, its URL. ADDR is where this program listens (default 127.0.0.1:8081). WRIT_CACHE_DIR, a directory,
// has it start while the issuer is down. Package fromenv lists the other variables.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, out io.Writer) error {
	config, err := fromenv.FollowConfig()
	if err != nil {
		return err
	}
	// The quickstart speaks http, on this machine. To any other host http is refused all the same.
	if strings.HasPrefix(config.Issuer, "http:") {
		config.AllowPlainLoopback = true
	}
	issuer, err := writ.Follow(ctx, config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8081"))
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last request is answered
	var group sync.WaitGroup
	group.Go(func() { issuer.Run(running) })
	defer group.Wait()
	defer stop()

	fmt.Fprintf(out, "writ api on http://%s\n", listener.Addr())
	return serve(ctx, listener, newApp(issuer))
}

// serve answers requests until ctx ends, which ends streams too, and then lets those under way finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      sendTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
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
