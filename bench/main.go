// Bench compares writ with other Go libraries: the same tokens, the same keys, the same checks, in
// one run. And it measures its stores. Servers, and clients that are another process, it starts itself.
//
//	go run .            peers and stores; writes their parts of RESULTS.md; some five minutes
//	go run . -peers     the one
//	go run . -stores    the other
//	go run . -sessions  stores with up to a million sessions; some six minutes
//	go run . -quick     one round, printed only; with the others too
//	go test ./...       only whether every contender still does the same job
//	go test -run '^$' -bench .
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"testing"
	"time"
)

func main() {
	log.SetFlags(0)
	if os.Getenv(clientsName) != "" {
		if err := beClients(os.Stdin, os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	quick := flags.Bool("quick", false, "measure one round only, and write no file")
	onlyPeers := flags.Bool("peers", false, "only compare writ with its peers")
	onlyStores := flags.Bool("stores", false, "only measure the stores")
	onlySessions := flags.Bool("sessions", false, "only measure stores with up to a million sessions")
	flags.Parse(os.Args[1:])
	testing.Init()
	if err := flag.Set("test.benchtime", "50ms"); err != nil {
		log.Fatal(err)
	}
	file, few, most, sizes := "RESULTS.md", 9, 15, []int{10_000, 100_000, 1_000_000}
	if *quick {
		file, few, most, sizes = "", 1, 1, []int{10_000, 20_000}
	}
	// Servers and their directories go when this is interrupted, too.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	all := !*onlyPeers && !*onlyStores && !*onlySessions
	var failed error
	measure := func(wanted bool, heading string, f func(w io.Writer) error) {
		if wanted && failed == nil {
			failed = writePart(file, heading, f)
		}
	}
	measure(all || *onlyPeers, peersPart, func(w io.Writer) error { return run(ctx, w, most) })
	measure(all || *onlyStores, storesPart, func(w io.Writer) error { return stores(ctx, w, few, shift) })
	measure(*onlySessions, millionPart, func(w io.Writer) error { return million(ctx, w, few, sizes...) })
	if failed != nil {
		log.Fatal(failed)
	}
}

// writePart prints what f measures, and puts it into the file, if there is to be one.
func writePart(file, heading string, f func(io.Writer) error) error {
	began, before := time.Now(), loadAverage()
	var body, part bytes.Buffer
	if err := f(io.MultiWriter(os.Stdout, &body)); err != nil || file == "" {
		return err
	}
	writeHead(&part, heading, strings.Join(append([]string{"go run ."}, os.Args[1:]...), " "), before, time.Since(began))
	part.Write(body.Bytes())
	return replacePart(file, part.String())
}

func run(ctx context.Context, w io.Writer, rounds int) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	h := &host{}
	defer func() { err = errors.Join(err, h.close()) }()
	var matches []*match
	var wrong []error
	for _, a := range algorithms {
		s, err := newSuite(a)
		if err != nil {
			return err
		}
		m, err := newMatch(ctx, s)
		matches, wrong = append(matches, m), append(wrong, err)
	}
	first := matches[0]
	doors, absent, err := doors(ctx, h, first.suite)
	if err != nil {
		return err
	}
	for _, d := range doors {
		wrong = append(wrong, d.check())
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("a contender does not do the same job as the others:\n%w", err)
	}
	writeVerdicts(w, first)
	writeNotes(w, refusalNotes)

	for _, m := range matches {
		t, err := m.verifying(ctx)
		if err := tabulate(ctx, w, t, err, rounds); err != nil {
			return err
		}
	}
	writeNotes(w, verifyingNotes)
	for _, m := range matches {
		if err := tabulate(ctx, w, m.signing(), nil, rounds); err != nil {
			return err
		}
	}
	writeNotes(w, signingNotes)
	t, err := first.middleware(doors)
	if err := tabulate(ctx, w, t, err, rounds); err != nil {
		return err
	}
	writeGoals(w, t, doors)
	writeNotes(w, slices.Concat(absent, middlewareNotes))
	if err := loaded(ctx, w, doors, rounds); err != nil {
		return err
	}
	writeNotes(w, slices.Concat(absent, loadNotes))
	t, err = first.live(ctx, 1_000_000, 1, 1_000, 100_000)
	if err := tabulate(ctx, w, t, err, rounds); err != nil {
		return err
	}
	writeNotes(w, liveNotes)
	return nil
}

// tabulate measures a table and prints it, if it could be made.
func tabulate(ctx context.Context, w io.Writer, t *table, err error, rounds int) error {
	if err != nil {
		return err
	}
	if err := t.measure(ctx, rounds); err != nil {
		return err
	}
	t.write(w)
	return nil
}

// loaded prints how many requests a second the doors let through.
func loaded(ctx context.Context, w io.Writer, doors []door, rounds int) (err error) {
	c, err := startClients()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	servers, err := load(ctx, c, doors, loadRounds*rounds, loadTime)
	if err != nil {
		return err
	}
	writeLoad(w, servers)
	return nil
}
