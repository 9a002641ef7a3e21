package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

var callerCounts = []int{1, 16, 64}

// shift is how long one row is measured in one round.
const shift = 200 * time.Millisecond

// measured is the rounds of one backend with so many callers.
type measured struct {
	callers                         int
	refreshes, raws, starts, logout []done
}

// stand is a backend that is measured: a site, and its yardsticks by the number of callers.
type stand struct {
	backend
	missing error // why it is not measured
	*place
	site       *site
	stop       func() error
	yardsticks map[int]*yardstick
	trips      trips
	rows       []*measured
}

// stores measures whole operations of a Manager on every kind of store.
func stores(ctx context.Context, w io.Writer, rounds int, lasts time.Duration) (err error) {
	h := &host{}
	defer func() { err = errors.Join(err, h.close()) }()
	var stands []*stand
	defer func() { // before the servers end
		for _, s := range stands {
			err = errors.Join(err, s.close())
		}
	}()
	for _, b := range backends {
		s, err := openStand(ctx, h, b)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		stands = append(stands, s)
	}
	if err := writeDisk(w, "before"); err != nil {
		return err
	}
	for round := range rounds {
		for i := range stands {
			s := stands[(i+round)%len(stands)]
			for _, m := range s.rows {
				if err := s.measure(ctx, m, lasts); err != nil {
					return fmt.Errorf("%s, %d callers: %w", s.name, m.callers, err)
				}
			}
		}
	}
	if err := writeDisk(w, "after"); err != nil {
		return err
	}
	writeRefreshes(w, stands)
	writeNotes(w, refreshNotes)
	writeVisits(w, stands)
	writeNotes(w, visitNotes)
	writeTrips(w, stands)
	writeNotes(w, tripNotes)
	return nil
}

func openStand(ctx context.Context, h *host, b backend) (s *stand, err error) {
	s = &stand{backend: b, yardsticks: make(map[int]*yardstick)}
	if s.place, err = h.start(b); err != nil {
		if errors.Is(err, errMissing) {
			s.missing, err = err, nil
		}
		return s, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.trips, err = countTrips(ctx, s.place); err != nil {
		return nil, err
	}
	if s.site, s.stop, err = openRunning(ctx, s.place, "bench"); err != nil {
		return nil, err
	}
	size, err := rowSize(ctx, s.site)
	if err != nil {
		return nil, err
	}
	for _, callers := range callerCounts {
		if s.yardsticks[callers], err = s.yardstick(ctx, callers, size); err != nil {
			return nil, err
		}
		s.rows = append(s.rows, &measured{callers: callers})
	}
	return s, nil
}

func (s *stand) close() (err error) {
	if s.stop != nil {
		err = s.stop()
	}
	for _, y := range s.yardsticks {
		y.close()
	}
	return err
}

// start starts what a backend needs. errMissing: it is not installed here.
func (h *host) start(b backend) (p *place, err error) {
	err = h.on(func(t testing.TB) { p = b.start(t) })
	return p, err
}

// rowSize is how long the data of a session's row are.
func rowSize(ctx context.Context, s *site) (int, error) {
	pair, err := s.Start(ctx, login("size"))
	if err != nil {
		return 0, err
	}
	row, err := s.store.Load(ctx, pair.SessionID)
	return len(row.Data), err
}

// measure is one round of one row.
func (s *stand) measure(ctx context.Context, m *measured, lasts time.Duration) error {
	y := s.yardsticks[m.callers]
	raw, err := together(m.callers, lasting(lasts), func(int) error { return y.do(ctx) })
	if err != nil {
		return err
	}
	refreshed, err := together(m.callers, lasting(lasts), func(int) error { return s.site.refreshNext(ctx) })
	if err != nil {
		return err
	}
	raws, started, err := s.site.startMany(ctx, m.callers, lasting(lasts))
	if err != nil {
		return err
	}
	ended, err := s.site.logoutAll(ctx, m.callers, raws)
	if err != nil {
		return err
	}
	m.raws, m.refreshes = append(m.raws, raw), append(m.refreshes, refreshed)
	m.starts, m.logout = append(m.starts, started), append(m.logout, ended)
	return s.site.check()
}

// rates are how much was done a second in each round.
func rates(rounds []done) (list []float64) {
	for _, d := range rounds {
		list = append(list, d.perSecond())
	}
	return list
}

// ratios are those of two things that were done in the same rounds.
func ratios(a, b []done) (list []float64) {
	for i := range a {
		list = append(list, a[i].perSecond()/b[i].perSecond())
	}
	return list
}

// effort is the processor time of one operation, over all rounds.
func effort(rounds []done) (here, servers float64) {
	var n int
	var w work
	for _, d := range rounds {
		n += d.n
		w.here, w.servers = w.here+d.cpu.here, w.servers+d.cpu.servers
	}
	return micros(w.here, n), micros(w.servers, n)
}

func micros(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
