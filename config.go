package writ

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// Config configures a Manager. Issuer, Store and exactly one way to keep keys are required.
type Config struct {
	// Issuer is who signs, as an URL without query or fragment, exactly as it is to stand in tokens.
	Issuer string
	// Audience is who the tokens are for. Default: Issuer.
	Audience string
	Store    Store

	// How private keys are kept at rest: exactly one of these three.
	Secret      []byte       // at least 32 random bytes; see SecretFile and FormerSecrets
	KeyWrapper  keys.Wrapper // somebody else encrypts them, such as a KMS
	KeysInClear bool         // anyone who can read the key ring can then forge every token

	// FormerSecrets still open what they sealed; it is sealed anew under Secret. To change the secret
	// without an interruption, first give every node the new one here, then let the two change
	// places, then drop the former.
	FormerSecrets [][]byte
	// Custodian keeps the signing keys themselves, such as a KMS or HSM. The rest of the key ring needs
	// one of the three above all the same.
	Custodian keys.Custodian

	Keys keys.Vault // where the key ring is kept. Default: in Store
	// Algorithm is what new keys sign with. Default keys.ES256. After a change the keys that there are
	// go on until their time has come.
	Algorithm keys.Algorithm
	// KeyAlgorithms are what keys of the ring may have beside Algorithm and those of package keys.
	KeyAlgorithms []keys.Algorithm
	// KeyPeriod is how long a key signs before the next does; see keys.Config.Period. Default 30 days;
	// negative: keys are changed by hand only, with cmd/keygen.
	KeyPeriod time.Duration

	// AccessTTL is how long an access token lives. Default 10 min, at least twice
	// Rotation.Window, at most token.MaxTTL.
	AccessTTL time.Duration
	// AbsoluteTTL is how long a session lives, however often it is refreshed. Default 90 days, at
	// least twice AccessTTL, at most 400 days.
	AbsoluteTTL time.Duration
	// Rotation is the timing of refreshes; Rotation.Idle ends a session that is not refreshed.
	Rotation rotation.Policy
	// MaxSessions is how many sessions a subject may have. A sign-in beyond it ends the oldest ones,
	// or is refused with RefuseBeyondMax (ErrTooManySessions): who has lost a device, or the answer to
	// a sign-in, then waits until that is idle, or is let in by End. Where the oldest end, sign-ins at
	// the same time on nodes whose clocks differ may exceed it until the next. Default: any number.
	MaxSessions     int
	RefuseBeyondMax bool
	// AskStore has Manager.Verify, and so every guard, ask the store whether the session goes on: one round
	// trip for each request, and none is answered while the store is away. Handlers still see what the
	// token says; Manager.Session reads the session as it is now. Manager.Verifier does not ask.
	AskStore bool
	// MaxStale is how old this node's revocations and keys may be. Beyond it the node answers 503.
	// Default 60 s, 10 s to 1 h.
	MaxStale time.Duration
	// CacheBytes is about how much memory verified access tokens may take, so that their signatures are
	// not checked again; see token.VerifierConfig. Default 32 MiB; negative: none.
	CacheBytes int64

	// FeedAllow says who may read the feed of revocations, Endpoints.Revocations, which services follow that
	// know this issuer only; see Follow. FeedPublic lets everybody read it: who can name a subject or
	// has a session's ID can then find out whether it was signed out. Set one of them, or there is no feed.
	FeedAllow  func(*http.Request) bool
	FeedPublic bool

	Cookies middleware.Cookies
	// TrustedOrigins are other origins, such as "https://spa.app.example", whose pages may use the
	// cookies. No CORS headers are written: put a CORS handler outside. Pages of another site also
	// need Cookies.SameSite = http.SameSiteNoneMode.
	TrustedOrigins []string
	// SignInPage is where pages are sent that need a sign-in: a path such as "/login". It is told where to
	// return to: see middleware.Config and middleware.ReturnPath.
	SignInPage string

	// Deny answers what a Guard, an endpoint or Manager.Deny refuses. If it writes nothing, the default
	// answer is given: RFC 6750 challenges, and problem+json, a page or text by Accept.
	Deny func(w http.ResponseWriter, r *http.Request, err error)

	// OnIssue is called before an access token is signed, at sign-in and at each refresh, with what
	// is known of the session. It may change s.Claims (but not Subject, SessionID, ClientID and
	// AuthTime), s.Private and s.Label. ErrRefused ends the session; any other error means "try
	// again" and the client keeps its tokens. It may run more than once for one token, has less than
	// half of Rotation.Latency of time, and must not change or refresh the same session.
	OnIssue func(ctx context.Context, s *Session) error

	// Observe receives what an audit log or a metric wants. It must not block. Default: alarms go
	// to slog.
	Observe func(ctx context.Context, e Event)
	// ObserveRequest is told of every request that a Guard checks, as middleware.Config.Observe is: to count
	// refusals, say. Default: none.
	ObserveRequest func(r *http.Request, t *token.Verified, err error)

	Now func() time.Time // default time.Now
}

