package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/writ-go/writ/keys"
)

// KeySet finds the key of an issuer that verifies. It answers at once and never waits for a
// network. keys.ErrUnknown: the issuer has no such key. Any other error means that it cannot be said
// now.
type KeySet interface {
	Public(issuer, kid string) (*keys.Public, error)
}

// Revocations says whether v is revoked, and as of when that answer was complete; the zero time:
// never. revocation.List is one.
type Revocations interface {
	Revoked(v *Verified) (revoked bool, asOf time.Time)
}

// VerifierConfig configures a Verifier. Issuer, Audience and Keys are required, and exactly one of
// Revocations and UntilExpiry.
type VerifierConfig struct {
	Issuer   string // what "iss" must be, exactly
	Audience string // what "aud" must be or contain
	Keys     KeySet

	Revocations Revocations
	UntilExpiry bool // no revocations: a token of a session that ended is good until it expires

	// MaxStale is how old the revocations may be. Beyond it every answer is ErrStale. Default 60 s,
	// 1 s to 1 h.
	MaxStale time.Duration

	// Leeway is how far the clocks of issuer and verifier may be apart. Default 5 s, at most 60 s,
	// negative: none.
	Leeway time.Duration

	Now func() time.Time // default time.Now
}

// Verifier checks access tokens. It starts nothing and may be used by any number of goroutines.
type Verifier struct {
	config VerifierConfig
}

// NewVerifier refuses a configuration that would accept too much.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	var wrong []error
	refuse := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("token: VerifierConfig."+format, args...))
	}
	if c.Issuer == "" {
		refuse("Issuer is empty: name whose tokens to accept")
	}
	if c.Audience == "" {
		refuse("Audience is empty: name what this service is called in tokens")
	}
	if c.Keys == nil {
		refuse("Keys is nil: give a keys.Ring")
	}
	if (c.Revocations == nil) != c.UntilExpiry {
		refuse("Revocations or UntilExpiry: set exactly one; UntilExpiry gives up signing out before a token expires")
	}
	if c.MaxStale == 0 {
		c.MaxStale = time.Minute
	}
	if c.MaxStale < time.Second || c.MaxStale > time.Hour {
		refuse("MaxStale is %s: it must be from 1s to 1h", c.MaxStale)
	}
	if c.Leeway == 0 {
		c.Leeway = 5 * time.Second
	}
	c.Leeway = max(c.Leeway, 0)
	if c.Leeway > time.Minute {
		refuse("Leeway is %s: it must be at most 1m", c.Leeway)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return &Verifier{c}, nil
}

// ServeStale is v for routes that would rather serve a revoked token than none while the
// revocations are up to limit old. It does not help where they were never complete.
func (v *Verifier) ServeStale(limit time.Duration) *Verifier {
	c := v.config
	c.MaxStale = max(c.MaxStale, limit)
	return &Verifier{c}
}

// Verify checks raw: form, type, key, signature, issuer, audience, time, revocation, in this order.
// Every error is one of the reasons of this package, and wraps exactly one of ErrInvalid and
// ErrUnavailable; a token never comes back with an error.
//
// It does not check scopes, freshness or any rule of the application: a middleware.Guard or the
// handler does. A token that is bound to a key ("cnf") is refused with ErrBound.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Verified, error) {
	c, ok := cut(raw)
	if !ok {
		return nil, ErrMalformed
	}
	h, err := decodeHeader(c.header)
	if err != nil {
		return nil, err
	}
	key, err := v.key(h.KeyID)
	if err != nil {
		return nil, err
	}
	if key.Algorithm().Name() != h.Algorithm {
		return nil, fmt.Errorf("%w: its alg is not the key's", ErrSignature)
	}
	signature, err := strict.DecodeString(c.signature)
	if err != nil {
		return nil, ErrMalformed
	}
	if key.Verify([]byte(c.signed), signature) != nil {
		return nil, ErrSignature
	}
	claims, err := decodeClaims(c.payload)
	if err != nil {
		return nil, err
	}
	if claims.Issuer != v.config.Issuer {
		return nil, ErrIssuer
	}
	if !slices.Contains(claims.Audience, v.config.Audience) {
		return nil, ErrAudience
	}
	now := v.config.Now()
	if from := date(max(claims.NotBefore, claims.IssuedAt)); now.Add(v.config.Leeway).Before(from) {
		return nil, ErrNotYetValid
	}
	t := claims.verified(h.KeyID)
	if err := v.judge(t, now); err != nil {
		return nil, err
	}
	return t, nil
}

// Recheck asks again what can change after Verify: expiry, key trust, revocation. It is local and
// cheap; call it in long answers (server-sent events, WebSocket), so that signing out ends them too.
// Its errors are those of Verify.
func (v *Verifier) Recheck(t *Verified) error {
	if _, err := v.key(t.kid); err != nil {
		return err
	}
	return v.judge(t, v.config.Now())
}

func (v *Verifier) key(kid string) (*keys.Public, error) {
	key, err := v.config.Keys.Public(v.config.Issuer, kid)
	if errors.Is(err, keys.ErrUnknown) {
		return nil, ErrUnknownKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w: keys cannot be had now: %w", ErrUnavailable, err)
	}
	return key, nil
}

// judge is what holds for a token at one instant only.
func (v *Verifier) judge(t *Verified, now time.Time) error {
	if !now.Before(t.expires.Add(v.config.Leeway)) {
		return ErrExpired
	}
	if v.config.UntilExpiry {
		return nil
	}
	revoked, asOf := v.config.Revocations.Revoked(t)
	if revoked {
		return ErrRevoked
	}
	if asOf.IsZero() {
		return fmt.Errorf("%w: they were never loaded", ErrStale)
	}
	if age := elapsed(asOf, now); age > v.config.MaxStale {
		return fmt.Errorf("%w: last complete %s ago, %s allowed (is Run running, and does the store answer?)",
			ErrStale, age.Round(time.Second), v.config.MaxStale)
	}
	return nil
}

// elapsed is the larger of wall and monotonic time: the wall clock may have been set back, and a
// monotonic clock stands still while the machine is suspended.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
