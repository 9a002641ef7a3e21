package writ

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/revocation"
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
	Idle      time.Duration // how long without a refresh. Default and limit: Config.Rotation.Idle
	// Visitor is the anonymous session that signs in now, if there is one, of this Manager's own. Its
	// Private and its Claims.Data go along, unless the Login has its own, and it ends; what is written to
	// it until then is not lost. It has one heir: a second sign-in gets nothing. SignIn and Start do not
	// look for one themselves: whoever planted a visitor's cookie would choose what the user's session holds.
	Visitor *token.Verified

	replaces [][16]byte              // the sessions that end when this one begins
	accept   func(*token.Pair) error // whether the tokens can be handed out; asked before anything ends
}

// Start makes a session with a new ID and returns its first tokens. ErrUnavailable (of package
// token): the store or the keys cannot be had now. ErrRefused, with middleware.ErrForbidden: OnIssue
// did not want it. Any other error is a mistake in the Login or the claims. It has checked no
// password; the caller has.
func (m *Manager) Start(ctx context.Context, l Login) (*token.Pair, error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	now := m.config.Now() // once, before the store is read
	s, err := m.newSession(l, now)
	if err != nil {
		return nil, err
	}
	if err := m.refuseBeyondMax(ctx, nil, l, now); err != nil {
		return nil, err
	}
	if err := m.create(ctx, s, now); err != nil {
		m.abandon(ctx, s.id) // a write whose answer was lost may have been done
		return nil, err
	}
	id := s.id
	s, pair, err := m.begin(ctx, id, l, now)
	if errors.Is(err, ErrRefused) {
		m.observe(ctx, Refused, s, l.Client, err)
		return nil, fmt.Errorf("%w: %w", middleware.ErrForbidden, err)
	}
	if err != nil {
		m.abandon(ctx, id)
		return nil, err
	}
	m.observe(ctx, Started, s, l.Client, nil)
	return pair, nil
}

// begin gives a session that was created its first tokens. OnIssue is asked only when the session can be
// seen: an EndAll or a MustRefresh from now on finds it, and what OnIssue says is not older than they are.
func (m *Manager) begin(ctx context.Context, id [16]byte, l Login, now time.Time) (s *stored, pair *token.Pair, err error) {
	issue := func(visitor *stored) error {
		s, err = m.change(ctx, id, func(s *stored) (entries []revocation.Entry, err error) {
			if !m.live(s, now) {
				return nil, fmt.Errorf("%w: the session was ended while it began", token.ErrUnavailable)
			}
			s.Pending = false
			if l.Visitor != nil {
				s.inherit(visitor, l)
			}
			pair, entries, err = m.issue(ctx, s, now, now.Add(m.config.AccessTTL), true)
			return entries, err
		})
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%w: the store has lost the session while it began", token.ErrUnavailable)
		}
		if err == nil && l.accept != nil {
			err = l.accept(pair)
		}
		if err == nil {
			err = m.refuseBeyondMax(ctx, s, l, now)
		}
		if err == nil {
			err = m.endOldest(ctx, s, l, now)
		}
		return err
	}
	if l.Visitor == nil {
		err = issue(nil)
	} else {
		err = m.signInVisitor(ctx, l.Visitor, id, issue)
	}
	return s, pair, err
}

// create stores a new session, above every cutoff.
func (m *Manager) create(ctx context.Context, s *stored, now time.Time) error {
	for range changeTries {
		if s.cutoff == revocation.Ended {
			return fmt.Errorf("%w: %w: the subject is barred", middleware.ErrForbidden, ErrRefused)
		}
		stamp := max(now.UnixMicro(), s.cutoff+1)
		s.Rotation = rotation.Create(m.policy(s), stamp, now, s.Rotation.AbsExp)
		row, err := s.encode()
		if err != nil {
			return err
		}
		if s.row, err = m.config.Store.Save(ctx, row); err != nil {
			return unavailable(err)
		}
		// A cutoff of just now may lie ahead of this clock. The user signed in after it, so the
		// session goes above it.
		if s.cutoff = max(s.cutoff, s.row.Cutoff); s.cutoff < stamp {
			return nil
		}
	}
	return fmt.Errorf("%w: the subject's sessions are being ended all the time", token.ErrUnavailable)
}

