package writ

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// ErrRefused, returned by Config.OnIssue, ends the session. Any other error from it means "try
// again".
var ErrRefused = errors.New("writ: session refused")

// Login says who signs in.
type Login struct {
	// Subject is who: the name that the application knows the user by. Required, unless Anonymous.
	Subject string
	// Anonymous makes a session that nobody has signed in to, for a visitor. Its subject is its own
	// ID behind "anonymous:", and token.Verified.Anonymous tells it from a user's.
	Anonymous bool
	Claims    token.Claims  // Subject, SessionID, ClientID and AuthTime are set by Start
	Private   []byte        // the application's own, kept in the store and never sent
	Label     string        // the application's name for the session, such as the device's
	Client    token.Client  // who signs in; SignIn and Grant fill it from the request
	Remember  bool          // cookies outlive the browser
	Absolute  time.Duration // how long the session lives at most. Default and limit: Config.AbsoluteTTL
}

// Start makes a session with a new ID and returns its first tokens. ErrUnavailable (of package
// token): the store or the keys cannot be had now. ErrRefused: OnIssue did not want it. It has
// checked no password; the caller has.
func (m *Manager) Start(ctx context.Context, l Login) (*token.Pair, error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	now := m.config.Now() // once, before the store is read
	s, err := m.newSession(l, now)
	if err != nil {
		return nil, err
	}
	if err := m.onIssue(ctx, s); err != nil {
		return nil, err
	}
	for range changeTries {
		stamp := max(now.UnixMicro(), s.cutoff+1)
		s.Rotation = rotation.Create(m.config.Rotation, stamp, now, s.Rotation.AbsExp)
		pair, err := m.pair(s, now, true)
		if err != nil {
			return nil, err
		}
		row, err := s.encode()
		if err != nil {
			return nil, err
		}
		if s.row, err = m.config.Store.Save(ctx, row); err != nil {
			return nil, unavailable(err)
		}
		// A cutoff of just now may lie ahead of this clock. The user signed in after it, so the
		// session goes above it.
		if s.cutoff = max(s.cutoff, s.row.Cutoff); s.cutoff < stamp {
			m.observe(ctx, Started, s, l.Client, nil)
			return pair, nil
		}
	}
	return nil, fmt.Errorf("%w: the subject's sessions are being ended all the time", token.ErrUnavailable)
}

func (m *Manager) newSession(l Login, now time.Time) (*stored, error) {
	s := &stored{id: newSessionID()}
	switch {
	case l.Anonymous && l.Subject != "":
		return nil, errors.New("writ: Login has a Subject and is Anonymous: choose one")
	case l.Anonymous:
		l.Subject = token.Anonymous(sessionID(s.id))
	case l.Subject == "":
		return nil, errors.New("writ: Login.Subject is empty: name who signs in, or set Anonymous")
	case token.IsAnonymous(l.Subject):
		return nil, errors.New("writ: Login.Subject begins as those of anonymous sessions do: give the user another name")
	}
	if l.Absolute == 0 {
		l.Absolute = m.config.AbsoluteTTL
	}
	if l.Absolute < 2*m.config.AccessTTL || l.Absolute > m.config.AbsoluteTTL {
		return nil, fmt.Errorf("writ: Login.Absolute is %s, but must be from 2 x AccessTTL %s to AbsoluteTTL %s",
			l.Absolute, 2*m.config.AccessTTL, m.config.AbsoluteTTL)
	}
	s.record = record{
		Format:   recordFormat,
		Claims:   l.Claims.Clone(),
		Private:  l.Private,
		Label:    l.Label,
		SignedIn: l.Client,
		LastSeen: l.Client,
		Created:  now,
		Renewed:  now,
		Remember: l.Remember,
	}
	s.Claims.Subject, s.Claims.SessionID = l.Subject, sessionID(s.id)
	s.Claims.ClientID = m.clientID(l.Client)
	s.Claims.AuthTime = now
	if l.Anonymous {
		s.Claims.AuthTime = time.Time{}
	}
	s.cutoff = m.cutoff(l.Subject)
	s.Rotation.AbsExp = now.Add(l.Absolute)
	return s, nil
}

// clientID is the issuer for a plain login (RFC 9068 wants a client_id in every token).
func (m *Manager) clientID(c token.Client) string {
	if c.ID == "" {
		return m.config.Issuer
	}
	return c.ID
}

// onIssue asks the application whether s may have a token, and what it is to say.
func (m *Manager) onIssue(ctx context.Context, s *stored) error {
	if m.config.OnIssue == nil {
		return nil
	}
	err := s.apply(func(p *Session) error { return m.config.OnIssue(ctx, p) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRefused):
		return fmt.Errorf("%w: %w", token.ErrInvalid, err)
	default:
		return fmt.Errorf("%w: OnIssue: %w", token.ErrUnavailable, err)
	}
}

// pair signs an access token for s, and with refresh the newest refresh token of it.
func (m *Manager) pair(s *stored, now time.Time, refresh bool) (*token.Pair, error) {
	expires := now.Add(m.config.AccessTTL)
	if expires.After(s.Rotation.AbsExp) {
		expires = s.Rotation.AbsExp
	}
	if expires.Unix() <= now.Unix() {
		return nil, token.ErrExpired
	}
	access, err := m.issuer.Issue(s.Claims, now, expires, s.stamp(now))
	if err != nil {
		return nil, err
	}
	p := &token.Pair{
		Access:         access,
		AccessExpires:  time.Unix(expires.Unix(), 0),
		RefreshExpires: s.Rotation.AbsExp,
		SessionID:      sessionID(s.id),
		Scope:          s.Claims.Scope,
		Remember:       s.Remember,
	}
	if refresh {
		key, err := m.ring.SigningMAC()
		if err != nil {
			return nil, fmt.Errorf("%w: no key for refresh tokens: %w", token.ErrUnavailable, err)
		}
		p.Refresh = rotation.Format(s.Rotation.Token(s.id), key)
	}
	return p, nil
}

// SignIn starts a session for a browser and sets its cookies; with Cookies.RefreshOnly the access
// token is the answer's body. It refuses a cross-origin request (login CSRF), ends the session that
// the browser had, and never adopts its ID. On error it has written nothing: answer with Deny.
func (m *Manager) SignIn(w http.ResponseWriter, r *http.Request, l Login) error {
	if err := m.crossOrigin(r); err != nil {
		return err
	}
	if raw, ok := m.config.Cookies.RefreshToken(r); ok {
		if err := m.Revoke(r.Context(), raw); err != nil && !errors.Is(err, token.ErrInvalid) {
			return err
		}
	}
	pair, err := m.Start(r.Context(), m.fromRequest(l, r))
	if err != nil {
		return err
	}
	if err := m.config.Cookies.Set(w, pair); err != nil {
		return errors.Join(err, m.Revoke(r.Context(), pair.Refresh)) // nobody will ever hold its tokens
	}
	if m.config.Cookies.RefreshOnly {
		return middleware.WriteTokens(w, pair, false)
	}
	return nil
}

// Grant starts a session for an app and answers with the token response of RFC 6749 section 5.1:
// both tokens, no cookie. On error it has written nothing: answer with Deny.
func (m *Manager) Grant(w http.ResponseWriter, r *http.Request, l Login) error {
	pair, err := m.Start(r.Context(), m.fromRequest(l, r))
	if err != nil {
		return err
	}
	return middleware.WriteTokens(w, pair, true)
}

func (m *Manager) fromRequest(l Login, r *http.Request) Login {
	from := middleware.ClientOf(r)
	from.ID = l.Client.ID
	l.Client = from
	return l
}
