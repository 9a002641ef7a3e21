package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	refreshEvery = 10 * time.Second // how often unknown kids can make the ring read its vault
	refreshWait  = 5 * time.Second  // how long such a reading may take
)

// flight is one reading of the vault, which any number of callers wait for.
type flight struct {
	done    chan struct{}
	began   time.Time
	limited bool // it is one of those that unknown kids can cause
	err     error
	gaveUp  bool // the caller that read stopped waiting, which is no answer to the others
}

// Run reads the vault and steps the schedule every third of MaxStale, and whenever a Watcher says that
// there is something to read, until ctx ends; it returns ctx.Err(). What fails leaves the ring as it
// is, and is tried again; Ready reports a ring that is too old, and Config.Observe is told of RingFailed.
func (r *Ring) Run(ctx context.Context) error {
	if r.state.Load() == nil {
		return r.Ready()
	}
	every := r.config.MaxStale / 3
	changed := make(chan struct{}, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	watch, end := context.WithCancel(ctx)
	defer end()
	if w, ok := r.config.Vault.(Watcher); ok {
		watching.Go(func() { keepWatching(watch, w, r.config.MaxStale, changed) })
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := ""
	for {
		attempt, cancel := context.WithTimeout(ctx, every)
		_, err := r.Step(attempt)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil:
			last = ""
		case err.Error() != last:
			last = err.Error()
			r.observe(RingEvent{Kind: RingFailed, Err: err})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		case <-changed:
		}
	}
}

// keepWatching begins again, after a while, when a watch fails.
func keepWatching(ctx context.Context, w Watcher, wait time.Duration, changed chan<- struct{}) {
	for ctx.Err() == nil {
		w.Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default: // it is known already
			}
		})
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// Reload reads the vault now; callers at the same time share one reading. A document that is damaged,
// gone, or of another issuer never replaces the ring: Reload returns an error and the ring stays as it
// is. A key that was removed on purpose is gone at once.
//
// A document that has gone back, as a store does that lost its latest writes, takes nothing away: what
// it lacks is put together with what the ring holds, and Step, which Run calls, writes that back. To
// adopt a ring that was made anew on purpose, stop every process first.
func (r *Ring) Reload(ctx context.Context) error { return r.reload(ctx, 0) }

// reload joins the reading under way. If there is none and the last that counts began less than
// every ago, its outcome stands; otherwise it reads. One lock covers the decision, or a flood would
// slip in between.
func (r *Ring) reload(ctx context.Context, every time.Duration) error {
	if r.state.Load() == nil {
		return r.Ready()
	}
	for {
		r.mu.Lock()
		f, now := r.flight, r.config.Now()
		if f == nil && r.elapsed(r.attempted, now) < every {
			defer r.mu.Unlock()
			return r.outcome
		}
		if f == nil {
			f = &flight{done: make(chan struct{}), began: now, limited: every > 0}
			r.flight = f
			r.mu.Unlock()
			return r.lead(ctx, f)
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.done:
		}
		if !f.gaveUp {
			return f.err
		}
	}
}

// lead does the reading of f. It ends the flight even if a Vault or Wrapper panics. A reading that its
// caller gave up does not count, unless it is a limited one: a vault that hangs is not to be asked
// again and again.
func (r *Ring) lead(ctx context.Context, f *flight) error {
	f.err = errors.New("keys: reloading the ring: panic")
	defer func() {
		r.mu.Lock()
		r.flight = nil
		if f.limited || !f.gaveUp {
			r.attempted, r.outcome = f.began, f.err
		}
		r.mu.Unlock()
		close(f.done)
	}()
	if f.err = r.take(ctx); f.err != nil {
		f.gaveUp = true
		return f.err
	}
	events, err := r.read(ctx, f)
	r.observe(events...)
	f.err = err
	return err
}

