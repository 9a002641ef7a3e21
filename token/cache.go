package token

import (
	"context"
	"errors"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/writ-go/writ/keys"
)

// defaultCacheBytes holds some ten thousand tokens.
const (
	defaultCacheBytes = 32 << 20
	minCacheBytes     = 64 << 10
	maxCacheBytes     = 64 << 30
)

// cache remembers tokens whose signature was right. It saves time and decides nothing: what it
// forgets is verified again, and what it remembers is compared as a whole and judged again every
// time. Errors are not remembered.
type cache struct {
	seed    maphash.Seed
	entries atomic.Pointer[ristretto.Cache[uint64, *cached]] // nil while Run does not run
	users   [8]user                                          // by hash

	mu       sync.Mutex
	verifies map[checkOf]*first
	ends     []end // in the order in which tokens came, which is nearly that of their ends
}

// end is when an entry is of no more use. ristretto could know it too, but would ask the clock at every
// look-up; and without an end the dead, which were asked for often, keep the living out.
type end struct {
	hash uint64
	at   time.Time
}

// user is locked for reading by whoever uses the entries, which ristretto must not close meanwhile.
type user struct {
	sync.RWMutex
	_ [40]byte // a cache line to itself
}

// checkOf is a token under a key: an issuer that is not writ may give another key the same kid.
type checkOf struct {
	raw string
	key *keys.Public
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
	return &cache{seed: maphash.MakeSeed(), verifies: map[checkOf]*first{}}
}

// hash looks at the end of the signature only, in which no two tokens agree that were not made to. A
// thief who makes them agree is told apart by the whole token, and costs himself a look-up.
func (c *cache) hash(raw string) uint64 {
	return maphash.String(c.seed, raw[max(0, len(raw)-64):])
}

// get returns nil for a token that is not remembered.
func (c *cache) get(raw string) *Verified {
	if c.entries.Load() == nil {
		return nil
	}
	h := c.hash(raw)
	u := &c.users[h%uint64(len(c.users))]
	u.RLock()
	defer u.RUnlock()
	if entries := c.entries.Load(); entries != nil {
		if e, ok := entries.Get(h); ok && e.raw == raw {
			return e.t
		}
	}
	return nil
}

// put remembers t until then, or less long: ristretto takes what its queue and its policy let in.
func (c *cache) put(raw string, t *Verified, until time.Time) {
	if c.entries.Load() == nil {
		return
	}
	h := c.hash(raw)
	u := &c.users[h%uint64(len(c.users))]
	u.RLock()
	defer u.RUnlock()
	if entries := c.entries.Load(); entries != nil {
		// raw is often part of a whole header, which must not be kept with it.
		entries.Set(h, &cached{strings.Clone(raw), t}, int64(2*len(raw)+cachedOverhead))
		c.mu.Lock()
		c.ends = append(c.ends, end{h, until})
		c.mu.Unlock()
	}
}

// ended returns the hashes of tokens that have ended by now, and keeps no more than so many others.
func (c *cache) ended(now time.Time, most int64) (hashes []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for ; n < len(c.ends) && c.ends[n].at.Before(now); n++ {
		hashes = append(hashes, c.ends[n].hash)
	}
	n = max(n, len(c.ends)-int(most))
	c.ends = append([]end(nil), c.ends[n:]...)
	return hashes
}

// cachedOverhead is what an entry takes beside the token's text and its decoded claims, which are no
// longer than the text: the Verified, and what ristretto keeps of an entry.
const cachedOverhead = 1 << 10

// once calls check for the first of those who bring a token at the same time; the others get what it
// found.
func (c *cache) once(of checkOf, check func() (*Verified, error)) (*Verified, error) {
	c.mu.Lock()
	if f, ok := c.verifies[of]; ok {
		c.mu.Unlock()
		f.done.Wait()
		return f.t, f.err
	}
	f := &first{err: errNoAnswer}
	f.done.Add(1)
	c.verifies[of] = f
	c.mu.Unlock()

	defer func() { // also if a key's algorithm panics
		c.mu.Lock()
		delete(c.verifies, of)
		c.mu.Unlock()
		f.done.Done()
	}()
	f.t, f.err = check()
	return f.t, f.err
}

// sweepEvery is how often tokens that have ended are taken out.
const sweepEvery = 10 * time.Second

// run holds the entries until ctx ends.
func (c *cache) run(ctx context.Context, bytes int64, now func() time.Time) error {
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
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-sweep.C:
			for _, h := range c.ended(now(), 4*bytes/cachedOverhead) {
				entries.Del(h)
			}
		}
	}
	c.entries.Store(nil)
	for i := range c.users { // who still uses them is let out, and who comes later finds none
		c.users[i].Lock()
		defer c.users[i].Unlock()
	}
	entries.Close()
	return ctx.Err()
}
