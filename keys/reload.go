package keys

import (
	"context"
	"errors"
	"fmt"
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

// Run reads the vault again every third of MaxStale until ctx ends, and returns ctx.Err(). A
// reading that fails leaves the ring as it is, and is reported by Ready once the ring is too old.
func (r *Ring) Run(ctx context.Context) error {
	every := r.config.MaxStale / 3
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, every)
		r.Reload(attempt) // the state keeps its error
		cancel()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// Reload reads the vault now; callers at the same time share one reading. A document that is
// damaged, gone, of another issuer, older than what the ring holds, or lacking a key that it holds,
// never replaces it: Reload returns an error and the ring stays as it is. So a store that lost its
// latest writes takes no key away. To adopt a ring that was made anew on purpose, restart.
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
	held := r.state.Load()
	next, err := r.reread(ctx, held.keyring)
	if err != nil {
		f.gaveUp = ctx.Err() != nil
		f.err = fmt.Errorf("keys: reloading %s: %w", vaultName(r.config.Vault), err)
		r.state.Store(&ringState{held.keyring, held.synced, f.err})
		return f.err
	}
	f.err = nil
	r.state.Store(&ringState{next, f.began, nil})
	return nil
}

func (r *Ring) reread(ctx context.Context, held *keyring) (*keyring, error) {
	doc, version, err := r.config.Vault.Load(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(doc) == 0:
		return nil, errors.New("the ring is gone: restore it from a backup; this process keeps the keys that it holds")
	case version == held.version:
		return held, nil
	}
	next, err := r.config.open(ctx, doc, version)
	if err != nil {
		return nil, err
	}
	if next.lacksSomeOf(held) {
		return nil, errors.New("the ring went back to an older state: restore it from a backup, or restart to adopt it; " +
			"this process keeps the keys that it holds")
	}
	return next, nil
}

func (k *keyring) lacksSomeOf(held *keyring) bool {
	for id := range held.byID {
		if k.byID[id] == nil {
			return true
		}
	}
	for kid := range held.macByID {
		if k.macByID[kid] == nil {
			return true
		}
	}
	return k.updatedAt.Before(held.updatedAt)
}

// Refresh is for a kid that the ring does not have. It reads the vault unless that began less than
// 10 s ago, and returns nil if the ring is then good: look again, and a kid that is still missing
// is unknown for good. It returns ErrUnavailable if the ring could not be read or is too old; then
// nothing can be said about the kid.
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
