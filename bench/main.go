// Bench compares writ with other Go libraries: the same tokens, the same keys, the same checks, in
// one run. And it measures its stores, on servers that it starts itself.
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
	"strings"
	"testing"
	"time"
)

func main() {
	log.SetFlags(0)
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
	measure(all || *onlyPeers, peersPart, func(w io.Writer) error { return run(context.Background(), w, most) })
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

func run(ctx context.Context, w io.Writer, rounds int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
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
	doors, err := doors(ctx, first.suite)
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
		if err != nil {
			return err
		}
		t.measure(rounds)
		t.write(w)
	}
	writeNotes(w, verifyingNotes)
	for _, m := range matches {
		t := m.signing()
		t.measure(rounds)
		t.write(w)
	}
	writeNotes(w, signingNotes)
	t, err := first.middleware(doors)
	if err != nil {
		return err
	}
	t.measure(rounds)
	t.write(w)
	writeNotes(w, middlewareNotes)
	rates, err := requestRates(doors, rounds, loadTime)
	if err != nil {
		return err
	}
	writeRates(w, doors, rates)
	writeNotes(w, loadNotes)
	if t, err = first.live(ctx, 1_000_000, 1, 1_000, 100_000); err != nil {
		return err
	}
	t.measure(rounds)
	t.write(w)
	writeNotes(w, liveNotes)
	return nil
}
