package writ

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// retention is how long a revoked access token could still be alive somewhere: its longest life, the
// largest leeway that a verifier may have, and the clocks of two nodes.
func (c Config) retention() time.Duration { return token.MaxTTL + time.Minute + 2*c.Rotation.Skew }

// ended is the entry that ends a session.
func (m *Manager) ended(s *stored, now time.Time) revocation.Entry {
	return revocation.Entry{
		Kind:    revocation.Session,
		ID:      sessionID(s.id),
		Before:  revocation.Ended,
		Expires: now.Add(m.config.retention()),
	}
}

// end marks s as ended and returns the entries that say so to every node.
func (m *Manager) end(s *stored, now time.Time, reason string) []revocation.Entry {
	s.Rotation.RevokedAt, s.Rotation.Reason = now, reason
	return []revocation.Entry{m.ended(s, now)}
}

// End ends one session of subject: its refresh tokens and, on every node, its access tokens. Ending
// it again is no error. ErrNotFound: subject has no session of that ID, so that a handler cannot end
// a stranger's. token.ErrUnavailable: it may still be alive; try again.
func (m *Manager) End(ctx context.Context, subject, sid string) error {
	ctx, cancel := m.toTheEnd(ctx)
	defer cancel()
	id, ok := parseSessionID(sid)
	if !ok {
		return ErrNotFound
	}
	return m.endIf(ctx, id, func(s *stored) bool { return s.Claims.Subject == subject })
}

// endIf ends a session if it may, and tells; ErrNotFound if it may not.
func (m *Manager) endIf(ctx context.Context, id [16]byte, may func(*stored) bool) error {
	s, err := m.endQuietly(ctx, id, may)
	if err == nil && s != nil {
		m.observe(ctx, Ended, s, token.Client{}, nil)
	}
	return err
}

// endQuietly returns the session that it ended; none if that had ended already.
func (m *Manager) endQuietly(ctx context.Context, id [16]byte, may func(*stored) bool) (*stored, error) {
	already := false
	s, err := m.change(ctx, id, func(s *stored) ([]revocation.Entry, error) {
		if !may(s) {
			return nil, ErrNotFound
		}
		if already = !s.Rotation.RevokedAt.IsZero(); already {
			m.hear(s)
			return nil, nil
		}
		return m.end(s, m.config.Now(), "ended"), nil
	})
	if err != nil || already {
		return nil, err
	}
	return s, nil
}

// hear has this node know at once of a session that has just ended: perhaps it did that itself, and never
// got the answer. An older end it has read in the log.
func (m *Manager) hear(s *stored) {
	if at := s.Rotation.RevokedAt; m.config.Now().Before(at.Add(m.config.MaxStale)) {
		m.list.Apply(m.ended(s, at))
	}
}

// EndAll ends every session of subject, and every token issued to it before now, on every node. A
// sign-in after it is not touched. token.ErrUnavailable: some may still be alive; try again.
func (m *Manager) EndAll(ctx context.Context, subject string) error {
	ctx, cancel := m.toTheEnd(ctx)
	defer cancel()
	if subject == "" {
		return errNoSubject
	}
	if token.IsAnonymous(subject) { // it has one session, and a cutoff would be kept for a year
		return m.endVisitor(ctx, subject)
	}
	all, listErr := m.readable(ctx, subject)
	for range changeTries {
		cutoff := m.above(all)
		entries := append(m.endedAll(all), m.cutoffEntry(subject, cutoff))
		if err := m.tell(ctx, entries...); err != nil {
			return err
		}
		if listErr != nil { // a session that cannot be read must not keep the others alive
			return listErr
		}
		// A session may have been given a higher stamp meanwhile, by EndOthers or MustRefresh. From
		// now on that cannot happen: they would see the cutoff.
		before := all
		var err error
		if all, err = m.ofSubject(ctx, subject); err != nil {
			return err
		}
		if !risen(before, all, cutoff) {
			m.config.Observe(ctx, Event{Kind: Ended, Time: m.config.Now(), Subject: subject})
			return nil
		}
	}
	return fmt.Errorf("%w: the subject's sessions are being changed all the time", token.ErrUnavailable)
}

// above is a cutoff above every stamp that these sessions were given, by this clock, by one that is
// ahead, or by rule; and that they are given until the cutoff is written, which takes less than
// Latency: whoever reads a session before that stamps with the time of the reading.
func (m *Manager) above(all []*stored) int64 {
	cutoff := m.config.Now().Add(m.config.ahead()).UnixMicro()
	for _, s := range all {
		cutoff = max(cutoff, s.top())
	}
	return cutoff
}

