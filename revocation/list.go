package revocation

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
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
	source Source
	now    func() time.Time
	lost   func(context.Context, []Entry) error
	losses losses
	set    set
	asOf   atomic.Pointer[time.Time]
	err    atomic.Pointer[error]

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
	if c.Lost == nil {
		c.Lost = func(context.Context, []Entry) error { return nil }
	}
	return &List{
		source: c.Source,
		now:    c.Now,
		lost:   c.Lost,
		losses: losses{applied: make(map[entryName]application), found: make(chan struct{}, 1)},
		set:    set{seed: maphash.MakeSeed(), limit: maxEntries},
	}
}

// Revoked implements token.Revocations: whether v is revoked, and as of when that was complete.
func (l *List) Revoked(v *token.Verified) (bool, time.Time) {
	asOf := l.AsOf() // before the look-ups: entries are added before asOf moves on
	before := l.set.everything.Load()
	n := v.Memo(l, func(v *token.Verified) any { return l.names(v) }).(*names)
	if l.set.mayHave(Session, n.session) {
		before = max(before, l.Before(Session, v.SessionID()))
	}
	if l.set.mayHave(Token, n.token) {
		before = max(before, l.Before(Token, v.ID()))
	}
	if l.set.mayHave(Subject, n.subject) {
		before = max(before, l.Before(Subject, v.Subject()))
	}
	if l.set.mayHave(Key, n.key) {
		before = max(before, l.Before(Key, v.KeyID()))
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
	if !kind.named(id) {
		return 0
	}
	return l.set.before(kind, id)
}

// AsOf is as of when the list is complete; the zero time: never.
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
	for _, e := range entries {
		if e.valid() && l.Before(e.Kind, e.ID) < e.Before { // else the log has told it already
			l.losses.wrote(e)
		}
	}
	if err := l.add(entries); err != nil {
		l.report(err)
	}
}

// add goes on where an entry is refused: the others revoke something.
func (l *List) add(entries []Entry) (err error) {
	for _, e := range entries {
		if !e.valid() {
			continue
		}
		if refused := l.set.add(e); refused != nil {
			err = refused
		}
	}
	return err
}

// Load takes a snapshot and merges it into the list. What is in the list already stays: a snapshot
// of a store that was put back to an older copy of itself undoes nothing.
func (l *List) Load(ctx context.Context) error {
	l.follow.Lock()
	defer l.follow.Unlock()
	l.losses.begin()
	return l.report(l.load(ctx, false))
}

// load takes a snapshot. What the list had before, and the snapshot has not, the log has lost.
func (l *List) load(ctx context.Context, regressed bool) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	started := l.now()
	before := l.live()
	there := set{seed: l.set.seed, limit: maxEntries}
	var refused error
	cursor, err := l.source.Snapshot(ctx, func(e Entry) {
		if len(before) > 0 && e.valid() {
			there.add(e)
		}
		if err := l.add([]Entry{e}); err != nil {
			refused = err
		}
	})
	if err != nil {
		return fmt.Errorf("revocation: snapshot: %w", err)
	}
	if refused != nil {
		return refused
	}
	l.cursor = cursor
	l.completeAsOf(started)
	l.losses.lacks(slices.DeleteFunc(before, func(e Entry) bool {
		return there.before(e.Kind, e.ID) >= e.Before
	}), regressed)
	return nil
}

func (l *List) completeAsOf(t time.Time) { l.asOf.Store(&t) }

func (l *List) report(err error) error {
	l.err.Store(&err)
	return err
}

const (
	// pollWait is how long one Tail may wait. The list is complete as of the start of a poll, so
	// this bounds how old an idle list looks.
	pollWait = 5 * time.Second
	// snapshotWait is how long a snapshot may take: a source that never answers is asked again.
	snapshotWait = time.Minute
	// pollPause keeps a source that does not wait from being asked without end, retryPause one
	// that fails.
	pollPause  = 100 * time.Millisecond
	retryPause = time.Second
	// sweepStep is so long that the whole set is swept once a minute, a little at a time.
	sweepStep = time.Minute / parts
)

// Run follows the source until ctx ends, and returns ctx's error. A source that fails is asked
// again and again: the list keeps what it has and grows old, which its readers see.
func (l *List) Run(ctx context.Context) error {
	var restoring sync.WaitGroup
	defer restoring.Wait()
	restoring.Go(func() { l.restore(ctx) })
	swept := l.now()
	for ctx.Err() == nil {
		asked := time.Now()
		pause := pollPause
		if l.poll(ctx) != nil {
			pause = retryPause
		}
		swept = l.sweep(swept)
		if pause -= time.Since(asked); pause > 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
	return ctx.Err()
}

// poll takes what came since the cursor. A list that was never loaded, and one whose log has a gap,
// takes a snapshot.
func (l *List) poll(ctx context.Context) error {
	l.follow.Lock()
	defer l.follow.Unlock()
	l.losses.begin()
	if l.AsOf().IsZero() {
		return l.report(l.load(ctx, false))
	}
	started := l.now()
	waiting, stop := context.WithTimeout(ctx, pollWait)
	defer stop()
	entries, cursor, err := l.source.Tail(waiting, l.cursor)
	if errors.Is(err, ErrGap) {
		return l.report(l.load(ctx, errors.Is(err, ErrRegressed)))
	}
	if err != nil {
		return l.report(fmt.Errorf("revocation: tail: %w", err))
	}
	if err := l.add(entries); err != nil {
		return l.report(err) // the cursor stays, so that what was refused comes again
	}
	l.cursor = cursor
	l.completeAsOf(started)
	l.losses.compare(entries)
	return l.report(nil)
}

// sweep drops what has expired from the parts of the set whose turn came since then, and returns since
// when the others wait.
func (l *List) sweep(since time.Time) time.Time {
	now := l.now()
	due := now.Sub(since) / sweepStep
	for range min(due, parts) {
		l.set.sweep(l.next, now)
		l.next = (l.next + 1) % parts
	}
	if due < 0 || due > parts { // the clock was set, or the machine slept
		return now
	}
	return since.Add(due * sweepStep)
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
