package writ

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/writ-go/writ/internal/ownfile"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// FollowConfig configures a Follower. Issuer and Audience are required.
type FollowConfig struct {
	// Issuer is whose tokens are accepted, exactly as it stands in them. It is where a program with a
	// Manager serves Endpoints.Keys and Endpoints.Revocations.
	Issuer string
	// Audience is what this service is called in tokens.
	Audience string

	KeysURL string // default: Issuer + "/.well-known/jwks.json"
	FeedURL string // default: Issuer + "/.well-known/revocations"
	// UntilExpiry is for an issuer that has no feed: a token of a session that has ended is good until it
	// expires.
	UntilExpiry bool
	// Foreign is what the tokens of an issuer that is not writ lack, and which claims they have beyond.
	// Default: nothing.
	Foreign token.Foreign
	// Algorithms are those that the issuer signs with. Default: all of keys.Algorithms that have a public
	// key.
	Algorithms []keys.Algorithm

	// Authorize adds to a request for the feed what its Config.FeedAllow asks for. Default: nothing.
	Authorize func(*http.Request) error
	// CacheDir is a directory, made if need be, that keeps the last good keys and revocations for a start
	// while the issuer is down. Nothing looks fresh by it. Default: none.
	CacheDir string
	// MaxStale is how old revocations may be. Beyond it the answer is 503. Default 60 s, 10 s to 1 h.
	MaxStale time.Duration
	// Leeway is how far the clocks of issuer and follower may be apart. Default 5 s, at most 60 s.
	Leeway time.Duration
	// CacheBytes is about how much memory verified tokens may take; see token.VerifierConfig.
	CacheBytes int64

	RootCAs   *x509.CertPool    // default: those of the system
	Transport http.RoundTripper // in place of one that checks addresses; needs AllowPrivateAddresses
	// AllowPlainLoopback permits http where the host is this machine's own; AllowPrivateAddresses an issuer
	// inside your network. See jwks.RemoteIssuer.
	AllowPlainLoopback    bool
	AllowPrivateAddresses bool

	// Deny, ObserveRequest, TrustedOrigins and SignInPage are for guards, as in Config.
	Deny           func(w http.ResponseWriter, r *http.Request, err error)
	ObserveRequest func(r *http.Request, t *token.Verified, err error)
	TrustedOrigins []string
	SignInPage     string

	Now func() time.Time // default time.Now
}

// Follower checks another service's tokens, by its keys and its revocations, which it follows. It needs
// no store.
type Follower struct {
	config   FollowConfig
	remote   *jwks.Remote
	list     *revocation.List // nil with UntilExpiry
	verifier *token.Verifier
	guard    *middleware.Guard
}

// Follow loads keys and revocations, from CacheDir if the issuer is down, and returns a Follower that is
// ready, or that says by Ready why not. What it loaded is good for MaxStale: call Run. It starts no
// goroutine. An error is a mistake in the configuration, or that keys cannot be had at all.
func Follow(ctx context.Context, c FollowConfig) (*Follower, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Follower{config: c}
	if err := f.follow(); err != nil {
		return nil, fmt.Errorf("writ: the configuration is refused: %w", err)
	}
	if err := f.remote.Load(ctx); err != nil {
		return nil, fmt.Errorf("writ: the issuer's keys cannot be had: %w", err)
	}
	if f.list != nil {
		f.list.Load(ctx) // its error is in Ready, and what CacheDir had is refused all the same
	}
	return f, nil
}

