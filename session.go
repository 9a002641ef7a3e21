package writ

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// Session is what the store knows of a session, for the application.
type Session struct {
	ID       string
	Claims   token.Claims // what its access tokens say
	Private  []byte       `json:"-"` // the application's own, kept in the store and never sent
	Label    string       // the application's name for it, such as the device's
	SignedIn token.Client // who signed in
	LastSeen token.Client // who refreshed last
	Created  time.Time
	Renewed  time.Time
	Expires  time.Time // the absolute end
}

// record is a session as it stands in Row.Data.
type record struct {
	Format   int            `json:"v"`
	Rotation rotation.State `json:"rotation"`
	// MinStamp is what the stamps of new access tokens must exceed: everything up to it was
	// revoked by MustRefresh.
	MinStamp int64        `json:"min_stamp,omitzero"`
	Audience string       `json:"audience"` // its tokens are for no other
	Claims   token.Claims `json:"claims"`
	Private  []byte       `json:"private,omitempty"`
	Label    string       `json:"label,omitempty"`
	SignedIn token.Client `json:"signed_in"`
	LastSeen token.Client `json:"last_seen"`
	Created  time.Time    `json:"created"`
	Renewed  time.Time    `json:"renewed"`
	Remember bool         `json:"remember,omitzero"`
	// Pending says that it was created, and has no tokens yet.
	Pending bool `json:"pending,omitzero"`
	// Idle is how long it lives without a refresh, if that is less than Config.Rotation.Idle.
	Idle time.Duration `json:"idle,omitzero,format:nano"`
}

const recordFormat = 1

// stored is a session and the row that it was read from.
type stored struct {
	record
	id     [16]byte
	row    Row
	at     time.Time // this node's clock just before the row was read
	cutoff int64     // the greatest that this node knows of, for the subject and for everyone
}

func newSessionID() (id [16]byte) {
	rand.Read(id[:])
	return id
}

