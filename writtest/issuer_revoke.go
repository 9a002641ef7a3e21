package writtest

import (
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// Revoke revokes what id names: a subject, as Manager.EndAll does, or a token by its jti, a session by its
// sid, or all that a key signed by its kid. Unlike Manager.Revoke and End it is for everything that Issue
// makes, and does not end the session in the store. The Manager hears of it in some milliseconds, as it
// does of what another of its nodes revokes.
func (i *Issuer) Revoke(kind revocation.Kind, id string) {
	i.t.Helper()
	var err error
	switch kind {
	case revocation.Subject: // a cutoff has to be above what every session of the subject was given
		err = i.Manager.EndAll(i.t.Context(), id)
	case revocation.Token, revocation.Session, revocation.Key:
		err = i.config.Store.Append(i.t.Context(), revocation.Entry{
			Kind:    kind,
			ID:      id,
			Before:  revocation.Ended,
			Expires: i.now().Add(2 * token.MaxTTL),
		})
	default:
		i.t.Fatalf("writtest: to revoke %s is not for tests of one issuer", kind)
	}
	if err != nil {
		i.t.Fatalf("writtest: %v", err)
	}
}

func (i *Issuer) now() time.Time {
	if i.config.Now != nil {
		return i.config.Now()
	}
	return time.Now()
}