// String names the issuer, and nothing that is secret.
func (c Config) String() string { return "writ.Config{" + c.Issuer + "}" }

// Format prints String for every verb, so that no verb reaches Secret.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// ahead is how far ahead of this node's clock a stamp can lie that another node gives while an
// operation of this one is under way.
func (c Config) ahead() time.Duration { return c.Rotation.Skew + c.Rotation.Latency }

// propagation is how long it takes until every verifier has a new key; see keys.Config.
const propagation = time.Hour

const longestCookie = 400 * 24 * time.Hour // browsers keep none longer

// Validate returns every mistake in c that can be seen without the store and the keys, as Open would.
func (c Config) Validate() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults returns c filled in, or every mistake in it.
func (c Config) withDefaults() (Config, error) {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	if c.Audience == "" {
		c.Audience = c.Issuer
	}
	if c.Algorithm == nil {
		c.Algorithm = keys.ES256
	}
	if c.AccessTTL == 0 {
		c.AccessTTL = 10 * time.Minute
	}
	if c.AbsoluteTTL == 0 {
		c.AbsoluteTTL = 90 * 24 * time.Hour
	}
	if c.MaxStale == 0 {
		c.MaxStale = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observe == nil {
		c.Observe = logAlarms
	}
	c.Rotation = c.Rotation.WithDefaults()

	if err := checkIssuer(c.Issuer); err != nil {
		refuse("Issuer (WRIT_ISSUER) %w", err)
	}
	if strings.ContainsFunc(c.Audience, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		refuse("Audience (WRIT_AUDIENCE) has white space or control characters: nobody would match it")
	}
	if c.Store == nil {
		refuse("Store (WRIT_STORE) is nil: open one, such as sqlite.Open(ctx, \"sessions.db\")")
	}
	ways := 0
	for _, set := range []bool{len(c.Secret) > 0, c.KeyWrapper != nil, c.KeysInClear} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		refuse("Secret (WRIT_SECRET or WRIT_SECRET_FILE), KeyWrapper or KeysInClear (WRIT_KEYS_IN_CLEAR): set exactly one, to say how private keys are kept; %d are set", ways)
	}
	if len(c.Secret) > 0 {
		if _, err := keys.Secret(c.Secret); err != nil {
			refuse("Secret (WRIT_SECRET or WRIT_SECRET_FILE): %w", err)
		}
	}
	if len(c.FormerSecrets) > 0 && len(c.Secret) == 0 {
		refuse("FormerSecrets (WRIT_FORMER_SECRET_FILE) are set without Secret, under which the keys would be sealed anew")
	}
	if err := c.Rotation.Validate(c.AccessTTL); err != nil {
		wrong = append(wrong, err)
	}
	if least := 2 * (propagation + c.MaxStale + 2*c.Rotation.Skew); c.KeyPeriod > 0 && c.KeyPeriod < least {
		refuse("KeyPeriod (WRIT_KEY_PERIOD) is %s, but must be at least 2 x (%s until every verifier has a new key + MaxStale %s + 2 x Skew %s) = %s, or negative, to change keys by hand only",
			c.KeyPeriod, propagation, c.MaxStale, c.Rotation.Skew, least)
	}
	if c.CacheBytes > 0 && (c.CacheBytes < 64<<10 || c.CacheBytes > 64<<30) {
		refuse("CacheBytes (WRIT_CACHE_BYTES) must be from 65536 (64 KiB) to 68719476736 (64 GiB), or negative (WRIT_CACHE_BYTES=0) for none")
	}
	if c.AccessTTL > token.MaxTTL {
		refuse("AccessTTL (WRIT_ACCESS_TTL) is %s, but must be at most %s: revocations are kept no longer; make sessions longer with AbsoluteTTL (WRIT_ABSOLUTE_TTL) instead", c.AccessTTL, token.MaxTTL)
	}
	if c.AbsoluteTTL < 2*c.AccessTTL || c.AbsoluteTTL > longestCookie {
		refuse("AbsoluteTTL (WRIT_ABSOLUTE_TTL) is %s, but must be at least 2 x AccessTTL %s = %s and at most %s", c.AbsoluteTTL, c.AccessTTL, 2*c.AccessTTL, longestCookie)
	}
	if c.FeedPublic && c.FeedAllow != nil {
		refuse("FeedPublic (WRIT_FEED_PUBLIC) and FeedAllow exclude each other")
	}
	if c.MaxSessions < 0 {
		refuse("MaxSessions (WRIT_MAX_SESSIONS) is %d, but must be at least 1, or 0 for any number", c.MaxSessions)
	}
	if c.RefuseBeyondMax && c.MaxSessions == 0 {
		refuse("RefuseBeyondMax (WRIT_REFUSE_BEYOND_MAX) is set without MaxSessions (WRIT_MAX_SESSIONS)")
	}
	if c.MaxStale < 10*time.Second || c.MaxStale > time.Hour {
		refuse("MaxStale is %s, but must be from 10s to 1h", c.MaxStale)
	}
	if c.MaxStale < c.Rotation.Skew {
		refuse("MaxStale is %s, but must be at least Rotation.Skew (WRIT_CLOCK_SKEW) %s", c.MaxStale, c.Rotation.Skew)
	}
	if c.Rotation.Skew < time.Millisecond || c.Rotation.Skew > time.Minute {
		refuse("Rotation.Skew (WRIT_CLOCK_SKEW) is %s, but must be from 1ms to 1m: set the clocks (NTP)", c.Rotation.Skew)
	}
	if c.Rotation.Latency < 10*time.Millisecond {
		refuse("Rotation.Latency (WRIT_CLIENT_LATENCY) is %s, but must be at least 10ms: a refresh has half of it", c.Rotation.Latency)
	}
	if err := c.Cookies.Validate(); err != nil {
		refuse("Cookies: %w", err)
	} else if _, err := (&Manager{config: c}).newGuard(c.sources()); err != nil {
		refuse("%w", err) // TrustedOrigins, SignInPage
	}
	if len(wrong) > 0 {
		return c, fmt.Errorf("writ: the configuration is refused:\n%w", errors.Join(wrong...))
	}
	return c, nil
}

// checkIssuer wants what RFC 9068 and discovery need of an issuer. The value is not printed: a
// mistaken assignment could have put a secret there.
func checkIssuer(issuer string) error {
	if issuer == "" {
		return errors.New("is empty: set the URL that stands in tokens, such as https://app.example")
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil ||
		strings.ContainsFunc(issuer, func(c rune) bool { return c <= ' ' || c > '~' || c == '?' || c == '#' }) || len(issuer) > 256 {
		return errors.New("is not a plain http(s) URL without user, query and fragment, such as https://app.example")
	}
	return nil
}
