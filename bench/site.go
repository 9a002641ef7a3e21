package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// clock is moved by hand: a session must be as old as the rotation's window before its next refresh
// rotates.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time { return time.Unix(0, c.nanos.Load()) }

func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// policy has the shortest window that goes with the default Latency, so that the clock, and with it
// the age of what the Manager has loaded, need not move far.
var policy = rotation.Policy{JarFlush: time.Nanosecond, Skew: time.Millisecond, Window: 20100 * time.Millisecond}

// window is what the clock must move between two refreshes of a session.
const window = 21 * time.Second

// site is a Manager on one store, as a server would run it.
type site struct {
	*writ.Manager
	store    writ.Store
	clock    *clock
	subjects atomic.Int64
	queue    chan string   // refresh tokens; who refreshes takes the oldest
	step     time.Duration // what the clock moves for each

	mu    sync.Mutex
	alarm error
}

// openSite opens a Manager that tells what it should not have met. maxSessions: see writ.Config.
func openSite(ctx context.Context, store writ.Store, c *clock, maxSessions int) (*site, error) {
	s := &site{store: store, clock: c}
	var err error
	s.Manager, err = writ.Open(ctx, writ.Config{
		Issuer: issuer, Audience: audience, Store: store, KeysInClear: true, Algorithm: keys.EdDSA, KeyPeriod: -1,
		Rotation: policy, MaxStale: time.Hour, MaxSessions: maxSessions, Now: c.now, Observe: s.observe,
	})
	return s, err
}

func (s *site) observe(_ context.Context, e writ.Event) {
	switch e.Kind {
	case writ.Reused, writ.Recovered, writ.Expired, writ.Regressed, writ.Failed, writ.KeysFailed, writ.KeysMerged:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.alarm = errors.Join(s.alarm, fmt.Errorf("%s: %w", e.Kind, e.Err))
	}
}

// check returns what should not have happened.
func (s *site) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alarm
}

var client = token.Client{
	UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	Addr:      netip.MustParseAddr("192.0.2.17"),
}

// login is of a session such as those of the other tables' tokens.
func login(subject string) writ.Login {
	return writ.Login{
		Subject: subject,
		Claims:  token.Claims{Scope: []string{"read", "write"}, Data: newPrivate(time.Time{}).Data},
		Client:  client,
	}
}

// start signs a new subject in and returns its refresh token.
func (s *site) start(ctx context.Context) (string, error) {
	pair, err := s.Start(ctx, login(fmt.Sprintf("user-%010d", s.subjects.Add(1))))
	if err != nil {
		return "", err
	}
	if pair.Access == "" || pair.Refresh == "" {
		return "", errors.New("a sign-in gave no tokens")
	}
	return pair.Refresh, nil
}

// rotate refreshes a token, which must give a new pair.
func (s *site) rotate(ctx context.Context, raw string) (string, error) {
	pair, err := s.Refresh(ctx, raw, client)
	if err != nil {
		return "", err
	}
	if pair.Access == "" || pair.Refresh == "" || pair.Refresh == raw {
		return "", errors.New("a refresh did not rotate")
	}
	return pair.Refresh, nil
}

// enqueue makes these the sessions that refreshNext takes in turn, by at most so many callers.
func (s *site) enqueue(raws []string, callers int) {
	s.queue = make(chan string, len(raws))
	for _, raw := range raws {
		s.queue <- raw
	}
	s.step = window / time.Duration(len(raws)-callers)
	s.clock.advance(window)
}

// refreshNext refreshes the session that has waited longest. By then its last refresh is a window ago.
func (s *site) refreshNext(ctx context.Context) error {
	raw := <-s.queue
	s.clock.advance(s.step)
	next, err := s.rotate(ctx, raw)
	if err != nil {
		return err
	}
	s.queue <- next
	return nil
}

// startMany signs in while there is more to do, and returns the refresh tokens.
func (s *site) startMany(ctx context.Context, callers int, more func(int) bool) ([]string, done, error) {
	var mu sync.Mutex
	var raws []string
	d, err := together(callers, more, func(int) error {
		raw, err := s.start(ctx)
		mu.Lock()
		defer mu.Unlock()
		raws = append(raws, raw)
		return err
	})
	return raws, d, err
}

// logoutAll ends the sessions of these tokens.
func (s *site) logoutAll(ctx context.Context, callers int, raws []string) (done, error) {
	return together(callers, times(len(raws)), func(i int) error { return s.Revoke(ctx, raws[i]) })
}

// mostCallers is how many callers there are at most, and herd how many sessions they share.
const (
	mostCallers = 64
	herd        = 4096
)

// openRunning opens a store and a site with sessions on it, and runs it until stop.
func openRunning(ctx context.Context, p *place, name string) (s *site, stop func() error, err error) {
	store, err := p.open(ctx, p.address, name)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	stop = func() error {
		cancel()
		running.Wait()
		err := store.Close()
		if s != nil {
			err = errors.Join(err, s.check())
		}
		return err
	}
	if s, err = openSite(ctx, store, newClock(), 0); err == nil {
		running.Go(func() { s.Run(ctx) })
		var raws []string
		if raws, _, err = s.startMany(ctx, mostCallers, times(herd)); err == nil {
			s.enqueue(raws, mostCallers)
			return s, stop, nil
		}
	}
	return nil, nil, errors.Join(err, stop())
}
