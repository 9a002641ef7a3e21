package writ

import (
	"context"
	"log/slog"
	"time"

	"github.com/writ-go/writ/token"
)

// EventKind names an Event. It is the string for logs and metrics.
type EventKind string

// What Config.Observe is told.
const (
	Started   EventKind = "session.started"
	Renewed   EventKind = "session.renewed"   // a refresh gave new tokens
	Recovered EventKind = "session.recovered" // a refresh was repeated because its answer was lost, or by a second holder
	Ended     EventKind = "session.ended"     // by its user, or by the program
	Expired   EventKind = "session.expired"   // a refresh came too late
	Refused   EventKind = "session.refused"   // OnIssue did not want a sign-in
	Reused    EventKind = "session.reused"    // a spent refresh token came back: theft. The session has ended
	Regressed EventKind = "store.regressed"   // the store has lost a write that it acknowledged
	Failed    EventKind = "program.failed"    // OnIssue failed, or a mistake in the program: Err says which
)

// Event is something that an operator wants to know. It holds no token.
type Event struct {
	Kind      EventKind
	Time      time.Time
	SessionID string // empty: every session of Subject
	Subject   string
	Client    token.Client // who caused it; may be empty
	Err       error
}

// alarm reports whether somebody should look at an event of this kind.
func (k EventKind) alarm() bool { return k == Reused || k == Regressed || k == Failed }

func logAlarms(ctx context.Context, e Event) {
	if e.Kind.alarm() {
		slog.WarnContext(ctx, string(e.Kind), "sid", e.SessionID, "err", e.Err)
	}
}
