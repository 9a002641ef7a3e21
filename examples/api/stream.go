package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/writ-go/writ/token"
)

const (
	// beat is how often a stream sends something, and looks whether its token is still good.
	beat = 500 * time.Millisecond
	// sendTime is how long a client may take to read an answer, or an event.
	sendTime = 30 * time.Second
)

// stream sends events for as long as the token is good. A guard checks a request when it comes; what goes
// on after that must look again, or who signs out goes on hearing.
func (a *app) stream(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control, ticker := http.NewResponseController(w), time.NewTicker(beat)
	defer ticker.Stop()
	send := func(event string, data any) error {
		control.SetWriteDeadline(time.Now().Add(sendTime)) // the server's own is for a whole answer
		fmt.Fprintf(w, "event: %s\ndata: %v\n\n", event, data)
		return control.Flush()
	}
	for n := 1; ; n++ {
		if err := a.issuer.Verifier().Recheck(t); err != nil {
			send("end", why(err))
			return
		}
		if send("beat", n) != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		}
	}
}

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
