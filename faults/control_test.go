package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// collector is a test that is to fail.
type collector struct {
	mu     sync.Mutex
	errors []string
}

func (c *collector) Helper()             {}
func (c *collector) Logf(string, ...any) {}
func (c *collector) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errors = append(c.errors, fmt.Sprintf(format, args...))
}

// slow gives others time between a reading and the write that rests on it.
type slow struct{ writ.Store }

func (s slow) Load(ctx context.Context, id string) (writ.Row, error) {
	row, err := s.Store.Load(ctx, id)
	time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
	return row, err
}

// loses acknowledges some writes that it has not done.
type loses struct{ slow }

func (s loses) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if row.Version != 0 && rand.IntN(10) == 0 {
		row.Version = row.NextVersion()
		return row, nil
	}
	return s.Store.Save(ctx, row, entries...)
}

// losesLogouts acknowledges a logout that it has not done.
type losesLogouts struct{ slow }

func (s losesLogouts) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if len(entries) > 0 {
		return row, nil
	}
	return s.Store.Save(ctx, row, entries...)
}

func (s losesLogouts) Append(context.Context, ...revocation.Entry) error { return nil }

// forks writes whatever others have written meanwhile.
type forks struct{ slow }

func (s forks) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	for {
		saved, err := s.Store.Save(ctx, row, entries...)
		if !errors.Is(err, writ.ErrConflict) {
			return saved, err
		}
		now, err := s.Store.Load(ctx, row.ID)
		if err != nil {
			return now, err
		}
		row.Version, row.Cutoff = now.Version, now.Cutoff
	}
}

// denies says that a row is not there when it cannot be read.
type denies struct{ slow }

func (s denies) Load(ctx context.Context, id string) (writ.Row, error) {
	if rand.IntN(40) == 0 {
		return writ.Row{}, writ.ErrNotFound
	}
	return s.Store.Load(ctx, id)
}

// dawdles has no regard for a deadline.
type dawdles struct {
	writ.Store
	saves *atomic.Int64
}

func (s dawdles) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if s.saves.Add(1) == 5 {
		time.Sleep(policy.Latency + policy.Latency/2)
	}
	return s.Store.Save(context.WithoutCancel(ctx), row, entries...)
}

func TestTheFaultTestsFindAStoreThat(t *testing.T) {
	for name, c := range map[string]struct {
		wrap func(writ.Store) writ.Store
		says string
	}{
		"loses acknowledged writes":              {func(s writ.Store) writ.Store { return loses{slow{s}} }, "no order"},
		"loses acknowledged logouts":             {func(s writ.Store) writ.Store { return losesLogouts{slow{s}} }, "want ErrInvalid"},
		"ignores versions and so forks":          {func(s writ.Store) writ.Store { return forks{slow{s}} }, "no order"},
		"says not found when it cannot read":     {func(s writ.Store) writ.Store { return denies{slow{s}} }, "signed out whom nobody"},
		"has no regard for a deadline":           {func(s writ.Store) writ.Store { return dawdles{s, &atomic.Int64{}} }, "is to answer within"},
		"works, and so of which nothing is said": {func(s writ.Store) writ.Store { return slow{s} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found collector
			clock := newClock()
			all := nodes(t, memoryPlace(t), clock, nil, func(_ int, s writ.Store) writ.Store { return c.wrap(s) })
			newWorld(&found, clock, all...).survive(random(t), fault{})
			said := strings.Join(found.errors, "\n")
			if (c.says == "") != (said == "") || !strings.Contains(said, c.says) {
				t.Errorf("%q is not what was found: %s", c.says, said)
			}
		})
	}
}
