package keys_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
)

// req 38
func TestAFloodOfUnknownKidsReadsTheVaultOnce(t *testing.T) {
	r, v, c := newCounted(t)
	c.add(11 * time.Second)
	flood := func() {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := r.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	flood()
	c.add(9 * time.Second)
	flood()
	if n := v.loads.Load(); n != 1 {
		t.Errorf("%d readings within 10 s, want 1", n)
	}
	c.add(time.Second)
	flood()
	if n := v.loads.Load(); n != 2 {
		t.Errorf("%d readings after 10 s, want 2", n)
	}
}

func TestRefreshSaysNothingAboutAKidWhileTheVaultIsDown(t *testing.T) {
	r, v, c := newCounted(t)
	v.fail.Store(true)
	c.add(11 * time.Second)
	for i := range 3 { // the rate limit does not turn the failure into an answer
		if err := r.Refresh(t.Context()); !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, errDown) {
			t.Errorf("call %d: %v, want ErrUnavailable", i, err)
		}
	}
	if n := v.loads.Load(); n != 1 {
		t.Errorf("%d readings, want 1", n)
	}
	v.fail.Store(false)
	c.add(10 * time.Second)
	check(t, r.Refresh(t.Context()))
}

func TestAClientThatHangsUpDoesNotSpendTheReading(t *testing.T) {
	r, _, c := newCounted(t)
	c.add(11 * time.Second)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Refresh(gone); err != nil {
		t.Errorf("the client that hung up: %v", err)
	}
	if err := r.Refresh(t.Context()); err != nil {
		t.Errorf("the next: %v", err)
	}
}

func TestAReadingThatWasGivenUpDoesNotSpendTheReading(t *testing.T) {
	for name, giveUp := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
		"cancelled":   context.WithCancel,
		"out of time": func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 0) },
	} {
		r, v, c := newCounted(t)
		c.add(11 * time.Second)
		gone, cancel := giveUp(t.Context())
		cancel()
		if err := r.Reload(gone); err == nil {
			t.Errorf("%s: Reload succeeded", name)
		}
		if err := r.Refresh(t.Context()); err != nil {
			t.Errorf("%s: the next that needs a reading: %v", name, err)
		}
		if n := v.loads.Load(); n != 2 {
			t.Errorf("%s: %d readings, want another", name, n)
		}
		// Nor does it undo what the last good reading says.
		if err := r.Reload(gone); err == nil {
			t.Errorf("%s: Reload succeeded", name)
		}
		if err := r.Refresh(t.Context()); err != nil {
			t.Errorf("%s: right after a good reading: %v", name, err)
		}
		if n := v.loads.Load(); n != 3 {
			t.Errorf("%s: %d readings, want no other within 10 s of a good one", name, n)
		}
	}
}

// req 38: a vault that hangs is not asked by every unknown kid.
func TestAVaultThatHangsIsAskedAsSeldomAsAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := new(counted)
		r, _ := newRing(t, func(c *keys.Config) { v.Vault = c.Vault; c.Vault = v })
		v.loads.Store(0)
		time.Sleep(11 * time.Second) // by the bubble's clock
		v.gate = make(chan struct{})
		for range 3 {
			if err := r.Refresh(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
				t.Errorf("%v, want ErrUnavailable", err)
			}
		}
		if n := v.loads.Load(); n != 1 {
			t.Errorf("%d readings, want 1", n)
		}
	})
}
