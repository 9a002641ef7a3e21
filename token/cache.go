package token

import (
	"context"
	"errors"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/ristretto/v2"
)

// defaultCacheBytes holds some ten thousand tokens.
const defaultCacheBytes = 32 << 20

// cache remembers tokens whose signature was right. It saves time and decides nothing: what it
// forgets is verified again, and what it remembers is compared as a whole and judged again every
// time. Errors are not remembered.
type cache struct {
	seed    maphash.Seed
	entries atomic.Pointer[ristretto.Cache[uint64, *cached]] // nil while Run does not run
	filling sync.RWMutex                                     // ristretto must not be closed while it is filled

	mu       sync.Mutex
	verifies map[string]*first
}

type cached struct {
	raw string
	t   *Verified
}

// first is the one check of a token that many bring at once.
type first struct {
	done sync.WaitGroup
	t    *Verified
	err  error
}

func newCache() *cache {
	return &cache{seed: maphash.MakeSeed(), verifies: map[string]*first{}}
}

// hash looks at the end of the signature only, in which no two tokens agree that were not made to. A
// thief who makes them agree is told apart by the whole token, and costs himself a look-up.
func (c *cache) hash(raw string) uint64 {
	return maphash.String(c.seed, raw[max(0, len(raw)-64):])
}

// get returns nil for a token that is not remembered.
func (c *cache) get(raw string) *Verified {
	entries := c.entries.Load()
	if entries == nil {
		return nil
	}
	if e, ok := entries.Get(c.hash(raw)); ok && e.raw == raw {
		return e.t
	}
	return nil
}

// put may forget at once: ristretto takes what its queue and its policy let in.
func (c *cache) put(raw string, t *Verified) {
	c.filling.RLock()
	defer c.filling.RUnlock()
	if entries := c.entries.Load(); entries != nil {
		// raw is often part of a whole header, which must not be kept with it.
		entries.Set(c.hash(raw), &cached{strings.Clone(raw), t}, int64(2*len(raw)+cachedOverhead))
	}
}

// cachedOverhead is what an entry takes beside the token's text and its decoded claims, which are no
// longer than the text: the Verified, and what ristretto keeps of an entry.
const cachedOverhead = 1 << 10

// once calls check for the first of those who bring raw at the same time; the others get what it
// found.
func (c *cache) once(raw string, check func() (*Verified, error)) (*Verified, error) {
	c.mu.Lock()
	if f, ok := c.verifies[raw]; ok {
		c.mu.Unlock()
		f.done.Wait()
		return f.t, f.err
	}
	f := &first{err: errNoAnswer}
	f.done.Add(1)
	c.verifies[raw] = f
	c.mu.Unlock()

	defer func() { // also if a key's algorithm panics
		c.mu.Lock()
		delete(c.verifies, raw)
		c.mu.Unlock()
		f.done.Done()
	}()
	f.t, f.err = check()
	return f.t, f.err
}

// run holds the entries until ctx ends.
func (c *cache) run(ctx context.Context, bytes int64) error {
	entries, err := ristretto.NewCache(&ristretto.Config[uint64, *cached]{
		MaxCost:            bytes,
		NumCounters:        max(1000, bytes/200), // ten for each entry of 2 KiB
		BufferItems:        64,
		IgnoreInternalCost: true,
	})
	if err != nil {
		return err
	}
	if !c.entries.CompareAndSwap(nil, entries) {
		entries.Close()
		return errors.New("token: this Verifier runs already")
	}
	<-ctx.Done()
	c.filling.Lock()
	c.entries.Store(nil)
	c.filling.Unlock()
	entries.Close()
	return ctx.Err()
}
