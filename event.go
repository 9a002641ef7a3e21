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

	KeyStaged    EventKind = "key.staged"    // a key was published, to sign later
	KeyActivated EventKind = "key.activated" // it signs now
	KeyRetired   EventKind = "key.retired"   // it only verifies now
	KeyWiped     EventKind = "key.wiped"     // its private half is no more
	KeyRemoved   EventKind = "key.removed"   // it left the ring, its time being over
	KeyReplaced  EventKind = "key.replaced"  // it left the ring because it is compromised, and is revoked
	KeysMerged   EventKind = "key.merged"    // the ring's vault had lost keys that this node holds, and got them back
	KeysSealed   EventKind = "key.rewrapped" // the ring is sealed under the present Secret now
	KeysFailed   EventKind = "key.failed"    // the ring cannot be read or changed: Err says why
)

// Event is something that an operator wants to know. It holds no token.
type Event struct {
	Kind      EventKind
	Time      time.Time
	SessionID string       // empty: every session of Subject
	Subject   string       // empty too: of everybody
	Client    token.Client // who caused it; may be empty
	KeyID     string       // of events of a key
	Err       error
}

// alarm reports whether somebody should look at an event of this kind.
func (k EventKind) alarm() bool {
	switch k {
	case Reused, Regressed, Failed, KeyReplaced, KeysMerged, KeysFailed:
		return true
	}
	return false
}

func logAlarms(ctx context.Context, e Event) {
	if e.Kind.alarm() {
		slog.WarnContext(ctx, string(e.Kind), "sid", e.SessionID, "kid", e.KeyID, "err", e.Err)
	}
}
