package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Ring is the live key ring: it signs with the active key and verifies with every key not yet
// removed. All methods are safe for concurrent use; those without a context never wait. The zero
// Ring answers ErrUnavailable: use Open.
type Ring struct {
	config Config
	state  atomic.Pointer[ringState]

	turn  chan struct{} // held by who replaces state; of length 1
	spare *signingItem  // a Custodian's key that no ring has yet; for who holds turn

	telling sync.Mutex // one event at a time

	mu        sync.Mutex // for the following; readers never take it
	flight    *flight
	attempted time.Time // when the last reading of the vault that counts began
	anew      time.Time // what ReadAnew has used up: it must lie before now
	outcome   error     // of that reading
}

// ringState is replaced as a whole.
type ringState struct {
	*keyring
	synced time.Time // when the last good reading began
	err    error     // why a later one failed
	active [3]string // the kids of what signed then, for events: sig, mac, data
}

// Open loads the ring from its vault, making the first one if there is none. When many processes
// open an empty vault at once, one makes the ring and all return that one.
//
// It fails if the vault cannot be read, if the ring is damaged, of another issuer, or sealed under
// another secret (ErrOtherSecret), and if a key that could sign does not pass its self-test. Not so if
// a Custodian does not give its key: then the ring verifies, and Signing returns ErrUnavailable until
// a later reading finds the Custodian well.
//
// The ring is good for Config.MaxStale: call Run in a goroutine of yours to keep it so, and to have the
// keys rotate.
func Open(ctx context.Context, c Config) (*Ring, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	r, err := c.load(ctx)
	if r != nil || err != nil {
		return r, err
	}
	r, err = Create(ctx, c)
	if !errors.Is(err, ErrConflict) {
		return r, err
	}
	if r, err = c.load(ctx); r == nil && err == nil {
		err = fmt.Errorf("%w, and it is gone again", ErrConflict)
	}
	return r, err
}

// Create makes the first ring in an empty vault: one signing key, one MAC key and one data key, active
// at once. It fails with ErrConflict if there is a ring already. Programs want Open; Create is for
// tools that must not adopt one.
func Create(ctx context.Context, c Config) (*Ring, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	began := c.Now()
	doc, made, err := c.newDocument(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys: making the first ring: %w", err)
	}
	// Opened before it is saved, so that a Wrapper that cannot unwrap leaves no ring behind.
	k, err := c.open(ctx, doc, 0, opened{made: made})
	if err != nil {
		return nil, fmt.Errorf("keys: making the first ring: %w", err)
	}
	if k.version, err = c.Vault.Save(ctx, doc, 0); err != nil {
		return nil, fmt.Errorf("keys: saving the first ring: %w", err)
	}
	return c.ring(k, began), nil
}

// Load is Open for tools: it never makes a ring, and returns ErrNoRing if the vault is empty.
func Load(ctx context.Context, c Config) (*Ring, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	r, err := c.load(ctx)
	if r == nil && err == nil {
		return nil, fmt.Errorf("%w: %s is empty", ErrNoRing, vaultName(c.Vault))
	}
	return r, err
}

// load returns nil and no error if the vault is empty.
func (c *Config) load(ctx context.Context) (*Ring, error) {
	began := c.Now()
	doc, version, err := c.Vault.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys: loading the ring: %w", err)
	}
	if len(doc) == 0 && version == 0 {
		return nil, nil
	}
	k, err := c.open(ctx, doc, version, opened{})
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", vaultName(c.Vault), err)
	}
	return c.ring(k, began), nil
}

func (c *Config) ring(k *keyring, synced time.Time) *Ring {
	r := &Ring{config: *c, turn: make(chan struct{}, 1), attempted: synced}
	r.state.Store(&ringState{keyring: k, synced: synced, active: k.active(synced)})
	return r
}

// Signing is the key to sign with now: the newest whose time has come. It returns ErrUnavailable if
// the ring has not been read within MaxStale, for another node may have retired the key meanwhile, and
// if a Custodian keeps the key but does not give it: a retired one must not sign in its place.
func (r *Ring) Signing() (*Private, error) {
	if err := r.Ready(); err != nil {
		return nil, err
	}
	s := r.state.Load()
	k := &s.signers[current(s.signers, r.config.Now())]
	if k.key == nil {
		return nil, fmt.Errorf("%w: key %s: %w", ErrUnavailable, k.KID, k.err)
	}
	return k.key, nil
}

// Public is the verification key for an issuer's kid. A kid that the ring does not have is
// ErrUnknown, or ErrUnavailable if the ring has not been read within MaxStale; see ReadAnew. Another
// issuer's kid is ErrUnknown.
func (r *Ring) Public(issuer, kid string) (*Public, error) {
	s := r.state.Load()
	if s == nil {
		return nil, ErrUnavailable
	}
	if issuer != r.config.Issuer {
		return nil, ErrUnknown
	}
	if k, ok := s.byID[kid]; ok {
		return k, nil
	}
	if err := r.Ready(); err != nil {
		return nil, err
	}
	return nil, ErrUnknown
}

// Publics are all verification keys, in order of activation. A symmetric one is among them, and must
// not be published: jwks.Marshal leaves it out.
func (r *Ring) Publics() []*Public {
	s := r.state.Load()
	if s == nil {
		return nil
	}
	return slices.Concat(s.kept, s.publics)
}

// SigningMAC is the key that authenticates new refresh tokens. It returns ErrUnavailable as Signing
// does.
func (r *Ring) SigningMAC() ([]byte, error) {
	if err := r.Ready(); err != nil {
		return nil, err
	}
	s := r.state.Load()
	return bytes.Clone(s.macs[current(s.macs, r.config.Now())].key), nil
}

// MAC is the MAC key with a kid, which is the first 4 bytes of the key's SHA-256. If there is none,
// the kid is unknown for good only once Refresh returns nil and MAC still has none.
func (r *Ring) MAC(kid [4]byte) ([]byte, bool) {
	s := r.state.Load()
	if s == nil {
		return nil, false
	}
	k, ok := s.macByID[kid]
	return bytes.Clone(k), ok
}

// Ready returns nil if the vault was read within MaxStale, and otherwise ErrUnavailable with the
// reason.
func (r *Ring) Ready() error {
	s := r.state.Load()
	if s == nil {
		return fmt.Errorf("%w: the ring was not opened", ErrUnavailable)
	}
	age := r.elapsed(s.synced, r.config.Now())
	if age <= r.config.MaxStale {
		return nil
	}
	last := fmt.Sprintf("last read %v ago", age.Round(time.Second))
	if age == unknowable {
		last = "last read before the clock was set back"
	}
	if s.err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, last, s.err)
	}
	return fmt.Errorf("%w: %s; is Run running?", ErrUnavailable, last)
}

// unknowable is how long ago something was if the clock has been set back since. It is longer than
// any limit.
const unknowable = time.Duration(math.MaxInt64)

// elapsed is the larger of what the wall clock and the monotonic clock say: the one may step back,
// the other stops while the machine sleeps. Config.Now may have no monotonic clock, which alone
// makes Sub negative.
func (r *Ring) elapsed(since, now time.Time) time.Duration {
	if now.Sub(since) < -r.config.Skew {
		return unknowable
	}
	return max(0, now.Sub(since), now.Round(0).Sub(since.Round(0)))
}
