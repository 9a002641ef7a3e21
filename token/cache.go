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
	seed maphash.Seed
	live atomic.Pointer[live] // nil while Run does not run

	mu       sync.Mutex
	verifies map[checkOf]*first
	queue    []*cached // on their way into ristretto
}

// live is what a running cache has. The newest tokens stand in recent, one for a place. From there the
// goroutine of Run hands them on to ristretto: to wake ristretto's own takes as long as half a
// signature, which no request is to wait for.
type live struct {
	recent  []atomic.Pointer[cached] // by hash; a power of two
	entries *ristretto.Cache[uint64, *cached]
	users   [8]user // by hash
	most    int     // how many entries there can be
}

// end is when an entry of ristretto's is of no more use. ristretto could know it too, but would ask the
// clock at every look-up; and without an end the dead, which were asked for often, keep the living out.
type end struct {
	hash  uint64
	until time.Time
}

// user is locked for reading by whoever uses the entries, which ristretto must not close meanwhile.
type user struct {
	sync.RWMutex
	_ [40]byte // a cache line to itself
}

type cached struct {
	raw string
	t   *Verified
	end
}

// checkOf is a token under a key: an issuer that is not writ may give another key the same kid.
type checkOf struct {
	raw string
	key *keys.Public
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

func (l *live) place(hash uint64) *atomic.Pointer[cached] {
	return &l.recent[hash&uint64(len(l.recent)-1)]
}

// get returns nil for a token that is not remembered.
func (c *cache) get(raw string) *Verified {
	l := c.live.Load()
	if l == nil {
		return nil
	}
	h := c.hash(raw)
	if e := l.place(h).Load(); e != nil && e.raw == raw {
		return e.t
	}
	u := &l.users[h%uint64(len(l.users))]
	u.RLock()
	defer u.RUnlock()
	if c.live.Load() != l {
		return nil
	}
	if e, ok := l.entries.Get(h); ok && e.raw == raw {
		return e.t
	}
	return nil
}

// put remembers t until then, or less long. What has no room in the queue is remembered until another
// token takes its place.
func (c *cache) put(raw string, t *Verified, until time.Time) {
	l := c.live.Load()
	if l == nil {
		return
	}
	// raw is often part of a whole header, which must not be kept with it.
	e := &cached{strings.Clone(raw), t, end{c.hash(raw), until}}
	l.place(e.hash).Store(e)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) < l.most/4 {
		c.queue = append(c.queue, e)
	}
}

// cost is what an entry takes: the text, the decoded claims, which are no longer than the text, and
// what stands around them in the Verified and in ristretto.
func (e *cached) cost() int64 {
	return int64(2*len(e.raw) + cachedOverhead + len(e.t.claims)*claimOverhead)
}

const (
	cachedOverhead = 1 << 10
	claimOverhead  = 64
)

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

// newLive shares the bytes: a quarter for the recent, the rest for ristretto.
func newLive(bytes int64) (*live, error) {
	places := 8
	for places < 4096 && int64(16*places)*2*cachedOverhead <= bytes {
		places *= 2
	}
	entries, err := ristretto.NewCache(&ristretto.Config[uint64, *cached]{
		MaxCost:            bytes - bytes/4,
		NumCounters:        max(1000, bytes/200), // ten for each entry of 2 KiB
		BufferItems:        64,
		IgnoreInternalCost: true,
	})
	return &live{recent: make([]atomic.Pointer[cached], places), entries: entries, most: int(bytes / cachedOverhead)}, err
}

const (
	handOver   = 100 * time.Millisecond // how often the queue is emptied
	sweepEvery = 10 * time.Second       // how often tokens that have ended are taken out
)

// run holds the tokens until ctx ends.
func (c *cache) run(ctx context.Context, bytes int64, now func() time.Time) error {
	l, err := newLive(bytes)
	if err != nil {
		return err
	}
	if !c.live.CompareAndSwap(nil, l) {
		l.entries.Close()
		return errors.New("token: this Verifier runs already")
	}
	tick := time.NewTicker(handOver)
	defer tick.Stop()
	var ends []end // in the order in which tokens came, which is nearly that of their ends
	for n := 1; ctx.Err() == nil; n++ {
		select {
		case <-ctx.Done():
			continue
		case <-tick.C:
		}
		c.mu.Lock()
		queue := c.queue
		c.queue = nil
		c.mu.Unlock()
		for _, e := range queue {
			l.entries.Set(e.hash, e, e.cost())
			ends = append(ends, e.end)
		}
		if n%int(sweepEvery/handOver) == 0 {
			ends = l.sweep(ends, now())
		}
	}
	c.live.Store(nil)
	for i := range l.users { // who still uses the entries is let out, and who comes later finds none
		l.users[i].Lock()
		defer l.users[i].Unlock()
	}
	l.entries.Close()
	return ctx.Err()
}

// sweep takes out the tokens that have ended, and returns the ends of the others.
func (l *live) sweep(ends []end, now time.Time) []end {
	for i := range l.recent {
		if e := l.recent[i].Load(); e != nil && e.until.Before(now) {
			l.recent[i].CompareAndSwap(e, nil)
		}
	}
	n := 0
	for ; n < len(ends) && ends[n].until.Before(now); n++ {
		l.entries.Del(ends[n].hash)
	}
	return append([]end(nil), ends[max(n, len(ends)-4*l.most):]...)
}
