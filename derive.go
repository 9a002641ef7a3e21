package writ

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/writ-go/writ/token"
)

// Derive issues another access token for the session and the subject of t: for a URL, say, or the hidden
// field of a page, where one should live shortly and permit little. It is good for ttl, in whole seconds,
// but not for longer than t, and has the scopes that are named, which t must have; none named, none given.
// It has no application data. Endpoints takes it for the session's, as it takes t: who has it can sign its
// subject out.
//
// It dies with its session, and with every cutoff that t dies of. RevokeToken of t's ID does not end it: it
// has an ID of its own. t must have been verified by this Manager, and be good still: its errors are those of
// Verify, or say what is wrong with ttl or scope.
func (m *Manager) Derive(t *token.Verified, ttl time.Duration, scope ...string) (raw string, expires time.Time, err error) {
	if t == nil || t.Issuer() != m.config.Issuer {
		return "", time.Time{}, errors.New("writ: Derive needs a token of this issuer")
	}
	if err := m.verifier.Recheck(t); err != nil {
		return "", time.Time{}, err
	}
	for _, s := range scope {
		if !t.HasScope(s) {
			return "", time.Time{}, fmt.Errorf("writ: Derive cannot give the scope %q, which the token does not have", s)
		}
	}
	if ttl < time.Second {
		return "", time.Time{}, errors.New("writ: Derive needs a ttl of at least a second")
	}
	now := m.config.Now()
	expires = now.Add(ttl)
	if expires.After(t.ExpiresAt()) {
		expires = t.ExpiresAt()
	}
	claims := token.Claims{
		Subject:   t.Subject(),
		SessionID: t.SessionID(),
		ClientID:  t.ClientID(),
		Scope:     slices.Clone(scope),
		AuthTime:  t.AuthTime(),
		ACR:       t.ACR(),
		AMR:       t.AMR(),
		Actor:     t.Actor(),
	}
	// With the stamp of t: whatever cutoff t is about to die of, unheard of here, ends this one as well. And
	// within the life of t: cutoffs are forgotten when what has such a stamp is over.
	raw, err = m.issuer.Issue(claims, now, expires, t.Stamp())
	if err != nil {
		return "", time.Time{}, err
	}
	return raw, time.Unix(expires.Unix(), 0), nil
}