func (r *Ring) read(ctx context.Context, f *flight) ([]RingEvent, error) {
	defer r.release()
	held := r.state.Load()
	next, err := r.reread(ctx, held.keyring)
	if err != nil {
		f.gaveUp = ctx.Err() != nil
		err = fmt.Errorf("keys: reloading %s: %w", vaultName(r.config.Vault), err)
		r.state.Store(&ringState{held.keyring, held.synced, err, held.active})
		return nil, err
	}
	return r.adopt(next, f.began, nil), nil
}

// take waits for the turn to replace the state. If nobody has it, an ended ctx is the vault's affair.
func (r *Ring) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Ring) release() { <-r.turn }

func (r *Ring) reread(ctx context.Context, held *keyring) (*keyring, error) {
	c := &r.config
	doc, version, err := c.Vault.Load(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(doc) == 0:
		return nil, errors.New("the ring is gone: restore it from a backup; this process keeps the keys that it holds")
	case version == held.version && !held.early:
		return c.waken(ctx, held), nil
	}
	next, err := c.open(ctx, doc, version, opened{rings: []*keyring{held}})
	if err != nil {
		return nil, err
	}
	union, lost := c.merge(held.content, next.content, c.Now())
	if !lost {
		c.keepEarly(next, held, c.Now())
		return next, nil
	}
	p, err := union.check(c.also())
	if err != nil {
		return nil, fmt.Errorf("putting the ring together with what the vault has: %w", err)
	}
	merged, err := c.unsealAll(ctx, p, opened{rings: []*keyring{next, held}})
	if err != nil {
		return nil, err
	}
	c.keepEarly(merged, held, c.Now())
	merged.version, merged.staleSeal, merged.unsaved = version, next.staleSeal, true
	return merged, nil
}

// waken tries again to open what a Custodian did not give.
func (c *Config) waken(ctx context.Context, held *keyring) *keyring {
	if !slices.ContainsFunc(held.signers, func(s signer) bool { return s.key == nil }) {
		return held
	}
	next := *held
	next.signers = slices.Clone(held.signers)
	c.reopenAll(ctx, &next)
	return &next
}

// anewBurst and anewEvery bound the readings that strangers can cause with ReadAnew.
const (
	anewBurst = 20
	anewEvery = time.Second
)

// ReadAnew is for a signing kid that the ring does not have: another node may have made the key this
// moment, in an emergency. It reads the vault, and that reading begins after the call; if it returns nil,
// look again, and a kid that is still missing is unknown for good. It returns ErrUnavailable if the
// vault could not be read, or if 20 calls came in a row faster than one a second; then nothing can be
// said about the kid.
func (r *Ring) ReadAnew(ctx context.Context) error {
	if r.state.Load() == nil {
		return r.Ready()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWait)
	defer cancel()
	r.mu.Lock()
	now := time.Now() // not Config.Now: this is about this machine's work
	if spent := now.Add(-anewBurst * anewEvery); r.anew.Before(spent) {
		r.anew = spent
	}
	if !r.anew.Before(now) {
		r.mu.Unlock()
		return fmt.Errorf("%w: unknown kids are asked for too fast", ErrUnavailable)
	}
	r.anew = r.anew.Add(anewEvery)
	earlier := r.flight
	r.mu.Unlock()
	if earlier != nil {
		select {
		case <-earlier.done:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	if err := r.reload(ctx, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Refresh is for a MAC kid that the ring does not have. It reads the vault unless that began less than
// 10 s ago, and returns nil if the ring is then good: look again, and a kid that is still missing
// is unknown for good, because a MAC key is in the vault for longer than that before it is used. It
// returns ErrUnavailable if the ring could not be read or is too old; then nothing can be said about
// the kid. For signing keys see ReadAnew.
func (r *Ring) Refresh(ctx context.Context) error {
	// Not ended by the request that asked: a client that hangs up must not spend the one reading
	// allowed to all.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshWait)
	defer cancel()
	if err := r.reload(ctx, refreshEvery); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return r.Ready()
}
