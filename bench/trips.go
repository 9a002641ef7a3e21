package main

import (
	"context"
	"errors"
)

// trips is how often one operation goes to the server and back, for one caller.
type trips struct{ refresh, start, logout, list float64 }

const (
	warmups   = 20 // connections are made and statements prepared
	tripsEach = 50
)

// countTrips counts on the wire. It runs no Manager.Run: what follows the log is no part of it.
func countTrips(ctx context.Context, p *place) (t trips, err error) {
	if p.address == "" {
		return t, nil
	}
	w, err := newWire(p.address)
	if err != nil {
		return t, err
	}
	defer w.close()
	store, err := p.open(ctx, w.address(), "wire")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	s, err := openSite(ctx, store, newClock(), 0)
	if err != nil {
		return t, err
	}
	var raws []string
	for _, n := range []int{warmups, tripsEach} {
		count := func(into *float64, f func(i int) error) error {
			before := w.trips.Load()
			_, err := together(1, times(n), f)
			*into = float64(w.trips.Load()-before) / float64(n)
			return err
		}
		raws = raws[:0]
		err := count(&t.start, func(int) error {
			raw, err := s.start(ctx)
			raws = append(raws, raw)
			return err
		})
		if err != nil {
			return t, err
		}
		s.enqueue(raws, 1)
		if err := count(&t.refresh, func(int) error { return s.refreshNext(ctx) }); err != nil {
			return t, err
		}
		err = count(&t.list, func(int) error {
			list, err := s.Sessions(ctx, "user-0000000001")
			if err == nil && len(list) > 1 {
				err = errors.New("a subject has more sessions than it began")
			}
			return err
		})
		if err != nil {
			return t, err
		}
		if err := count(&t.logout, func(i int) error { return s.Revoke(ctx, raws[i]) }); err != nil {
			return t, err
		}
	}
	return t, s.check()
}
