package keys

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Step reads the vault and does what is due by the schedule: it publishes successors, wipes and removes
// what has had its time, wraps keys anew, and writes back a ring that had gone back. Of many nodes that
// step at once one succeeds, and the others go on with its document. It reports whether it wrote.
//
// It does nothing, and says so, if the clock is behind the document's date by more than Skew.
func (r *Ring) Step(ctx context.Context) (changed bool, err error) {
	var failed error
	changed, err = r.change(ctx, change{spare: true, do: func(d *draft) error {
		if failed = d.clock; failed == nil {
			failed = d.step()
		}
		return nil // what was merged, and what did not fail, is written all the same
	}})
	return changed, errors.Join(err, failed)
}

// Rewrap puts everything under the Wrapper's current key now. Step does it too, but only when the
// document has not been changed for MaxStale. It reports whether there was anything to do.
func (r *Ring) Rewrap(ctx context.Context) (changed bool, err error) {
	return r.change(ctx, change{do: (*draft).rewrapAll})
}

// Stage publishes a successor now, unless one is pending, and returns it. It signs when the period of
// the one before ends; if keys rotate by hand only, as soon as every verifier can know it.
func (r *Ring) Stage(ctx context.Context) (*Public, error) {
	var kid string
	_, err := r.change(ctx, change{spare: true, do: func(d *draft) (err error) {
		kid, err = d.stage()
		return err
	}})
	return r.published(kid, err)
}

// Promote lets a pending key sign now, before its time by the schedule. It refuses while there may be
// a verifier that does not know the key, and says until when: that is Propagation + MaxStale + 2 Skew
// after the key was published. To have that waited for, see Retire. "Now" is Skew from now: so long may
// writing take. It returns ErrUnknown if there is no such key.
func (r *Ring) Promote(ctx context.Context, kid string) error {
	_, err := r.change(ctx, change{do: func(d *draft) error { return d.promote(kid) }})
	return err
}

// Retire has a successor take over from the active key as soon as that is safe: a pending one, or one
// that it publishes now. It does nothing if the key has retired, and refuses if it is pending. It
// returns ErrUnknown if there is no such key.
func (r *Ring) Retire(ctx context.Context, kid string) error {
	_, err := r.change(ctx, change{spare: true, do: func(d *draft) error { return d.retire(kid) }})
	return err
}

// Replace is for an emergency: the key is compromised. The key leaves the ring at once, marked as such
// in Removed; so do all pending keys, which were kept beside it. A new key, which it returns, signs at
// once, although verifiers do not know it yet: they have to ask again. A key that has left the ring
// already is only marked; then the active key is returned. It returns ErrUnknown if there never was
// such a key.
//
// Every other node follows within MaxStale, and verifiers that keep a copy of the key set within
// Propagation after that. What revokes tokens sooner is the revocation log: package writ puts the kid
// into it.
//
// If it returns another error, look at Removed, and call it again.
func (r *Ring) Replace(ctx context.Context, kid string) (*Public, error) {
	var successor string
	_, err := r.change(ctx, change{do: func(d *draft) (err error) {
		successor, err = d.replace(kid)
		return err
	}})
	return r.published(successor, err)
}

// Prune wipes and removes what is due, and nothing else of what Step does.
func (r *Ring) Prune(ctx context.Context) error {
	_, err := r.change(ctx, change{do: func(d *draft) error {
		if d.clock != nil {
			return d.clock
		}
		d.prune()
		return nil
	}})
	return err
}

func (r *Ring) published(kid string, err error) (*Public, error) {
	if err != nil {
		return nil, err
	}
	return r.Public(r.config.Issuer, kid)
}

// change is one change of the document. do is called again for each newer document.
type change struct {
	do    func(*draft) error
	spare bool  // a Custodian's key that was not used before will do
	mint  *mint // which has the key already; default: one that makes it
}

const changeTries = 8

func (r *Ring) change(ctx context.Context, c change) (changed bool, err error) {
	if r.state.Load() == nil {
		return false, r.Ready()
	}
	m := c.mint
	if m == nil {
		m = &mint{config: &r.config}
	}
	for try := range changeTries {
		if err := pause(ctx, try); err != nil {
			return false, err
		}
		if err := r.reload(ctx, 0); err != nil {
			return false, err
		}
		changed, events, err := r.attempt(ctx, c, m)
		r.observe(events...)
		if !errors.Is(err, ErrConflict) {
			return changed, err
		}
	}
	return false, fmt.Errorf("%w: the ring is being changed by others all the time", ErrUnavailable)
}

// attempt makes the change to the document that the ring holds.
func (r *Ring) attempt(ctx context.Context, c change, m *mint) (changed bool, events []RingEvent, err error) {
	if err := r.take(ctx); err != nil {
		return false, nil, err
	}
	defer r.release()
	ctx, cancel := context.WithTimeout(ctx, max(r.config.MaxStale/3, time.Second)) // or the ring would go stale meanwhile
	defer cancel()
	m.ctx = ctx
	held := r.state.Load()
	if r.spare != nil && (held.content.has(r.spare.KID) || held.content.buried(r.spare.KID)) {
		r.spare = nil
	}
	if c.spare {
		m.spare = r.spare
	}
	defer func() {
		if m.made != nil && m.made.Ref != "" && !r.state.Load().content.has(m.made.KID) {
			r.spare = m.made
		}
	}()
	var d *draft
	for m.worked = true; m.worked; { // again after making keys: the time that takes does not count as published
		m.worked = false
		d = r.config.draft(held.content, r.config.Now(), m)
		d.staleSeal = held.staleSeal
		if err := c.do(d); err != nil {
			return false, nil, err
		}
	}
	if !d.changed && !held.unsaved {
		return false, nil, nil
	}
	next, err := r.config.save(ctx, d, held.keyring, m.signer)
	if err != nil {
		return false, nil, err
	}
	events = r.adopt(next, held.synced, held.err)
	if len(m.wrapped) > 0 || held.staleSeal {
		events = append(events, RingEvent{Kind: RingRewrapped})
	}
	return true, events, nil
}

// save writes a draft, after it has shown that what it writes can be opened. It must not take longer
// than Skew: from now on, as the draft has it, the keys in it count as published.
func (c *Config) save(ctx context.Context, d *draft, held *keyring, made *Private) (*keyring, error) {
	wait, cancel := context.WithTimeout(ctx, max(c.Skew, time.Second))
	defer cancel()
	doc, err := c.sealDocument(wait, d.finish())
	if err != nil {
		return nil, fmt.Errorf("keys: changing the ring: %w", err)
	}
	next, err := c.open(wait, doc, 0, opened{[]*keyring{held}, made})
	if err != nil {
		return nil, fmt.Errorf("keys: changing the ring: what it would be cannot be opened: %w", err)
	}
	next.version, err = c.Vault.Save(wait, doc, held.version)
	if err != nil && !errors.Is(err, ErrConflict) {
		// It may have been saved all the same.
		if stored, version, loadErr := c.Vault.Load(ctx); loadErr == nil && slices.Equal(stored, doc) {
			next.version, err = version, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keys: saving the ring: %w", err)
	}
	c.keepEarly(next, held, c.Now())
	return next, nil
}

// pause waits a random time that grows with the number of tries, at most 100 ms.
func pause(ctx context.Context, try int) error {
	if try == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(rand.N(min(5*time.Millisecond<<try, 100*time.Millisecond))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