// risen reports whether a session that was there before has got above the cutoff. One that was not
// there is a new sign-in.
func risen(before, now []*stored, cutoff int64) bool {
	return slices.ContainsFunc(now, func(s *stored) bool {
		return max(s.Rotation.Stamp, s.MinStamp+1) > cutoff &&
			slices.ContainsFunc(before, func(b *stored) bool { return b.id == s.id })
	})
}

// cutoffEntry is kept as long as any session could live: a refresh is compared with it.
func (m *Manager) cutoffEntry(subject string, before int64) revocation.Entry {
	return revocation.Entry{
		Kind:    revocation.Subject,
		ID:      subject,
		Before:  before,
		Expires: m.config.Now().Add(longestCookie + m.config.retention()),
	}
}

// endedAll are the entries that end sessions one by one, beside a cutoff. They hold against a cutoff of
// EndOthers that the store lost and gets back, which may be higher and have spared one of them.
func (m *Manager) endedAll(sessions []*stored) (entries []revocation.Entry) {
	now := m.config.Now()
	for _, s := range sessions {
		if m.live(s, now) {
			entries = append(entries, m.ended(s, now))
		}
	}
	return entries
}

// revoked reports whether this node has heard that t was revoked by itself or with its key: since it was
// verified, for that is some time ago if the request's body came slowly.
func (m *Manager) revoked(t *token.Verified) bool {
	return t.Stamp() <= max(m.list.Before(revocation.Token, t.ID()), m.list.Before(revocation.Key, t.KeyID()))
}

// sparedEntry says that s goes on above a cutoff of its subject; see recall. It names a token that cannot
// be, and so revokes nothing. It is kept while a lost cutoff may be given back, and less long than what ends
// sessions.
func (m *Manager) sparedEntry(s *stored, cutoff int64) revocation.Entry {
	return revocation.Entry{
		Kind:    revocation.Token,
		ID:      spared(s.id),
		Before:  cutoff,
		Expires: m.config.Now().Add(m.config.retention() / 2),
	}
}

// spared is no jti: those have no colon.
func spared(id [16]byte) string { return "spared:" + sessionID(id) }

// EndOthers is EndAll but for t's session, which gets the access token that replaces its own: hand it
// to the client. It does not outlive t, has no scope that t does not have until it is refreshed, and
// OnIssue is asked as for every token. The session's refresh token stays good. A t that MustRefresh
// has revoked since it was verified is exchanged all the same. token.ErrInvalid: t's session has ended
// itself, t was revoked by RevokeToken, or OnIssue refuses it.
func (m *Manager) EndOthers(ctx context.Context, t *token.Verified) (*token.Pair, error) {
	ctx, cancel := m.toTheEnd(ctx)
	defer cancel()
	id, ok := parseSessionID(t.SessionID())
	if !ok {
		return nil, token.ErrMalformed
	}
	for range changeTries {
		var pair *token.Pair
		var before []*stored
		var cutoff int64
		s, err := m.change(ctx, id, func(s *stored) (entries []revocation.Entry, err error) {
			s.Pending = false // t says that it began
			if !m.live(s, s.at) || m.revoked(t) {
				return nil, token.ErrRevoked
			}
			if before, err = m.ofSubject(ctx, s.Claims.Subject); err != nil {
				return nil, err
			}
			cutoff = m.above(before)
			s.Rotation.Stamp = cutoff + 1
			until := t.ExpiresAt()
			if most := s.at.Add(m.config.AccessTTL); most.Before(until) { // t was made by a clock that is ahead
				until = most
			}
			if pair, entries, err = m.issue(ctx, s, s.at, until, false); err != nil && !errors.Is(err, ErrRefused) {
				return nil, err
			}
			if err != nil {
				err = fmt.Errorf("%w: %w", token.ErrInvalid, err)
			} else if narrowErr := m.narrow(pair, s, t); narrowErr != nil {
				return nil, narrowErr
			}
			if !t.Anonymous() { // a visitor has no others
				others := slices.DeleteFunc(slices.Clone(before), func(o *stored) bool { return o.id == id })
				entries = append(append(entries, m.endedAll(others)...), m.cutoffEntry(s.Claims.Subject, cutoff), m.sparedEntry(s, cutoff))
			}
			return entries, err
		})
		if errors.Is(err, ErrNotFound) {
			return nil, token.ErrRevoked
		}
		refused := err
		if err != nil && !errors.Is(err, ErrRefused) {
			return nil, err
		}
		others, err := m.ofSubject(ctx, s.Claims.Subject)
		if err != nil {
			return nil, err
		}
		others = slices.DeleteFunc(others, func(o *stored) bool { return o.id == id })
		if !risen(before, others, cutoff) { // see EndAll
			m.config.Observe(ctx, Event{Kind: Ended, Time: m.config.Now(), Subject: s.Claims.Subject})
			return pair, refused
		}
		if refused != nil {
			if err := m.EndAll(ctx, s.Claims.Subject); err != nil { // nothing is left to spare
				return nil, err
			}
			return nil, refused
		}
	}
	return nil, fmt.Errorf("%w: the subject's sessions are being changed all the time", token.ErrUnavailable)
}

