// Bench compares writ with other Go libraries: the same tokens, the same keys, the same checks, in
// one run.
//
//	go run .          everything; writes RESULTS.md; some three minutes
//	go run . -quick   one round, printed only
//	go test ./...     only whether every contender still does the same job
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
	"strings"
	"testing"
	"time"
)

func main() {
	log.SetFlags(0)
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	quick := flags.Bool("quick", false, "measure one round only, and write no file")
	flags.Parse(os.Args[1:])
	testing.Init()
	if err := flag.Set("test.benchtime", "50ms"); err != nil {
		log.Fatal(err)
	}
	rounds, file := 15, "RESULTS.md"
	if *quick {
		rounds, file = 1, ""
	}
	began, before := time.Now(), loadAverage()
	var body, all bytes.Buffer
	if err := run(context.Background(), io.MultiWriter(os.Stdout, &body), rounds); err != nil {
		log.Fatal(err)
	}
	writeHead(&all, strings.Join(append([]string{"go run ."}, os.Args[1:]...), " "), before, time.Since(began))
	all.Write(body.Bytes())
	if file == "" {
		return
	}
	if err := os.WriteFile(file, all.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
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
