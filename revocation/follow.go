package revocation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

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
	ctx, cancel := context.WithTimeout(ctx, l.patience(snapshotWait))
	defer cancel()
	started := l.now()
	there := set{seed: l.set.seed, limit: maxEntries}
	first := l.AsOf().IsZero()
	mayHaveLost := l.lost != nil && l.Stats().Entries > 0
	all := &batch{set: &l.set, fresh: first}
	if !first { // else nobody can have followed yet
		all.changed = l.watched.tell
	}
	cursor, err := l.source.Snapshot(ctx, func(e Entry) {
		if mayHaveLost && e.valid() {
			there.add(e, nil)
		}
		all.add(e)
	})
	all.flush() // also what came before an error: it revokes something
	if err != nil {
		return fmt.Errorf("revocation: snapshot: %w", err)
	}
	if all.err != nil {
		return all.err
	}
	if first {
		l.watched.begin()
	}
	l.cursor = cursor
	l.completeAsOf(started)
	var lacking []Entry
	if mayHaveLost {
		lacking = l.missingIn(&there)
	}
	l.losses.lacks(lacking, regressed)
	return nil
}

// missingIn is what the list holds and a snapshot did not have, but for what was written since it was
// asked for.
func (l *List) missingIn(snapshot *set) (lacking []Entry) {
	soon := l.now().Add(expiringSoon)
	for e := range l.set.all() {
		live := e.Expires.IsZero() || e.Expires.After(soon)
		if live && snapshot.before(e.Kind, e.ID) < e.Before && !l.losses.isNew(e) {
			lacking = append(lacking, e)
		}
	}
	return lacking
}

// expiringSoon is how long before its end an entry may have left the log, by another node's clock.
const expiringSoon = time.Minute

// completeAsOf notes that an answer is in the list which was asked for at the time started.
func (l *List) completeAsOf(started time.Time) {
	t := started
	if l.replica != nil {
		b, asOf := l.replica.told()
		l.naming.Store(l.naming.Load().under(b))
		// By the clock that has started's monotonic reading, too.
		t = started.Add(min(0, asOf.Sub(started.Round(0))))
	}
	l.asOf.Store(&t)
}

// patience is how long a call of the source may take that waits for that long.
func (l *List) patience(wait time.Duration) time.Duration {
	if l.replica != nil {
		return wait + feedPatience
	}
	return wait
}

func (l *List) report(err error) error {
	l.err.Store(&err)
	return err
}

const (
	// pollWait is how long one Tail may wait. The list is complete as of the start of a poll, so twice that
	// is how old an idle list looks. A store that could not answer in that time is given slowWait.
	pollWait = time.Second
	slowWait = 5 * time.Second
	// snapshotWait is how long a snapshot may take: a source that never answers is asked again.
	snapshotWait = time.Minute
	// pollPause keeps a source that does not wait from being asked without end.
	pollPause = 100 * time.Millisecond
	// newsPause is for a store that has just told something. It lets some things come together. A Handler
	// does that itself, in rounds: feedPause is shorter than those, for one who is sent from node to node.
	newsPause = 5 * time.Millisecond
	feedPause = 20 * time.Millisecond
	// sweepStep is so long that the whole set is swept once a minute, a little at a time.
	sweepStep = time.Minute / parts
)

// Run follows the source until ctx ends, and returns ctx's error. A source that fails is asked
// again and again: the list keeps what it has and grows old, which its readers see.
func (l *List) Run(ctx context.Context) error {
	var restoring sync.WaitGroup
	defer restoring.Wait()
	if l.lost != nil {
		restoring.Go(func() { l.restore(ctx) })
	}
	if l.replica != nil {
		defer l.replica.rest()
	}
	swept := l.now()
	for failed := 0; ctx.Err() == nil; {
		asked := time.Now()
		pause := pollPause
		news, err := l.poll(ctx, failed > 0)
		switch {
		case err != nil:
			pause = time.Since(asked) + l.retryPause(failed, err)
			failed++
		case news && l.replica != nil:
			pause = feedPause
		case news: // more may be on its way, which must not wait for long
			pause = newsPause
		}
		if err == nil {
			failed = 0
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

// poll takes what came since the cursor, and reports whether that was anything. A list that was never
// loaded, and one whose log has a gap, takes a snapshot.
func (l *List) poll(ctx context.Context, again bool) (news bool, err error) {
	l.follow.Lock()
	defer l.follow.Unlock()
	l.losses.begin()
	if l.AsOf().IsZero() {
		return false, l.report(l.load(ctx, false))
	}
	started := l.now()
	wait := pollWait
	if again {
		wait = slowWait
	}
	waiting, stop := context.WithTimeout(ctx, l.patience(wait))
	defer stop()
	entries, cursor, err := l.source.Tail(waiting, l.cursor)
	if errors.Is(err, ErrGap) {
		return false, l.report(l.load(ctx, errors.Is(err, ErrRegressed)))
	}
	if err != nil {
		return false, l.report(fmt.Errorf("revocation: tail: %w", err))
	}
	var refused error
	for _, e := range entries {
		if err := l.add(e); err != nil { // the others revoke something
			refused = err
		}
	}
	if refused != nil {
		return false, l.report(refused) // the cursor stays, so that what was refused comes again
	}
	l.cursor = cursor
	l.completeAsOf(started)
	l.losses.compare(entries)
	return len(entries) > 0, l.report(nil)
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
