package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"
)

// task is one thing that is done to a crowd, so often a round; prepare is not timed.
type task struct {
	name    string
	times   int
	prepare func(*crowd, context.Context) error
	do      func(*crowd, context.Context) error
}

func ready(*crowd, context.Context) error { return nil }

var tasks = []task{
	{"list a subject's 10 sessions", 40, ready, (*crowd).list},
	{"sign in, ending the oldest of 10", 40, ready, (*crowd).signIn},
	{"sign in", 40, ready, (*crowd).start},
	{"refresh", 40, ready, (*crowd).refresh},
	{"purge 1,000 expired rows", 1, (*crowd).die, (*crowd).purge},
}

// million measures with how many sessions a store still does each task as fast.
func million(ctx context.Context, w io.Writer, rounds int, sizes ...int) error {
	if err := writeDisk(w, "before"); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n| store | µs for each |")
	for _, size := range sizes {
		fmt.Fprintf(w, " %s sessions |", count(size))
	}
	fmt.Fprint(w, " last : first | spread | |\n|---|---|")
	for range sizes {
		fmt.Fprint(w, "--:|")
	}
	fmt.Fprintln(w, "--:|--:|---|")
	for _, b := range backends {
		if b.name == "redis-everysec" {
			continue // its data are the same
		}
		if err := crowded(ctx, w, b, rounds, sizes); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		runtime.GC()
	}
	writeNotes(w, millionNotes)
	return nil
}

func crowded(ctx context.Context, w io.Writer, b backend, rounds int, sizes []int) (err error) {
	h := &host{}
	defer func() { err = errors.Join(err, h.close()) }()
	p, err := h.start(b)
	if errors.Is(err, errMissing) {
		fmt.Fprintf(w, "| %s | %v |\n", b.title, err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.hurry(ctx); err != nil {
		return err
	}
	var crowds []*crowd
	for _, size := range sizes {
		c, stop, err := openCrowd(ctx, p, fmt.Sprintf("crowd%d", size), size)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		crowds = append(crowds, c)
	}
	if err := h.on(func(testing.TB) { err = p.settle(ctx) }); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	for _, t := range tasks {
		times, err := t.measure(ctx, crowds, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		t.write(w, b, times)
	}
	return nil
}

// measure returns the microseconds of each crowd in each round.
func (t task) measure(ctx context.Context, crowds []*crowd, rounds int) ([][]float64, error) {
	times := make([][]float64, len(crowds))
	for round := range rounds + 1 {
		for i := range crowds {
			i = (i + round) % len(crowds)
			c := crowds[i]
			if err := t.prepare(c, ctx); err != nil {
				return nil, err
			}
			began := time.Now()
			for range t.times {
				if err := t.do(c, ctx); err != nil {
					return nil, fmt.Errorf("%s sessions: %w", count(c.size), err)
				}
			}
			if round > 0 { // the first warms up
				times[i] = append(times[i], micros(time.Since(began), t.times))
			}
		}
	}
	return times, nil
}

// flat is how much slower a task may get and still counts as flat.
const flat = 2

func (t task) write(w io.Writer, b backend, times [][]float64) {
	fmt.Fprintf(w, "| %s | %s |", b.title, t.name)
	for _, rounds := range times {
		fmt.Fprintf(w, " %s |", figure(median(rounds)))
	}
	first, last := times[0], times[len(times)-1]
	var growth []float64
	for round := range first {
		growth = append(growth, last[round]/first[round])
	}
	verdict := "flat"
	if median(growth) > flat {
		verdict = "**not flat**"
	}
	fmt.Fprintf(w, " %s | %.0f %% | %s |\n", ratio(median(growth)), spread(growth)*100, verdict)
}
