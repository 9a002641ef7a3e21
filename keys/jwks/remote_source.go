package jwks

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ/internal/outbound"
	"github.com/writ-go/writ/keys"
)

// source follows the set of one issuer.
type source struct {
	RemoteIssuer
	config *RemoteConfig
	host   string // of its URL, for errors
	client *http.Client

	held   atomic.Pointer[held] // never nil
	flight chan struct{}        // who fetches has put something in
	wake   chan struct{}

	unknown atomic.Uint64 // how often a kid was not known

	mu       sync.Mutex // for the following, and to replace held; nobody waits while holding it
	inquiry  inquiry
	next     time.Time // the next fetch on schedule
	failures int       // in a row
	cacheErr error
}

// held is what is known of a set. It is replaced as a whole.
type held struct {
	*answer           // nil: nothing
	asOf    time.Time // when the fetch that found it, or found it unchanged, began
	cached  bool      // it was in CacheDir
	err     error     // why a later fetch failed
}

func (h *held) key(kid string) *keys.Public {
	if h.answer == nil {
		return nil
	}
	return h.set.Keys[kid]
}

// errAsking is for floods, and so made once.
var errAsking = fmt.Errorf("%w: the set does not have this kid, and its issuer has not been asked for it yet (is Run running?)",
	keys.ErrUnavailable)

func newSource(c *RemoteConfig, issuer RemoteIssuer) *source {
	s := &source{
		RemoteIssuer: issuer,
		config:       c,
		flight:       make(chan struct{}, 1),
		wake:         make(chan struct{}, 1),
		inquiry:      inquiry{every: c.UnknownRefresh, lasts: c.MinRefresh, asked: map[string]question{}},
	}
	// Without KeepAlive every fetch checks the addresses again and leaves nothing running.
	s.host = issuer.target().Host()
	s.client = issuer.target().Client(outbound.Connection{Timeout: c.Timeout, RootCAs: c.RootCAs, Transport: c.Transport})
	s.held.Store(&held{err: fmt.Errorf("jwks: the key set of %q was not fetched yet: call Load, or Run in a goroutine", s.Issuer)})
	return s
}

func (s *source) public(kid string) (*keys.Public, error) {
	now := time.Now()
	h := s.held.Load()
	if k := h.key(kid); k != nil && elapsed(h.asOf, now) <= s.config.MaxStale {
		return k, nil
	}
	if !nameable(kid) { // no set has one
		return nil, keys.ErrUnknown
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h = s.held.Load() // it may have been replaced just now, by the answer to an earlier question
	err := s.ready(h, now)
	if k := h.key(kid); k != nil && err == nil {
		return k, nil
	}
	wanted := s.inquiry.wanted
	unknown := s.inquiry.unknown(kid, now)
	if err == nil {
		s.unknown.Add(1)
		if unknown {
			return nil, keys.ErrUnknown
		}
		err = errAsking
	}
	if !wanted { // else Run knows
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return nil, err
}

// ready says why nothing can be said about any kid.
func (s *source) ready(h *held, now time.Time) error {
	switch age := elapsed(h.asOf, now); {
	case h.answer == nil:
		return fmt.Errorf("%w: %w", keys.ErrUnavailable, h.err)
	case age <= s.config.MaxStale:
		return nil
	case h.err == nil:
		return fmt.Errorf("%w: that of %q was last fetched %s ago, %s allowed (is Run running?)",
			keys.ErrUnavailable, s.Issuer, age.Round(time.Second), s.config.MaxStale)
	default:
		return fmt.Errorf("%w: last fetched %s ago, %s allowed: %w",
			keys.ErrUnavailable, age.Round(time.Second), s.config.MaxStale, h.err)
	}
}

// maxSleep is how late a fetch may be because timers stand still while the machine is suspended.
const maxSleep = time.Minute

// alone calls f while nobody else fetches this set, unless ctx ends first.
func (s *source) alone(ctx context.Context, f func()) {
	if ctx.Err() != nil {
		return
	}
	select {
	case s.flight <- struct{}{}:
		defer func() { <-s.flight }()
		f()
	case <-ctx.Done():
	}
}

func (s *source) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait, _ := s.due()
		if wait > 0 {
			select {
			case <-ctx.Done():
			case <-s.wake:
			case <-time.After(min(wait, maxSleep)):
			}
			continue
		}
		s.alone(ctx, func() {
			if wait, _ := s.due(); wait <= 0 { // else Load has fetched meanwhile
				s.refresh(ctx)
			}
		})
	}
}

// due is how long to wait for the next fetch, and whether it may be a refetch for unknown kids.
func (s *source) due() (wait time.Duration, refetch bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	wait = until(s.next, now)
	if s.inquiry.wanted {
		w := until(s.inquiry.beganAt.Add(s.inquiry.every), now)
		wait, refetch = min(wait, w), w <= 0
	}
	return wait, refetch
}

// refresh fetches once.
func (s *source) refresh(ctx context.Context) {
	_, refetch := s.due()
	began, n := time.Now(), uint64(0)
	if refetch {
		s.mu.Lock()
		n = s.inquiry.begin(began)
		s.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	before := s.held.Load()
	a, err := s.fetch(ctx, before.answer, refetch)
	if err != nil {
		s.failed(before, err)
		return
	}
	s.mu.Lock()
	s.held.Store(&held{answer: a, asOf: began})
	s.failures = 0
	s.next = began.Add(jittered(min(max(a.lifetime, s.config.MinRefresh), s.config.MaxRefresh)))
	if refetch {
		s.inquiry.answer(n, began, func(kid string) bool { return a.set.Keys[kid] != nil })
	}
	s.mu.Unlock()
	s.keep(a, began)
}

// failed keeps what is held, or takes what CacheDir has if that is nothing.
func (s *source) failed(before *held, err error) {
	after := &held{before.answer, before.asOf, before.cached, err}
	if after.answer == nil {
		var cacheErr error
		after.answer, after.asOf, cacheErr = s.kept()
		after.cached = after.answer != nil
		s.reportCache(cacheErr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held.Store(after)
	s.failures++
	s.next = time.Now().Add(jittered(backoff(s.failures, s.config.MinRefresh)))
}

func (s *source) reportCache(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cacheErr = err
}

func (s *source) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held.Load()
	st := Status{
		Issuer: s.Issuer, AsOf: h.asOf, FromCache: h.cached, Err: h.err, CacheErr: s.cacheErr,
		Unknown: s.unknown.Load(), Refetches: s.inquiry.begun,
	}
	if h.answer != nil {
		st.Keys, st.Skipped = len(h.set.Keys), slices.Clone(h.set.Skipped)
	}
	return st
}
