package notes

import (
	"errors"
	"fmt"
	"time"

	"github.com/writ-go/writ/token"
)

// SendTime is how long a client may take to read an event.
const SendTime = 30 * time.Second

// Stream sends server-sent events until t is no longer good, done is closed or send fails. A guard checks
// a request when it comes; what goes on after that must look again, or who signs out goes on hearing.
// send writes and flushes.
func (a *App) Stream(done <-chan struct{}, t *token.Verified, send func(event string) error) {
	a.streams.Add(1)
	defer a.streams.Add(-1)
	tick := time.NewTicker(a.Beat)
	defer tick.Stop()
	for n := 1; ; n++ {
		if err := a.Sessions.Verifier().Recheck(t); err != nil {
			send(event("end", why(err)))
			return
		}
		if send(event("beat", n)) != nil {
			return
		}
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

// Streams is how many are open.
func (a *App) Streams() int { return int(a.streams.Load()) }

func event(name string, data any) string { return fmt.Sprintf("event: %s\ndata: %v\n\n", name, data) }

// why is what a client can do now.
func why(err error) string {
	switch {
	case errors.Is(err, token.ErrUnavailable):
		return "try again"
	case errors.Is(err, token.ErrExpired): // the session may go on
		return "refresh and come again"
	}
	return "sign in again"
}
