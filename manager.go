package writ

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// Manager starts, refreshes, checks and ends sessions. It may be used by any number of goroutines.
type Manager struct {
	config      Config
	ring        *keys.Ring
	replaced    chan struct{} // a key of the ring was found to be compromised
	list        *revocation.List
	issuer      *token.Issuer
	verifier    *token.Verifier
	authentic   *token.Verifier // without revocations: whose session a token is of
	crossOrigin func(*http.Request) error
	guard       *middleware.Guard
	feed        http.Handler // of revocations
	queues      queues
}

// Open checks the configuration, loads keys (making the first) and revocations, and returns a
// Manager that is ready. What it loaded is good for MaxStale: call Run. It starts no goroutine. On
// error the Store is still open.
func Open(ctx context.Context, c Config) (*Manager, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Manager{config: c, replaced: make(chan struct{}, 1)}
	if m.crossOrigin, err = middleware.CrossOrigin(c.TrustedOrigins); err != nil {
		return nil, err
	}
	if m.ring, err = openRing(ctx, c, m.observeKeys); err != nil {
		return nil, err
	}
	if m.issuer, err = token.NewIssuer(token.IssuerConfig{Issuer: c.Issuer, Audience: c.Audience, Keys: signingKey{m}}); err != nil {
		return nil, err
	}
	m.list = revocation.NewList(revocation.Config{Source: c.Store, Now: c.Now, Lost: m.restore})
	if err := m.list.Load(ctx); err != nil {
		return nil, fmt.Errorf("writ: revocations cannot be loaded from the store: %w", err)
	}
	if m.feed, err = m.newFeed(ctx); err != nil {
		return nil, err
	}
	verify := token.VerifierConfig{
		Issuer:      c.Issuer,
		Audience:    c.Audience,
		Keys:        m.ring,
		Revocations: m.list,
		MaxStale:    c.MaxStale,
		Leeway:      c.Rotation.Skew,
		CacheBytes:  c.CacheBytes,
		Now:         c.Now,
	}
	if m.verifier, err = token.NewVerifier(verify); err != nil {
		return nil, err
	}
	verify.Revocations, verify.UntilExpiry, verify.CacheBytes = nil, true, -1
	if m.authentic, err = token.NewVerifier(verify); err != nil {
		return nil, err
	}
	if m.guard, err = m.newGuard(c.sources()); err != nil {
		return nil, err
	}
	m.config.Secret, m.config.FormerSecrets = nil, nil // the ring has what it needs of them
	return m, nil
}

// String names the issuer, and nothing that is secret.
func (m *Manager) String() string { return "writ.Manager{" + m.config.Issuer + "}" }

// Format prints String for every verb, so that no verb reaches the fields.
func (m *Manager) Format(f fmt.State, _ rune) { io.WriteString(f, m.String()) }

// Run rotates keys, follows revocations, remembers verified tokens and purges what has expired, until
// ctx ends; it returns ctx's error. What Open loaded is good for MaxStale; without Run every check then fails with
// token.ErrStale. A store that fails is asked again and again: see Ready.
func (m *Manager) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { m.ring.Run(ctx) })
	group.Go(func() { m.revokeKeys(ctx) })
	group.Go(func() { m.list.Run(ctx) })
	group.Go(func() { m.verifier.Run(ctx) })
	group.Go(func() { m.purge(ctx) })
	group.Wait()
	return ctx.Err()
}

const purgeEvery = 10 * time.Minute

// purge removes what has expired, a batch at a time. An error is no matter: the next turn comes.
func (m *Manager) purge(ctx context.Context) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for more, err := true, error(nil); more && err == nil; {
			more, err = m.purgeBatch(ctx)
		}
	}
}

func (m *Manager) purgeBatch(ctx context.Context) (more bool, err error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	return m.config.Store.Purge(ctx, m.config.Now())
}

// Ready is nil while tokens can be issued and judged; else it says why not. It is for health checks,
// and its text is for operators.
func (m *Manager) Ready() error {
	if err := m.ring.Ready(); err != nil {
		return err
	}
	return fresh(m.list.Stats(), m.config.MaxStale, m.config.Now())
}

// Revocations is the state of this node's list of revocations, for metrics and health checks.
func (m *Manager) Revocations() revocation.Stats { return m.list.Stats() }

