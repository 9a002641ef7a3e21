package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/internal/servers"
)

// pollEvery is how often a store without push is asked.
const pollEvery = 200 * time.Millisecond

// target is what p99 is to be, without push beyond pollEvery.
const target = 50 * time.Millisecond

// measure starts everything, and prints what it finds. The groups work at the same time: without push they
// do little but wait.
func measure(ctx context.Context, w io.Writer, rounds int) (err error) {
	h := &host{}
	defer func() { err = errors.Join(err, h.close()) }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var groups []*group
	defer func() { // before the servers
		for _, g := range groups {
			err = errors.Join(err, g.stop())
		}
	}()
	var missing []error
	for _, store := range []string{"PostgreSQL", "Redis"} {
		url := ""
		err := h.on(func(t testing.TB) {
			if store == "Redis" {
				url = servers.Redis(t).URL()
			} else {
				url = servers.Postgres(t).URL()
			}
		})
		if errors.Is(err, errMissing) {
			missing = append(missing, err)
			continue
		}
		if err != nil {
			return err
		}
		for _, pollOnly := range []bool{false, true} {
			g, err := startGroup(store, url, pollOnly)
			if err != nil {
				return fmt.Errorf("%s: %w", store, err)
			}
			groups = append(groups, g)
		}
	}
	all, failed := make([][]*series, len(groups)), make([]error, len(groups))
	var working sync.WaitGroup
	for i, g := range groups {
		// A pause as long as a poll, so that a logout comes at any moment of it.
		all[i] = []*series{{group: g, pause: pollEvery}}
		if !g.pollOnly {
			all[i] = append(all[i], &series{group: g})
		}
		working.Go(func() {
			for _, s := range all[i] {
				failed[i] = errors.Join(failed[i], s.run(ctx, rounds))
			}
		})
	}
	working.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	write(w, all, missing)
	return nil
}
