package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	connections = 8 // each kept alive, and asked on by one client
	loadTime    = 150 * time.Millisecond
)

// server is a door behind net/http on a loopback port.
type server struct {
	door
	http    *http.Server
	address string
	served  chan error
}

func listen(d door) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{door: d, http: &http.Server{Handler: d.handler, ReadHeaderTimeout: 10 * time.Second},
		address: l.Addr().String(), served: make(chan error, 1)}
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

// rate is medians, as in cell.
type rate struct{ perSecond, ratio float64 }

// requestRates loads every door for so long, round by round.
func requestRates(doors []door, rounds int, duration time.Duration) (rates []rate, err error) {
	servers, results := make([]*server, len(doors)), make([][]float64, len(doors))
	for i, d := range doors {
		if servers[i], err = listen(d); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, servers[i].close()) }()
	}
	for round := range rounds {
		for i := range servers {
			i = (i + round) % len(servers)
			r, err := servers[i].load(duration)
			if err != nil {
				return nil, err
			}
			results[i] = append(results[i], r)
		}
	}
	for _, r := range results {
		ratios := make([]float64, rounds)
		for round := range ratios {
			ratios[round] = r[round] / results[0][round]
		}
		rates = append(rates, rate{median(r), median(ratios)})
	}
	return rates, nil
}

// load is how many requests a second were answered.
func (s *server) load(duration time.Duration) (float64, error) {
	var wg sync.WaitGroup
	counts, errs := make([]int, connections), make([]error, connections)
	began := time.Now()
	for i := range connections {
		wg.Go(func() { counts[i], errs[i] = s.ask(began.Add(duration)) })
	}
	wg.Wait()
	took := time.Since(began)
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / took.Seconds(), errors.Join(errs...)
}

// ask sends the good request again and again on one connection. It reads only as many bytes as the
// first answer had, so that the client takes little of the processor that it shares with the server.
func (s *server) ask(deadline time.Time) (n int, err error) {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline.Add(10 * time.Second)); err != nil {
		return 0, err
	}
	var request, answer bytes.Buffer
	if err := s.good.Write(&request); err != nil {
		return 0, err
	}
	if _, err := conn.Write(request.Bytes()); err != nil {
		return 0, err
	}
	first, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &answer)), s.good)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(io.Discard, first.Body); err != nil {
		return 0, err
	}
	first.Body.Close()
	status := []byte("HTTP/1.1 200 OK\r\n")
	b := answer.Bytes()
	for n = 1; time.Now().Before(deadline); n++ {
		if _, err := conn.Write(request.Bytes()); err != nil {
			return n, err
		}
		if _, err := io.ReadFull(conn, b); err != nil {
			return n, err
		}
		if !bytes.HasPrefix(b, status) {
			return n, fmt.Errorf("%s: an answer begins with %.20q", s.name, b)
		}
	}
	return n, nil
}