// fresh is nil unless a list is too old.
func fresh(s revocation.Stats, maxStale time.Duration, now time.Time) error {
	if s.AsOf.IsZero() {
		return errors.Join(fmt.Errorf("%w: they were never loaded", token.ErrStale), s.Err)
	}
	if age := max(now.Sub(s.AsOf), now.Round(0).Sub(s.AsOf.Round(0))); age > maxStale {
		return errors.Join(fmt.Errorf("%w: last complete %s ago", token.ErrStale, age.Round(time.Second)), s.Err)
	}
	return nil
}

// Close closes the Store.
func (m *Manager) Close() error { return m.config.Store.Close() }

// Verify checks an access token. See token.Verifier. Where that one does not know the key, the key ring
// is read anew: another node may have made the key this moment. With Config.AskStore it also asks the
// store, whose answer is token.ErrRevoked or token.ErrUnavailable.
func (m *Manager) Verify(ctx context.Context, raw string) (*token.Verified, error) {
	t, err := m.verifyBy(ctx, m.verifier, raw)
	if err == nil && m.config.AskStore {
		_, err = m.Session(ctx, t)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (m *Manager) verifyBy(ctx context.Context, v *token.Verifier, raw string) (*token.Verified, error) {
	t, err := v.Verify(ctx, raw)
	if !errors.Is(err, token.ErrUnknownKey) {
		return t, err
	}
	if err := m.ring.ReadAnew(ctx); err != nil {
		return nil, fmt.Errorf("%w: its key is unknown, and keys cannot be had now: %v", token.ErrUnavailable, err)
	}
	return v.Verify(ctx, raw)
}

// Verifier is the verifier behind Verify, for ServeStale and Recheck. It never asks the store.
func (m *Manager) Verifier() *token.Verifier { return m.verifier }

// Guard guards handlers. Without from it takes Bearer and the cookies of Config.Cookies, and
// refreshes pages whose access token has expired. A middleware.Cookies{} in from means those of
// Config.Cookies. It panics, as http.ServeMux does, on a mistake in the program: one place named twice, or
// other cookies than SignIn sets.
func (m *Manager) Guard(from ...middleware.Source) *middleware.Guard {
	if len(from) == 0 {
		return m.guard
	}
	from = slices.Clone(from)
	for i, source := range from {
		cookies, ok := source.(middleware.Cookies)
		if !ok {
			continue
		}
		if !reflect.DeepEqual(cookies, middleware.Cookies{}) && !reflect.DeepEqual(cookies, m.config.Cookies) {
			panic("writ: Manager.Guard with other cookies than Config.Cookies, which SignIn sets: no browser would have them")
		}
		from[i] = m.config.Cookies
	}
	g, err := m.newGuard(from)
	if err != nil {
		panic(err)
	}
	return g
}

// sources is where a credential may stand unless the program says otherwise.
func (c Config) sources() []middleware.Source {
	if c.Cookies.RefreshOnly {
		return []middleware.Source{middleware.Bearer()}
	}
	return []middleware.Source{middleware.Bearer(), c.Cookies}
}

func (m *Manager) newGuard(from []middleware.Source) (*middleware.Guard, error) {
	c := middleware.Config{
		Verifier:       m,
		From:           from,
		TrustedOrigins: m.config.TrustedOrigins,
		SignInPage:     m.config.SignInPage,
		Deny:           m.config.Deny,
		Now:            m.config.Now,
		Observe: func(r *http.Request, t *token.Verified, err error) {
			if err != nil && middleware.Status(err) == http.StatusInternalServerError { // a rule that fails
				m.failed(r.Context(), err)
			}
			if m.config.ObserveRequest != nil {
				m.config.ObserveRequest(r, t, err)
			}
		},
	}
	for _, source := range from {
		if cookies, ok := source.(middleware.Cookies); ok && cookies.RefreshPath == "" {
			c.Refresher = m
		}
	}
	return middleware.New(c)
}

// Deny answers an error of this package as a Guard does. What is a mistake in the program (500) is told
// to Config.Observe, because the client is not told what it is.
func (m *Manager) Deny(w http.ResponseWriter, r *http.Request, err error) {
	if middleware.Status(err) == http.StatusInternalServerError {
		m.failed(r.Context(), err)
	}
	m.guard.Deny(w, r, err)
}

func (m *Manager) failed(ctx context.Context, err error) {
	m.config.Observe(ctx, Event{Kind: Failed, Time: m.config.Now(), Err: err})
}

func (m *Manager) observe(ctx context.Context, kind EventKind, s *stored, from token.Client, err error) {
	m.config.Observe(ctx, Event{
		Kind:      kind,
		Time:      m.config.Now(),
		SessionID: sessionID(s.id),
		Subject:   s.Claims.Subject,
		Client:    from,
		Err:       err,
	})
}
