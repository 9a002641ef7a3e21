package token

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/writ-go/writ/internal/contextkey"
	"github.com/writ-go/writ/keys"
)

// Verified is a checked access token. Only a Verifier makes one. It is immutable and shared by all
// requests that carry it. Its texts share the memory of the token's: strings.Clone what you keep for
// long.
type Verified struct {
	// First what every request looks at, in two lines of the processor's cache.
	issuer, audience, kid string
	key                   *keys.Public // what verified it
	memo                  atomic.Pointer[memo]
	stamp                 int64
	notBefore, expires    time.Time

	subject, sessionID, clientID, id string
	scope                            string // as it stands in the token, with spaces
	acr, actor                       string
	amr                              []string
	issued, authTime                 time.Time

	claims []claim  // those of Foreign.Claims
	object string   // the application's, as it stands
	data   sync.Map // reflect.Type -> *decoded
}

type decoded struct {
	once  sync.Once
	value any
	err   error
}

// Subject is whom the token speaks for ("sub"). See Anonymous.
func (v *Verified) Subject() string { return v.subject }

// Anonymous reports whether the token belongs to a session that nobody has signed in to.
func (v *Verified) Anonymous() bool { return IsAnonymous(v.subject) }

// SessionID names the session that the token belongs to ("sid"); empty if it belongs to none.
func (v *Verified) SessionID() string { return v.sessionID }

// ClientID is the client that the token was issued to ("client_id"): the issuer itself for a plain
// login.
func (v *Verified) ClientID() string { return v.clientID }

// Issuer is who signed ("iss").
func (v *Verified) Issuer() string { return v.issuer }

// ID is the token's own name ("jti"). It may be logged; the token may not.
func (v *Verified) ID() string { return v.id }

// KeyID names the key that signed ("kid").
func (v *Verified) KeyID() string { return v.kid }

// Stamp is the issue stamp ("ist"), in microseconds since 1970, that revocations are compared with.
func (v *Verified) Stamp() int64 { return v.stamp }

// IssuedAt is "iat".
func (v *Verified) IssuedAt() time.Time { return v.issued }

// ExpiresAt is "exp", without any leeway.
func (v *Verified) ExpiresAt() time.Time { return v.expires }

// AuthTime is when the subject last proved who they are ("auth_time"); zero if the token does not say.
func (v *Verified) AuthTime() time.Time { return v.authTime }

// ACR is how they did ("acr").
func (v *Verified) ACR() string { return v.acr }

// AMR is by what means ("amr", RFC 8176).
func (v *Verified) AMR() []string { return slices.Clone(v.amr) }

// Actor is who really acts ("act"), if it is not the subject.
func (v *Verified) Actor() string { return v.actor }

// Scopes is what the token allows ("scope").
func (v *Verified) Scopes() []string {
	return strings.FieldsFunc(v.scope, func(r rune) bool { return r == ' ' })
}

// HasScope reports whether the token allows s.
func (v *Verified) HasScope(s string) bool {
	for rest := v.scope; rest != "" && s != ""; {
		var next string
		if next, rest, _ = strings.Cut(rest, " "); next == s {
			return true
		}
	}
	return false
}

// RawData is the application's object as it stands in the token; nil if there is none.
func (v *Verified) RawData() []byte {
	if v.object == "" {
		return nil
	}
	return []byte(v.object)
}

// LogValue is what may be logged of a token: its ID and session, and nothing that works as one.
func (v *Verified) LogValue() slog.Value {
	return slog.GroupValue(slog.String("jti", v.id), slog.String("sid", v.sessionID))
}

// String is the token's ID and session.
func (v *Verified) String() string {
	if v == nil {
		return "no token"
	}
	return fmt.Sprintf("token %q of session %q", v.id, v.sessionID)
}

// Format prints String for every verb, so that no verb reaches the claims.
func (v *Verified) Format(f fmt.State, _ rune) { io.WriteString(f, v.String()) }

// Data reads the application's object, decoded once per token and type. Treat what it points to as
// read-only: all requests that carry the token share it. Names match exactly, including case, and
// members that T does not have are ignored. ErrNoData: the token carries none.
func Data[T any](v *Verified) (T, error) {
	key := reflect.TypeFor[T]()
	slot, ok := v.data.Load(key)
	if !ok {
		slot, _ = v.data.LoadOrStore(key, &decoded{})
	}
	d := slot.(*decoded)
	d.once.Do(func() {
		if v.object == "" {
			d.err = ErrNoData
			return
		}
		// Also what is left if T's own decoder panics. The decoder's error may quote the data.
		d.err = fmt.Errorf("token: the application data cannot be decoded as %s", key)
		var value T
		if jsonv2.Unmarshal([]byte(v.object), &value) == nil {
			d.value, d.err = value, nil
		}
	})
	value, _ := d.value.(T)
	return value, d.err
}

// memo is what one owner keeps with a token.
type memo struct {
	owner, value any
}

// Memo returns what compute makes of v for owner, which must be comparable. The first owner that asks
// has it kept with v, so that it is computed once for all requests that carry the token; for any
// other owner it is computed each time. Low-level: revocation.List keeps here what it looks up.
func (v *Verified) Memo(owner any, compute func(*Verified) any) any {
	m := v.memo.Load()
	if m == nil {
		m = &memo{owner, compute(v)}
		if v.memo.CompareAndSwap(nil, m) {
			return m.value
		}
		m = v.memo.Load()
	}
	if m.owner == owner {
		return m.value
	}
	return compute(v)
}

// NewContext carries v. A Verified that no Verifier made is not carried.
func NewContext(ctx context.Context, v *Verified) context.Context {
	return context.WithValue(ctx, contextkey.Token{}, v)
}

// FromContext is the token that a guard checked for this request.
func FromContext(ctx context.Context) (*Verified, bool) {
	v, _ := ctx.Value(contextkey.Token{}).(*Verified)
	if v == nil || v.key == nil {
		return nil, false
	}
	return v, true
}