// follow makes what follows, and fetches nothing.
func (f *Follower) follow() (err error) {
	c := f.config
	dir := func(name string) string { return "" }
	if c.CacheDir != "" {
		if err := ownfile.MakeDir(c.CacheDir); err != nil {
			return fmt.Errorf("CacheDir (WRIT_CACHE_DIR): %w", err)
		}
		dir = func(name string) string { return filepath.Join(c.CacheDir, name) }
	}
	f.remote, err = jwks.NewRemote(jwks.RemoteConfig{
		Issuers: []jwks.RemoteIssuer{{
			Issuer:                c.Issuer,
			URL:                   c.KeysURL,
			Algorithms:            c.Algorithms,
			AllowPlainLoopback:    c.AllowPlainLoopback,
			AllowPrivateAddresses: c.AllowPrivateAddresses,
		}},
		CacheDir:  dir("keys"),
		RootCAs:   c.RootCAs,
		Transport: c.Transport,
	})
	if err != nil {
		return err
	}
	verify := token.VerifierConfig{
		Issuer:      c.Issuer,
		Audience:    c.Audience,
		Keys:        f.remote,
		UntilExpiry: c.UntilExpiry,
		MaxStale:    c.MaxStale,
		Leeway:      c.Leeway,
		CacheBytes:  c.CacheBytes,
		Foreign:     c.Foreign,
		Now:         c.Now,
	}
	if !c.UntilExpiry {
		feed, err := revocation.NewFeed(revocation.FeedConfig{
			URL:                   c.FeedURL,
			Issuer:                c.Issuer,
			Keys:                  f.remote,
			Authorize:             c.Authorize,
			CacheDir:              dir("revocations"),
			Leeway:                c.Leeway,
			RootCAs:               c.RootCAs,
			Transport:             c.Transport,
			AllowPlainLoopback:    c.AllowPlainLoopback,
			AllowPrivateAddresses: c.AllowPrivateAddresses,
			Now:                   c.Now,
		})
		if err != nil {
			return err
		}
		f.list = revocation.NewList(revocation.Config{Source: feed, Now: c.Now})
		verify.Revocations = f.list
	}
	if f.verifier, err = token.NewVerifier(verify); err != nil {
		return err
	}
	f.guard, err = f.newGuard([]middleware.Source{middleware.Bearer()})
	return err
}

// Run follows keys and revocations, and remembers verified tokens, until ctx ends; it returns ctx's error.
// Without Run every check fails with token.ErrStale after MaxStale.
func (f *Follower) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { f.remote.Run(ctx) })
	group.Go(func() { f.verifier.Run(ctx) })
	if f.list != nil {
		group.Go(func() { f.list.Run(ctx) })
	}
	group.Wait()
	return ctx.Err()
}

// Ready is nil while tokens can be judged; else it says why not. It is for health checks, and its text is
// for operators.
func (f *Follower) Ready() error {
	if err := f.remote.Ready(); err != nil {
		return err
	}
	if f.list == nil {
		return nil
	}
	return fresh(f.list.Stats(), f.config.MaxStale, f.config.Now())
}

// Revocations is the state of what is followed, for metrics and health checks; the zero Stats with
// UntilExpiry.
func (f *Follower) Revocations() revocation.Stats {
	if f.list == nil {
		return revocation.Stats{}
	}
	return f.list.Stats()
}

// Verify checks an access token. See token.Verifier.
func (f *Follower) Verify(ctx context.Context, raw string) (*token.Verified, error) {
	return f.verifier.Verify(ctx, raw)
}

// Verifier is the verifier behind Verify, for ServeStale and Recheck.
func (f *Follower) Verifier() *token.Verifier { return f.verifier }

// Guard guards handlers. Without from it takes Bearer. It panics, as http.ServeMux does, on a mistake in the
// program: one place named twice.
func (f *Follower) Guard(from ...middleware.Source) *middleware.Guard {
	if len(from) == 0 {
		return f.guard
	}
	g, err := f.newGuard(from)
	if err != nil {
		panic(err)
	}
	return g
}

func (f *Follower) newGuard(from []middleware.Source) (*middleware.Guard, error) {
	return middleware.New(middleware.Config{
		Verifier:       f,
		From:           from,
		TrustedOrigins: f.config.TrustedOrigins,
		SignInPage:     f.config.SignInPage,
		Deny:           f.config.Deny,
		Observe:        f.config.ObserveRequest,
		Now:            f.config.Now,
	})
}

// Health is 200 when Ready: GET.
func (f *Follower) Health() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveHealth(w, f.Ready()) })
}
