package revocation

import (
	"fmt"
	"math"
	"time"
)

// Kind says what an Entry's ID names.
type Kind uint8

// The kinds of Entry. Their numbers are stored and never change.
const (
	Token      Kind = iota + 1 // a jti: one access token
	Session                    // a sid: every access token of one session
	Key                        // a kid: everything that one key signed
	Subject                    // a sub: everything issued to one subject
	Everything                 // no ID: everything that was ever issued
)

// String names the kind, for logs.
func (k Kind) String() string {
	switch k {
	case Token:
		return "token"
	case Session:
		return "session"
	case Key:
		return "key"
	case Subject:
		return "subject"
	case Everything:
		return "everything"
	}
	return "unknown"
}

// Ended as Before revokes without regard to the issue stamp.
const Ended = math.MaxInt64

// Entry revokes every token that it names whose issue stamp is at most Before.
//
// Entries of one Kind and ID merge by the greatest Before and the latest Expires, so that neither
// order nor repetition matters. A session that ended has Before = Ended; a session that is told to
// refresh has a Before above every stamp that it was given.
type Entry struct {
	Kind Kind
	ID   string // empty for Everything, and for nothing else
	// Before is an issue stamp in microseconds since 1970.
	Before int64
	// Expires is when no token that the entry names can be alive any more. Until then a log and a
	// list keep the entry whatever happens. The zero time: never.
	Expires time.Time
}

// Merge returns the entry that revokes what e and f revoke. They must have the same Kind and ID.
func (e Entry) Merge(f Entry) Entry {
	e.Before = max(e.Before, f.Before)
	if e.Expires.IsZero() || f.Expires.IsZero() {
		e.Expires = time.Time{}
	} else if f.Expires.After(e.Expires) {
		e.Expires = f.Expires
	}
	return e
}

// Check says which entry names nothing. A log refuses such a one, so that none is acknowledged that
// would revoke nothing.
func Check(entries []Entry) error {
	for _, e := range entries {
		if !e.valid() {
			return fmt.Errorf("revocation: an entry of kind %s is not valid: it would revoke nothing", e.Kind)
		}
	}
	return nil
}

func (e Entry) valid() bool { return e.Kind.named(e.ID) && e.Before > 0 }

// named reports whether something of this kind can have this ID.
func (k Kind) named(id string) bool {
	return k >= Token && k <= Everything && (k == Everything) == (id == "")
}
