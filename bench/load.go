package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"time"
)

const (
	connections = 8
	loadTime    = 50 * time.Millisecond
	loadRounds  = 2 // for each round of another table: its turns are short
)

// server is a door behind net/http on a loopback port.
type server struct {
	door
	http    *http.Server
	turn    turn
	served  chan error
	answers int           // in all turns
	cpu     work          // of which the servers are a Redis, if any
	clients time.Duration // the processor time of the clients
	rates   []float64
	ratios  []float64 // to no middleware, in the turn beside
	sames   []float64 // to a door whose answer is the same
}

func listen(d door) (*server, error) {
	var request bytes.Buffer
	if err := d.good.Write(&request); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{door: d, http: &http.Server{Handler: d.handler, ReadHeaderTimeout: 10 * time.Second}, served: make(chan error, 1)}
	s.turn = turn{Address: l.Addr().String(), Request: request.Bytes(), Connections: connections}
	go func() { s.served <- s.http.Serve(l) }()
	return s, nil
}

func (s *server) close() error {
	err := s.http.Close()
	if served := <-s.served; served != http.ErrServerClosed {
		err = errors.Join(err, served)
	}
	return err
}

// load has every door, of which the first is none, asked for so long in each round. It adds one: the first
// once more, whose ratio is 1 but for the noise.
//
// A door's turn is beside one of the first, behind it in one round and before it in the next, and a door
// whose answer is the same has a turn between them: ratios are taken between neighbours. What comes before
// a group is left to chance.
func load(ctx context.Context, c *clients, doors []door, rounds int, lasts time.Duration) (servers []*server, err error) {
	again := doors[0]
	again.name += ", once more"
	for _, d := range append([]door{doors[0], again}, doors[1:]...) {
		s, err := listen(d)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		s.turn.Lasts = lasts
		servers = append(servers, s)
	}
	for round := range rounds {
		for _, i := range rand.Perm(len(servers) - 1) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			first, s := servers[0], servers[i+1]
			group := []*server{first, s}
			at := slices.IndexFunc(servers, func(other *server) bool { return other.name == s.same })
			if at >= 0 {
				group = []*server{first, servers[at], s}
			}
			if round%2 == 1 {
				slices.Reverse(group)
			}
			for _, s := range group {
				if err := s.take(c); err != nil {
					return nil, fmt.Errorf("%s: %w", s.name, err)
				}
			}
			s.ratios = append(s.ratios, last(s.rates)/last(first.rates))
			if at >= 0 {
				s.sames = append(s.sames, last(s.rates)/last(servers[at].rates))
			}
		}
	}
	return servers, nil
}

// take is one turn. It begins without the garbage of the turn before.
func (s *server) take(c *clients) error {
	runtime.GC()
	before := processorTime()
	before.here = ownTime() // without what it took to look at the others
	result, err := c.take(s.turn)
	if err != nil {
		return err
	}
	here, servers := ownTime(), processorTime().servers
	s.answers += result.Answers
	s.cpu.here += here - before.here
	s.cpu.servers += servers - before.servers - result.CPU
	s.clients += result.CPU
	s.rates = append(s.rates, result.perSecond())
	return nil
}

func last(values []float64) float64 { return values[len(values)-1] }
