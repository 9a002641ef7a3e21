package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/keys"
)

// accessToken is the header's typ: RFC 9068 section 2.1.
const accessToken = "at+jwt"

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

	// CacheBytes is about how much memory tokens that were verified may take, so that their signatures
	// are not checked again. They are kept while Run runs; expiry, key and revocation are checked
	// each time all the same. What Data makes of a token is not counted. Default 32 MiB, some ten
	// thousand tokens; 64 KiB to 64 GiB; negative: none.
	CacheBytes int64

	// Leeway is how far the clocks of issuer and verifier may be apart. Default 5 s, at most 60 s,
	// negative: none.
	Leeway time.Duration

	// Foreign is what the issuer's tokens lack, and have beyond, if it is not writ. Default: nothing.
	Foreign Foreign

	Now func() time.Time // default time.Now
}

// Verifier checks access tokens. It may be used by any number of goroutines, and starts none itself:
// without Run everything is correct, and each signature is checked every time.
type Verifier struct {
	config VerifierConfig
	cache  *cache // nil: none
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
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.CacheBytes > 0 && (c.CacheBytes < minCacheBytes || c.CacheBytes > maxCacheBytes) {
		refuse("CacheBytes is %d: it must be from 64 KiB to 64 GiB, or negative for none", c.CacheBytes)
	}
	if c.Leeway == 0 {
		c.Leeway = 5 * time.Second
	}
	c.Leeway = max(c.Leeway, 0)
	if c.Leeway > time.Minute {
		refuse("Leeway is %s: it must be at most 1m", c.Leeway)
	}
	switch ttl := c.Foreign.MaxTTL; {
	case ttl != 0 && ttl < time.Second || ttl > longestForeign:
		refuse("Foreign.MaxTTL is %s: it must be from 1s to %s", ttl, longestForeign)
	case ttl > MaxTTL && !c.UntilExpiry:
		refuse("Foreign.MaxTTL is %s: above %s it needs UntilExpiry, because revocations are not kept so long", ttl, MaxTTL)
	}
	c.Foreign.checkClaims(refuse)
	c.Foreign.Claims = slices.Clone(c.Foreign.Claims)
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	v := &Verifier{config: c}
	if c.CacheBytes > 0 {
		v.cache = newCache()
	}
	return v, nil
}

// Run keeps the verified tokens until ctx ends, and returns ctx's error. A Verifier and what
// ServeStale makes of it share them: run one.
func (v *Verifier) Run(ctx context.Context) error {
	if v.cache == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return v.cache.run(ctx, v.config.CacheBytes, v.config.Now)
}

// ServeStale is v for routes that would rather serve a revoked token than none while the
// revocations are up to limit old. It does not help where they were never complete.
func (v *Verifier) ServeStale(limit time.Duration) *Verifier {
	c := v.config
	c.MaxStale = max(c.MaxStale, limit)
	return &Verifier{c, v.cache}
}

// Verify checks raw: form, type, key, signature, issuer, audience, time, revocation, in this order.
// Every error is one of the reasons of this package, and wraps exactly one of ErrInvalid and
// ErrUnavailable; a token never comes back with an error.
//
// ctx is for verifiers that must ask somebody; this one never does, and a ctx that has ended changes
// nothing.
//
// It does not check scopes, freshness or any rule of the application: a middleware.Guard or the
// handler does. A token that is bound to a key ("cnf") is refused with ErrBound.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Verified, error) {
	if v.cache != nil {
		if t := v.cache.get(raw); t != nil {
			err := v.Recheck(t)
			if err == nil {
				return t, nil
			}
			if !errors.Is(err, ErrSignature) { // under another key it may still be good
				return nil, err
			}
		}
	}
	return v.first(raw)
}

// first is Verify for a token that is not remembered. What can change is checked last, when the token
// is remembered already, and again at every request: so a revocation that comes in between is never
// overlooked.
func (v *Verifier) first(raw string) (t *Verified, err error) {
	m, err := jws.Parse(raw)
	if err != nil {
		return nil, ErrMalformed
	}
	if !v.config.Foreign.accepts(m.Header.Type) {
		return nil, ErrType
	}
	if m.Header.KeyID == "" {
		return nil, ErrMalformed
	}
	key, err := v.key(m.Header.KeyID)
	if err != nil {
		return nil, err
	}
	if v.cache == nil {
		t, err = v.authenticate(&m, key)
	} else {
		t, err = v.cache.once(checkOf{raw, key}, func() (*Verified, error) {
			t, err := v.authenticate(&m, key)
			if err == nil {
				v.cache.put(raw, t, t.expires.Add(v.config.Leeway))
			}
			return t, err
		})
	}
	if err != nil {
		return nil, err
	}
	if err := v.Recheck(t); err != nil {
		return nil, err
	}
	return t, nil
}

// authenticate is all that is true of a token for ever.
func (v *Verifier) authenticate(m *jws.Message, key *keys.Public) (*Verified, error) {
	payload, err := m.Verify(key)
	switch {
	case errors.Is(err, jws.ErrMalformed):
		return nil, ErrMalformed
	case errors.Is(err, jws.ErrAlgorithm):
		return nil, fmt.Errorf("%w: its alg is not the key's", ErrSignature)
	case err != nil:
		return nil, ErrSignature
	}
	claims, err := decodeClaims(payload, v.config.Foreign)
	if err != nil {
		return nil, err
	}
	if claims.Issuer != v.config.Issuer {
		return nil, ErrIssuer
	}
	if !slices.Contains(claims.Audience, v.config.Audience) {
		return nil, ErrAudience
	}
	t := claims.verified(key, m.Header.KeyID)
	// The same texts as those of the token, but in memory that every request touches.
	t.issuer, t.audience = v.config.Issuer, v.config.Audience
	if t.kid == key.ID() {
		t.kid = key.ID()
	}
	return t, nil
}

// Recheck asks again what can change after Verify: time, key trust, revocation. It is local and
// cheap; call it in long answers (server-sent events, WebSocket), so that signing out ends them too.
// Its errors are those of Verify; t must be of a Verifier for the same issuer and audience.
func (v *Verifier) Recheck(t *Verified) error {
	switch {
	case t == nil || t.key == nil: // a zero Verified, which no Verifier made
		return ErrMalformed
	case t.issuer != v.config.Issuer:
		return ErrIssuer
	case t.audience != v.config.Audience:
		return ErrAudience
	}
	key, err := v.key(t.kid)
	if err != nil {
		return err
	}
	// An issuer that is not writ may give another key the same kid.
	if key != t.key && (key.ID() != t.key.ID() || key.Algorithm().Name() != t.key.Algorithm().Name()) {
		return ErrSignature
	}
	return v.judge(t, v.config.Now())
}

func (v *Verifier) key(kid string) (*keys.Public, error) {
	key, err := v.config.Keys.Public(v.config.Issuer, kid)
	if errors.Is(err, keys.ErrUnknown) {
		return nil, ErrUnknownKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w: keys cannot be had now: %v", ErrUnavailable, err) // whatever it wraps is its own affair
	}
	if key == nil {
		return nil, fmt.Errorf("%w: the KeySet returned neither a key nor an error", ErrUnavailable)
	}
	return key, nil
}

// judge is what holds for a token at one instant only.
func (v *Verifier) judge(t *Verified, now time.Time) error {
	if !now.Before(t.expires.Add(v.config.Leeway)) {
		return ErrExpired
	}
	if now.Add(v.config.Leeway).Before(t.notBefore) {
		return ErrNotYetValid
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