// abandon ends a session whose tokens nobody will ever hold. If that fails it is idle until it expires. It
// does not try for long: mostly the store has just failed.
func (m *Manager) abandon(ctx context.Context, id [16]byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.config.Rotation.Latency/8)
	defer cancel()
	m.endQuietly(ctx, id, func(*stored) bool { return true })
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
	if v := l.Visitor; v != nil && (l.Anonymous || !v.Anonymous() || v.Issuer() != m.config.Issuer) {
		return nil, errors.New("writ: Login.Visitor must be an anonymous session of this issuer, and Login a user's")
	}
	if l.Absolute == 0 {
		l.Absolute = m.config.AbsoluteTTL
	}
	if l.Idle == 0 {
		l.Idle = m.config.Rotation.Idle
	}
	if l.Idle < 2*m.config.AccessTTL || l.Idle > m.config.Rotation.Idle {
		return nil, fmt.Errorf("writ: Login.Idle is %s, but must be from 2 x AccessTTL %s to Rotation.Idle %s",
			l.Idle, 2*m.config.AccessTTL, m.config.Rotation.Idle)
	}
	if l.Absolute < 2*m.config.AccessTTL || l.Absolute > m.config.AbsoluteTTL {
		return nil, fmt.Errorf("writ: Login.Absolute is %s, but must be from 2 x AccessTTL %s to AbsoluteTTL %s",
			l.Absolute, 2*m.config.AccessTTL, m.config.AbsoluteTTL)
	}
	s.record = record{
		Format:   recordFormat,
		Audience: m.config.Audience,
		Claims:   l.Claims.Clone(),
		Private:  l.Private,
		Label:    l.Label,
		SignedIn: l.Client,
		LastSeen: l.Client,
		Created:  now,
		Renewed:  now,
		Remember: l.Remember,
		Pending:  true,
	}
	if l.Idle < m.config.Rotation.Idle {
		s.Idle = l.Idle
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

// issue asks the application whether s may have tokens, and what they are to say, and signs them: an
// access token that is good until then or the session's end, and with refresh the newest refresh
// token. If the application refuses, s has ended, and the entries say so.
func (m *Manager) issue(ctx context.Context, s *stored, now, until time.Time, refresh bool) (*token.Pair, []revocation.Entry, error) {
	if m.config.OnIssue != nil {
		err := s.apply(func(p *Session) error { return m.config.OnIssue(ctx, p) })
		if errors.Is(err, ErrRefused) {
			return nil, m.end(s, now, "refused"), err
		}
		if err != nil {
			m.observe(ctx, Failed, s, s.LastSeen, fmt.Errorf("OnIssue: %w", err))
			return nil, nil, fmt.Errorf("%w: OnIssue: %v", token.ErrUnavailable, err) // whatever it wraps is its own affair
		}
	}
	if until.After(s.Rotation.AbsExp) {
		until = s.Rotation.AbsExp
	}
	if until.Unix() <= now.Unix() {
		return nil, nil, token.ErrExpired
	}
	access, err := m.issuer.Issue(s.Claims, now, until, s.stamp(now))
	if err != nil {
		return nil, nil, err
	}
	p := &token.Pair{
		Access:         access,
		Issued:         now,
		AccessExpires:  time.Unix(until.Unix(), 0),
		RefreshExpires: s.Rotation.AbsExp,
		SessionID:      sessionID(s.id),
		Scope:          s.Claims.Scope,
		Remember:       s.Remember,
	}
	if refresh {
		key, err := m.ring.SigningMAC()
		if err != nil {
			return nil, nil, fmt.Errorf("%w: no key for refresh tokens: %w", token.ErrUnavailable, err)
		}
		p.Refresh = rotation.Format(s.Rotation.Token(s.id), key)
	}
	return p, nil, nil
}

// SignIn starts a session for a browser and sets its cookies; with Cookies.RefreshOnly the access
// token is the answer's body. It refuses a cross-origin request (login CSRF), ends the sessions that
// the browser had, and never adopts their IDs. With Cookies.RefreshPath call it below that path, or
// the browser does not send the old session's cookie, and that session goes on. On error it has
// written nothing, and the browser is signed in as before: answer with Deny.
func (m *Manager) SignIn(w http.ResponseWriter, r *http.Request, l Login) error {
	if err := m.crossOrigin(r); err != nil {
		return err
	}
	if l.Client.ID != "" {
		return errors.New("writ: SignIn is for a browser, which has no client_id: leave Login.Client.ID empty, or use Grant")
	}
	l = m.fromRequest(l, r)
	l.replaces = m.sessionsOf(r)
	l.accept = func(p *token.Pair) error { return m.config.Cookies.Set(headerOnly{}, p) }
	pair, err := m.Start(r.Context(), l)
	if err != nil {
		return err
	}
	before := w.Header().Clone()
	err = m.config.Cookies.Set(w, pair)
	if err == nil {
		err = m.revokeCookies(r)
	}
	if err != nil {
		clear(w.Header())
		maps.Copy(w.Header(), before)
		if id, ok := parseSessionID(pair.SessionID); ok {
			m.abandon(r.Context(), id)
		}
		return err
	}
	if m.config.Cookies.RefreshOnly {
		return middleware.WriteTokens(w, pair, false)
	}
	return nil
}

// headerOnly takes cookies and sends them to nobody.
type headerOnly http.Header

func (h headerOnly) Header() http.Header         { return http.Header(h) }
func (h headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (h headerOnly) WriteHeader(int)             {}

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