// sessionID is how an ID looks in tokens, rows and URLs.
func sessionID(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

func parseSessionID(s string) (id [16]byte, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(id) || len(s) != base64.RawURLEncoding.EncodedLen(len(id)) {
		return id, false
	}
	return [16]byte(b), true
}

func (s *stored) encode() (Row, error) {
	data, err := jsonv2.Marshal(s.record)
	if err != nil {
		return Row{}, fmt.Errorf("writ: the session's claims cannot be stored: %w", err)
	}
	row := s.row
	row.ID, row.Owner, row.Expires, row.Data = sessionID(s.id), s.Claims.Subject, s.Rotation.AbsExp, data
	return row, nil
}

var errUnreadable = errors.New("a session's row cannot be read")

func (m *Manager) decode(row Row) (*stored, error) {
	s := &stored{row: row, cutoff: max(row.Cutoff, m.cutoff(row.Owner))}
	id, ok := parseSessionID(row.ID)
	if !ok || jsonv2.Unmarshal(row.Data, &s.record) != nil {
		return nil, fmt.Errorf("%w: %w: is the store written by something else?", token.ErrUnavailable, errUnreadable)
	}
	if s.Format != recordFormat {
		return nil, fmt.Errorf("%w: %w: it has format %d, and this program knows %d: update it", token.ErrUnavailable, errUnreadable, s.Format, recordFormat)
	}
	s.id = id
	m.recall(s)
	return s, nil
}

// recall puts into s what this node has heard of the session, should the store have lost the write that
// said so.
func (m *Manager) recall(s *stored) {
	if before := m.list.Before(revocation.Session, s.row.ID); before < revocation.Ended { // else see listed
		s.MinStamp = max(s.MinStamp, before)
	}
	if cutoff := m.list.Before(revocation.Token, spared(s.id)); cutoff > 0 && cutoff >= m.list.Before(revocation.Subject, s.row.Owner) {
		s.Rotation.Stamp = max(s.Rotation.Stamp, cutoff+1)
	}
}

// policy is the timing of s's refreshes.
func (m *Manager) policy(s *stored) rotation.Policy {
	p := m.config.Rotation
	if s.Idle > 0 {
		p.Idle = min(p.Idle, s.Idle)
		p.Recovery = min(p.Recovery, p.Idle)
	}
	return p
}

// cutoff is the greatest cutoff for a subject, and for everyone, that this node has heard of.
func (m *Manager) cutoff(subject string) int64 {
	return max(m.list.Before(revocation.Subject, subject), m.list.Before(revocation.Everything, ""))
}

// listed reports whether this node has heard that a session ended.
func (m *Manager) listed(id [16]byte) bool {
	return m.list.Before(revocation.Session, sessionID(id)) == revocation.Ended
}

// live reports whether s could still be refreshed. A sign-in that has not come to its end in its time never
// will.
func (m *Manager) live(s *stored, now time.Time) bool {
	r := s.Rotation
	if s.Pending && now.After(s.Created.Add(m.config.ahead())) {
		return false
	}
	return r.RevokedAt.IsZero() && r.Stamp > s.cutoff && !m.listed(s.id) && now.Before(r.IdleExp) && now.Before(r.AbsExp)
}

// stamp is the issue stamp for an access token of s: no clock is compared with it, only cutoffs.
func (s *stored) stamp(now time.Time) int64 {
	return max(now.UnixMicro(), s.top())
}

// top is the greatest stamp that s may have given so far by rule and not by the clock.
func (s *stored) top() int64 { return max(s.Rotation.Stamp, s.cutoff+1, s.MinStamp+1) }

// public is what the application sees.
func (s *stored) public() Session {
	return Session{
		ID:       sessionID(s.id),
		Claims:   s.Claims.Clone(),
		Private:  slices.Clone(s.Private),
		Label:    s.Label,
		SignedIn: s.SignedIn,
		LastSeen: s.LastSeen,
		Created:  s.Created,
		Renewed:  s.Renewed,
		Expires:  s.Rotation.AbsExp,
	}
}

// apply lets f change what the application may change.
func (s *stored) apply(f func(*Session) error) error {
	p := s.public()
	if err := f(&p); err != nil {
		return err
	}
	was, is := s.Claims, p.Claims
	if is.Subject != was.Subject || is.SessionID != was.SessionID || is.ClientID != was.ClientID || !is.AuthTime.Equal(was.AuthTime) {
		return errors.New("writ: Subject, SessionID, ClientID and AuthTime of a session do not change: start a new one")
	}
	s.Claims, s.Private, s.Label = p.Claims.Clone(), slices.Clone(p.Private), p.Label
	return nil
}

// Session reads t's session from the store, for a handler that must have what is there now, or must know
// that the session has not ended this very moment. token.ErrRevoked: it has ended, or t is older than
// what was told to refresh. token.ErrUnavailable: the store did not answer.
func (m *Manager) Session(ctx context.Context, t *token.Verified) (Session, error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	id, ok := parseSessionID(t.SessionID())
	if !ok {
		return Session{}, token.ErrMalformed
	}
	row, err := m.config.Store.Load(ctx, sessionID(id))
	if errors.Is(err, ErrNotFound) {
		return Session{}, token.ErrRevoked
	}
	if err != nil {
		return Session{}, unavailable(err)
	}
	s, err := m.decode(row)
	if err != nil {
		return Session{}, err
	}
	if !m.lives(s, m.config.Now()) || t.Stamp() <= max(s.cutoff, s.MinStamp) || t.Subject() != s.Claims.Subject {
		return Session{}, token.ErrRevoked
	}
	return s.public(), nil
}

// Sessions lists a subject's live sessions, newest first. ErrUnavailable (of package token): the
// store did not answer.
func (m *Manager) Sessions(ctx context.Context, subject string) ([]Session, error) {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	all, err := m.ofSubject(ctx, subject)
	if err != nil {
		return nil, err
	}
	now := m.config.Now()
	var live []Session
	for _, s := range all {
		if m.live(s, now) {
			live = append(live, s.public())
		}
	}
	slices.SortFunc(live, func(a, b Session) int { return b.Created.Compare(a.Created) })
	return live, nil
}

var errNoSubject = errors.New("writ: the subject is empty")

func (m *Manager) ofSubject(ctx context.Context, subject string) ([]*stored, error) {
	all, err := m.readable(ctx, subject)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// listPage is how many sessions are read at a time.
const listPage = 500

// Update changes a session under compare-and-swap: its Claims (but not Subject, SessionID, ClientID
// and AuthTime), Private and Label. f may run more than once, each time on what is stored then.
// Access tokens say so after the next refresh. ErrNotFound: no live session has this ID.
func (m *Manager) Update(ctx context.Context, sid string, f func(*Session) error) error {
	ctx, cancel := m.deadline(ctx)
	defer cancel()
	id, ok := parseSessionID(sid)
	if !ok {
		return ErrNotFound
	}
	_, err := m.change(ctx, id, func(s *stored) ([]revocation.Entry, error) {
		if !m.live(s, m.config.Now()) {
			return nil, ErrNotFound
		}
		return nil, s.apply(f)
	})
	return err
}
