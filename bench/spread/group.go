package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// group is three nodes on one store, and an API that follows the first of them.
type group struct {
	store    string
	pollOnly bool
	nodes    []*process
	api      *process
	users    int
}

const ofGroup = 3

func startGroup(store, url string, pollOnly bool) (*group, error) {
	name := "push"
	if pollOnly {
		name = "poll"
	}
	g := &group{store: store, pollOnly: pollOnly}
	for range ofGroup {
		p, err := setup{Store: store, URL: url, Name: name, PollOnly: pollOnly}.start()
		if err != nil {
			return nil, errors.Join(err, g.stop())
		}
		g.nodes = append(g.nodes, p)
	}
	var err error
	if g.api, err = (setup{Follow: g.nodes[0].address}).start(); err != nil {
		return nil, errors.Join(err, g.stop())
	}
	return g, nil
}

func (g *group) stop() (err error) {
	if g.api != nil {
		err = g.api.stop()
	}
	for _, p := range g.nodes {
		err = errors.Join(err, p.stop())
	}
	return err
}

// times are what was measured of one kind of process.
type times struct {
	called, done []time.Duration // since Revoke was called, and since it returned
	looks        []time.Duration // between the last look that accepted, and the one that refused
}

func (t *times) add(revoked, refused answer) {
	t.called = append(t.called, refused.To.Sub(revoked.From))
	t.done = append(t.done, max(0, refused.To.Sub(revoked.To)))
	t.looks = append(t.looks, refused.To.Sub(refused.From))
}

// series is many logouts, one at a time.
type series struct {
	*group
	pause time.Duration // before each, at random up to so long
	nodes times         // those that were not told
	api   times
	void  int // the wall clock was set, and that round was left out
}

// run measures until it has so many rounds, or ctx ends.
func (s *series) run(ctx context.Context, rounds int) error {
	for n := 0; n < rounds && s.void <= rounds; n++ {
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(s.pause) + 1))):
		case <-ctx.Done():
			return nil
		}
		ok, err := s.round(n)
		if err != nil {
			return fmt.Errorf("%s, logout %d: %w", s.store, n, err)
		}
		if !ok {
			s.void++
			n--
		}
	}
	return nil
}

// round signs a user in, and out at another node. Not ok: the wall clock was set.
func (s *series) round(n int) (ok bool, err error) {
	s.users++
	teller, signer := s.group.nodes[n%ofGroup], s.group.nodes[(n+1)%ofGroup]
	signed, err := signer.do("start", fmt.Sprintf("user-%d", s.users))
	if err != nil {
		return false, err
	}
	type watch struct {
		*process
		answers chan answer
		*times
	}
	var watches []watch
	for _, p := range s.group.nodes {
		if p != teller {
			watches = append(watches, watch{p, nil, &s.nodes})
		}
	}
	watches = append(watches, watch{s.group.api, nil, &s.api})
	for i := range watches {
		w := &watches[i]
		if w.answers, err = w.ask("watch", signed.Text); err != nil {
			return false, err
		}
	}
	if _, err := teller.do("verify", signed.Text); err != nil {
		return false, err
	}
	for _, w := range watches {
		if _, err := w.get(w.answers); err != nil {
			return false, fmt.Errorf("before the logout: %w", err)
		}
	}
	revoked, err := teller.do("revoke", signed.Text)
	if err != nil {
		return false, err
	}
	ok = !revoked.Stepped
	refused := make([]answer, len(watches))
	for i, w := range watches {
		if refused[i], err = w.get(w.answers); err != nil {
			return false, fmt.Errorf("after the logout: %w", err)
		}
		ok = ok && !refused[i].Stepped
	}
	for i, w := range watches {
		if ok {
			w.add(revoked, refused[i])
		}
	}
	return ok, nil
}
