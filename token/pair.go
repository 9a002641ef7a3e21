package token

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Pair is what a client holds. Refresh is empty when the client is to keep the refresh token that
// it has. A Pair prints redacted and refuses to be marshalled: Manager.Grant, middleware.WriteTokens
// and middleware.Cookies.Set are the ways out. Do not keep one in an unexported field of a struct
// that may be printed: package fmt reads such fields without asking them.
type Pair struct {
	Access, Refresh string
	Issued          time.Time // by the issuer's clock; zero: now
	AccessExpires   time.Time
	RefreshExpires  time.Time // the end of the session, whatever is refreshed until then
	SessionID       string
	Scope           []string
	Remember        bool // cookies outlive the browser
}

// For is how long from p's issue it is to t, which is one of its times: what to tell a client, whose clock
// may be another.
func (p *Pair) For(t time.Time) time.Duration {
	if p.Issued.IsZero() {
		return time.Until(t)
	}
	return t.Sub(p.Issued)
}

// String names the session, and no token.
func (p Pair) String() string { return "token.Pair{session " + p.SessionID + "}" }

// GoString is String.
func (p Pair) GoString() string { return p.String() }

// Format prints String for every verb, so that no verb reaches the fields.
func (p Pair) Format(s fmt.State, _ rune) { io.WriteString(s, p.String()) }

// LogValue is String.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalJSON fails always.
func (p Pair) MarshalJSON() ([]byte, error) { return nil, errPair }

// MarshalText fails always, and so does package encoding/xml.
func (p Pair) MarshalText() ([]byte, error) { return nil, errPair }

// MarshalBinary fails always, and so does package encoding/gob.
func (p Pair) MarshalBinary() ([]byte, error) { return nil, errPair }

var errPair = errors.New("token: a Pair holds secrets and is not marshalled: use Manager.Grant, " +
	"middleware.WriteTokens or middleware.Cookies.Set")