// narrow gives pair, which takes the place of t, no scope that t does not have: a derived token must not be
// exchanged for all that its session may do.
func (m *Manager) narrow(pair *token.Pair, s *stored, t *token.Verified) (err error) {
	claims := s.Claims.Clone()
	claims.Scope = slices.DeleteFunc(claims.Scope, func(scope string) bool { return !t.HasScope(scope) })
	if len(claims.Scope) == len(s.Claims.Scope) {
		return nil
	}
	claims.Data = nil // a derived token has none
	pair.Scope = claims.Scope
	pair.Access, err = m.issuer.Issue(claims, pair.Issued, pair.AccessExpires, s.stamp(pair.Issued))
	return err
}

// MustRefresh makes a subject's access tokens refused while its sessions go on: each client
// refreshes, and OnIssue sees it. It is for a changed role that must count now. Sessions that the store has
// lost are not found, and their access tokens are good until they expire. token.ErrUnavailable: some may
// still be good; try again.
func (m *Manager) MustRefresh(ctx context.Context, subject string) error {
	listing, cancel := m.deadline(ctx)
	defer cancel()
	all, failed := m.readable(listing, subject)
	for _, s := range all {
		if !m.lives(s, m.config.Now()) {
			continue
		}
		if err := m.mustRefresh(ctx, s.id); err != nil && !errors.Is(err, ErrNotFound) {
			failed = err // the others need not wait for it
		}
	}
	return failed
}

func (m *Manager) mustRefresh(ctx context.Context, id [16]byte) error {
	ctx, cancel := m.deadline(ctx) // for each session: a subject may have many
	defer cancel()
	_, err := m.change(ctx, id, func(s *stored) ([]revocation.Entry, error) {
		if !m.lives(s, s.at) { // else the entry would say that it lives: see recall
			return nil, ErrNotFound
		}
		s.MinStamp = m.above([]*stored{s})
		return []revocation.Entry{{
			Kind:    revocation.Session,
			ID:      sessionID(s.id),
			Before:  s.MinStamp,
			Expires: m.config.Now().Add(m.config.retention()),
		}}, nil
	})
	return err
}

// SignOut ends the browser's sessions by its refresh cookie alone, or by its access cookie if that is
// all it has, and clears the cookies. With Cookies.RefreshPath call it below that path, or the
// browser does not send the refresh cookie. It refuses a cross-origin request, and then does nothing.
// Any other error (token.ErrUnavailable) means: signed out here, perhaps not elsewhere.
func (m *Manager) SignOut(w http.ResponseWriter, r *http.Request) error {
	if err := m.crossOrigin(r); err != nil {
		return err
	}
	m.config.Cookies.Clear(w)
	return m.revokeCookies(r)
}

// sessionsOf is whose cookies a browser has, as far as that can be told without the store.
func (m *Manager) sessionsOf(r *http.Request) (ids [][16]byte) {
	for _, raw := range m.config.Cookies.Tokens(r) {
		if id, err := m.sessionOf(r.Context(), raw); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// revokeCookies ends every session that the browser's cookies belong to. There may be several: another
// host of the domain can plant a cookie beside one without the prefix __Host-.
func (m *Manager) revokeCookies(r *http.Request) error {
	var failed error
	tokens := m.config.Cookies.Tokens(r)
	slices.Sort(tokens)
	for _, raw := range slices.Compact(tokens) { // one many times costs as much as once
		if err := m.Revoke(r.Context(), raw); err != nil && !errors.Is(err, token.ErrInvalid) {
			failed = err
		}
	}
	return failed
}
