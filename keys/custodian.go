package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Custodian makes and reopens signing keys that never leave it: a KMS, an HSM. MAC keys and data keys
// are not for it.
//
// The ring keeps what Create returns, sealed like the rest, and drops it when the key's private half
// would be wiped: Config.Observe is told then, and the key may be destroyed. A Create whose outcome
// the ring could not save is not forgotten while the process lives; its key is the next to be used.
// A process that ends first, or an emergency, may leave a key that no ring names.
type Custodian interface {
	// Create makes a key for the algorithm and returns what to call it. That must be no secret, and is
	// at most 1024 bytes of UTF-8.
	Create(ctx context.Context, a Algorithm) (ref string, err error)

	// Open returns the key that ref names. The signer is used by many goroutines at once. It is kept,
	// so that Open is not called again but in another process, or after it has failed.
	Open(ctx context.Context, ref string) (crypto.Signer, error)
}

const (
	maxRef        = 1024
	custodianWait = 5 * time.Second // for all keys of one reading: others must not go stale with it
)

var errNoCustodian = errors.New("a Custodian keeps this key, and Config.Custodian is nil")

// entrust makes a key in the Custodian, or takes the spare one if it is of use.
func (c *Config) entrust(ctx context.Context, spare *signingItem) (signingItem, *Private, error) {
	if spare != nil && spare.Alg == c.Algorithm.Name() {
		if private, err := c.reopen(ctx, c.Algorithm, spare.Ref); err == nil && private.ID() == spare.KID {
			k := c.item(private)
			k.Ref = spare.Ref
			return k, private, nil
		}
	}
	ref, err := c.Custodian.Create(ctx, c.Algorithm)
	if err != nil {
		return signingItem{}, nil, fmt.Errorf("the Custodian: %w", err)
	}
	if ref == "" || len(ref) > maxRef || !utf8.ValidString(ref) {
		return signingItem{}, nil, fmt.Errorf("the Custodian calls a key what is not 1 to %d bytes of UTF-8", maxRef)
	}
	private, err := c.reopen(ctx, c.Algorithm, ref)
	if err != nil {
		return signingItem{}, nil, err
	}
	k := c.item(private)
	k.Ref = ref
	return k, private, nil
}

func (c *Config) reopen(ctx context.Context, a Algorithm, ref string) (*Private, error) {
	if c.Custodian == nil {
		return nil, errNoCustodian
	}
	s, err := c.Custodian.Open(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("the Custodian: %w", err)
	}
	return FromSigner(a, s)
}

// reopenAll opens the keys that a Custodian keeps. One that cannot be had, for now or at all, does not
// sign; everything else goes on.
func (c *Config) reopenAll(ctx context.Context, k *keyring) {
	ctx, cancel := context.WithTimeout(ctx, custodianWait)
	defer cancel()
	for i := range k.signers {
		s := &k.signers[i]
		if s.key != nil {
			continue
		}
		public := k.byID[s.KID]
		private, err := c.reopen(ctx, public.algorithm, s.Ref)
		if err == nil && private.ID() != s.KID {
			err = errors.New("the Custodian has another key under this name")
		}
		if s.err = err; err == nil {
			s.key, private.maxTTL = private, s.maxTTL
		}
	}
}
