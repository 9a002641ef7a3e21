package rotation

import "time"

// State is the rotation part of a session's record. It is comparable: a State that Decide returns
// equals the one it was given exactly if there is nothing to write. Its JSON form is stable and
// keeps nanoseconds. Every field belongs to this package except those that say otherwise.
type State struct {
	Gen       uint64    `json:"gen"`                 // the current generation
	Fork      uint32    `json:"fork"`                // the highest sibling issued in it; at least the age of the generation then, in seconds
	Prev      uint32    `json:"prev"`                // the sibling of the generation before that was chosen
	PrevAny   bool      `json:"prev_any,omitzero"`   // any sibling of the generation before counts as chosen: the store lost which
	PrevMax   uint32    `json:"prev_max"`            // the highest sibling known of the generation before
	RotatedAt time.Time `json:"rotated_at"`          // when the generation began
	HandedAt  time.Time `json:"handed_at"`           // when its newest sibling was handed out
	SeenAt    time.Time `json:"seen_at,omitzero"`    // when a sibling was first used a Window or more after it was handed out
	Stamp     int64     `json:"stamp"`               // auth_stamp: when the user signed in, in microseconds since 1970
	IdleExp   time.Time `json:"idle_exp"`            // the session ends here unless it is refreshed
	AbsExp    time.Time `json:"abs_exp"`             // the session ends here; never moves
	RevokedAt time.Time `json:"revoked_at,omitzero"` // set by Decide on Theft, by the caller on logout
	Reason    string    `json:"reason,omitempty"`    // why it was revoked; ReasonTheft, or the caller's word
}

// ReasonTheft is the Reason of a State that Decide revoked.
const ReasonTheft = "theft"

// Create is the State of a new session, whose first token is Token(sid) of it. stamp is when the
// user signed in, in microseconds since 1970; the session ends at absExp at the latest. It does
// not check that absExp lies ahead: Decide answers Expired if it does not.
func Create(p Policy, stamp int64, now, absExp time.Time) State {
	p, now = p.WithDefaults(), plain(now)
	s := State{Stamp: stamp, RotatedAt: now, HandedAt: now, AbsExp: plain(absExp)}
	return s.active(p, now)
}

// Token is the newest token of the State: the one to send after Create, Rotate and Recover.
func (s State) Token(session [16]byte) Token {
	return Token{Session: session, Gen: s.Gen, Fork: s.Fork}
}

// active moves the idle expiry, never beyond the absolute one.
func (s State) active(p Policy, now time.Time) State {
	s.IdleExp = now.Add(p.Idle)
	if s.IdleExp.After(s.AbsExp) {
		s.IdleExp = s.AbsExp
	}
	return s
}

// revoked reports whether the session was ended. Either field is enough.
func (s State) revoked() bool { return !s.RevokedAt.IsZero() || s.Reason != "" }

// confirms reports whether t is a parent of the current generation: the sibling that was chosen,
// or one that the store forgot that it issued.
func (s State) confirms(t Token) bool {
	parent := t.Gen < s.Gen && t.Gen+1 == s.Gen
	return parent && (s.PrevAny || t.Fork == s.Prev || t.Fork > s.PrevMax)
}

// plain is t as it comes back from JSON, so that equal States compare equal.
func plain(t time.Time) time.Time { return t.UTC().Round(0) }
