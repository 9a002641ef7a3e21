package revocation

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ/token"
)

// List is the local set of what is revoked. Reads take no lock, and any number of goroutines may read
// while entries are added and dropped.
//
// It takes some 44 bytes for an entry whose ID is the base64url of 16 bytes, as every jti and sid of
// this module is. It holds 64 Mi entries; beyond that it refuses what is new, and is not complete until
// a poll finds room for it. See ErrFull.
type List struct {
	source  Source
	replica replica // the source, if it is one
	now     func() time.Time
	lost    func(context.Context, []Entry) error // nil: nobody wants to know
	losses  losses
	set     set
	naming  atomic.Pointer[naming]
	asOf    atomic.Pointer[time.Time] // written after naming
	err     atomic.Pointer[error]
	watched watchers

	follow sync.Mutex // held while the cursor moves
	cursor Cursor
	next   int // the part of the set that is swept next
}

// Config configures a List.
type Config struct {
	// Source is the log that the list follows. Required.
	Source Source
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Lost is called from Run when the log lacks what it had acknowledged: it was put back to an older
	// copy of itself, or a failover lost its last writes. It must write the entries again, which is
	// harmless if another node has done so; there may be none that the list knows of. If it returns an
	// error it is called again. The list itself keeps the entries in any case. Default: nothing is
	// written, and nodes that begin later do not know the entries.
	Lost func(ctx context.Context, entries []Entry) error
}

// NewList makes an empty list that answers "unknown" until Load.
func NewList(c Config) *List {
	if c.Now == nil {
		c.Now = time.Now
	}
	l := &List{
		source: c.Source,
		now:    c.Now,
		lost:   c.Lost,
		losses: losses{applied: make(map[entryName]application), found: make(chan struct{}, 1)},
		set:    set{seed: maphash.MakeSeed(), limit: maxEntries},
	}
	if r, ok := c.Source.(replica); ok {
		l.replica = r
		r.attach()
	}
	l.naming.Store(&naming{seed: l.set.seed, blinded: l.replica != nil})
	return l
}

// Revoked implements token.Revocations: whether v is revoked, and as of when that was complete.
func (l *List) Revoked(v *token.Verified) (bool, time.Time) {
	asOf := l.AsOf() // before the look-ups: entries are added before asOf moves on
	before := l.set.everything.Load()
	if l.replica != nil {
		named := l.naming.Load() // after asOf: what is complete is named so
		d := v.Memo(named, func(v *token.Verified) any { return named.digests(v) }).(*digests)
		return v.Stamp() <= max(before, d.before(&l.set)), asOf
	}
	n := v.Memo(l, func(v *token.Verified) any { return l.names(v) }).(*names)
	if l.set.mayHave(Session, n.session) {
		before = max(before, l.set.named(Session, v.SessionID()))
	}
	if l.set.mayHave(Token, n.token) {
		before = max(before, l.set.named(Token, v.ID()))
	}
	if l.set.mayHave(Subject, n.subject) {
		before = max(before, l.set.named(Subject, v.Subject()))
	}
	if l.set.mayHave(Key, n.key) {
		before = max(before, l.set.named(Key, v.KeyID()))
	}
	return v.Stamp() <= before, asOf
}

// names is what is kept with a token of the names by which it can be revoked.
type names struct{ token, session, key, subject name }

func (l *List) names(v *token.Verified) *names {
	seed := l.set.seed
	return &names{nameOf(seed, v.ID()), nameOf(seed, v.SessionID()), nameOf(seed, v.KeyID()), nameOf(seed, v.Subject())}
}

// Before is the greatest Before of the entries with this kind and ID, and 0 if there is none.
func (l *List) Before(kind Kind, id string) int64 {
	if l.replica == nil {
		return l.set.named(kind, id)
	}
	return l.naming.Load().find(&l.set, kind, id)
}

// AsOf is as of when the list is complete; the zero time: never. A list that follows a Feed is complete
// as of what the issuer signed, however lately it was fetched.
func (l *List) AsOf() time.Time {
	if t := l.asOf.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

// Apply adds entries at once, for the node that made them. They must be in the log: a full list gets
// them from there when it has room, and if the log does not tell them in its turn it has lost them. What
// Check refuses is left out.
func (l *List) Apply(entries ...Entry) {
	named := l.naming.Load()
	var refused error
	for _, e := range entries {
		if !e.valid() {
			continue
		}
		if l.lost != nil {
			l.losses.wrote(e, func(e Entry) bool { return l.Before(e.Kind, e.ID) >= e.Before })
		}
		if e, ok := named.entry(e); ok {
			if err := l.add(e); err != nil {
				refused = err
				l.losses.forget(e)
			}
		}
	}
	if refused != nil {
		l.report(refused)
	}
}

// add merges an entry of the source, or one that is named like those.
func (l *List) add(e Entry) error {
	if !e.valid() {
		return nil
	}
	return l.set.add(e, l.watched.tell) // after it is in the set: see watch
}

// Stats is for metrics and health checks.
type Stats struct {
	Entries int
	AsOf    time.Time // as of when the list is complete; the zero time: never
	Err     error     // what the last poll said; nil: it succeeded; ErrFull: nothing new has room
}

// Stats reads the list's state.
func (l *List) Stats() Stats {
	s := Stats{Entries: int(l.set.count.Load()), AsOf: l.AsOf()}
	if err := l.err.Load(); err != nil {
		s.Err = *err
	}
	return s
}
