package revocation

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ/token"
)

// name is what a set is searched by.
type name struct {
	kind Kind
	id   string
}

// shards is how many parts the set is cut into. Adding an entry copies one part, so that readers
// never wait for a writer.
const shards = 1024

type shard = map[name]Entry

// List is the local set of what is revoked. Reads take no lock and any number of goroutines may
// read while entries are added.
type List struct {
	source Source
	now    func() time.Time
	seed   maphash.Seed

	shards [shards]atomic.Pointer[shard]
	asOf   atomic.Pointer[time.Time]
	err    atomic.Pointer[error]

	write  sync.Mutex // held while shards change
	follow sync.Mutex // held while the cursor moves
	cursor Cursor
}

// NewList makes an empty list that answers "unknown" until Load. A nil now means time.Now.
func NewList(source Source, now func() time.Time) *List {
	if now == nil {
		now = time.Now
	}
	return &List{source: source, now: now, seed: maphash.MakeSeed()}
}

// Revoked implements token.Revocations: whether v is revoked, and as of when that was complete.
func (l *List) Revoked(v *token.Verified) (bool, time.Time) {
	asOf := l.AsOf() // before the look-ups: entries are added before asOf moves on
	before := max(
		l.Before(Token, v.ID()),
		l.Before(Session, v.SessionID()),
		l.Before(Key, v.KeyID()),
		l.Before(Subject, v.Subject()),
		l.Before(Everything, ""),
	)
	return v.Stamp() <= before, asOf
}

// Before is the greatest Before of the entries with this kind and ID, and 0 if there is none.
func (l *List) Before(kind Kind, id string) int64 {
	if id == "" && kind != Everything {
		return 0
	}
	n := name{kind, id}
	if s := l.shard(n).Load(); s != nil {
		return (*s)[n].Before
	}
	return 0
}

// AsOf is as of when the list is complete; the zero time: never.
func (l *List) AsOf() time.Time {
	if t := l.asOf.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

func (l *List) shard(n name) *atomic.Pointer[shard] {
	return &l.shards[maphash.Comparable(l.seed, n)%shards]
}

// Apply adds entries at once, for the node that made them.
func (l *List) Apply(entries ...Entry) {
	parts := map[*atomic.Pointer[shard]][]Entry{}
	for _, e := range entries {
		at := l.shard(name{e.Kind, e.ID})
		parts[at] = append(parts[at], e)
	}
	l.write.Lock()
	defer l.write.Unlock()
	for at, entries := range parts {
		next := shard{}
		if s := at.Load(); s != nil {
			next = maps.Clone(*s)
		}
		for _, e := range entries {
			n := name{e.Kind, e.ID}
			if old, ok := next[n]; ok {
				e = e.Merge(old)
			}
			next[n] = e
		}
		at.Store(&next)
	}
}

// Load takes a snapshot and merges it into the list. What is in the list already stays: a snapshot
// of a store that was put back to an older copy of itself undoes nothing.
func (l *List) Load(ctx context.Context) error {
	l.follow.Lock()
	defer l.follow.Unlock()
	return l.report(l.load(ctx))
}

func (l *List) load(ctx context.Context) error {
	started := l.now()
	var entries []Entry
	cursor, err := l.source.Snapshot(ctx, func(e Entry) { entries = append(entries, e) })
	if err != nil {
		return fmt.Errorf("revocation: snapshot: %w", err)
	}
	l.Apply(entries...)
	l.cursor = cursor
	l.completeAsOf(started)
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
	// pollPause keeps a source that does not wait from being asked without end, retryPause one
	// that fails.
	pollPause  = 100 * time.Millisecond
	retryPause = time.Second
	sweepEvery = time.Minute
)

// Run follows the source until ctx ends, and returns ctx's error. A source that fails is asked
// again and again: the list keeps what it has and grows old, which its readers see.
func (l *List) Run(ctx context.Context) error {
	swept := l.now()
	for ctx.Err() == nil {
		asked := time.Now()
		pause := pollPause
		if l.poll(ctx) != nil {
			pause = retryPause
		}
		if now := l.now(); now.Sub(swept) >= sweepEvery {
			l.sweep(now)
			swept = now
		}
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
	if l.AsOf().IsZero() {
		return l.report(l.load(ctx))
	}
	started := l.now()
	waiting, stop := context.WithTimeout(ctx, pollWait)
	defer stop()
	entries, cursor, err := l.source.Tail(waiting, l.cursor)
	if errors.Is(err, ErrGap) {
		return l.report(l.load(ctx))
	}
	if err != nil {
		return l.report(fmt.Errorf("revocation: tail: %w", err))
	}
	l.Apply(entries...)
	l.cursor = cursor
	l.completeAsOf(started)
	return l.report(nil)
}

// sweep drops what has expired. Nothing else ever leaves the list.
func (l *List) sweep(now time.Time) {
	l.write.Lock()
	defer l.write.Unlock()
	for i := range l.shards {
		s := l.shards[i].Load()
		if s == nil {
			continue
		}
		next := maps.Clone(*s)
		maps.DeleteFunc(next, func(_ name, e Entry) bool {
			return !e.Expires.IsZero() && !now.Before(e.Expires)
		})
		if len(next) < len(*s) {
			l.shards[i].Store(&next)
		}
	}
}

// Stats is for metrics and health checks.
type Stats struct {
	Entries int
	AsOf    time.Time // as of when the list is complete; the zero time: never
	Err     error     // what the last poll of the source said; nil: it succeeded
}

// Stats reads the list's state.
func (l *List) Stats() Stats {
	s := Stats{AsOf: l.AsOf()}
	for i := range l.shards {
		if part := l.shards[i].Load(); part != nil {
			s.Entries += len(*part)
		}
	}
	if err := l.err.Load(); err != nil {
		s.Err = *err
	}
	return s
}
