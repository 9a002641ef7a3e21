package keys_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
)

// TestRunRotatesKeys, by two processes over a year, without anybody doing anything.
func TestRunRotatesKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var activated atomic.Int32
		f := newFleet(t, func(c *keys.Config) {
			c.Now, c.MaxStale = nil, time.Hour
			c.Observe = func(e keys.RingEvent) {
				if e.Kind == keys.KeyActivated && e.Use == "sig" {
					activated.Add(1)
				}
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		rings := []*keys.Ring{f.open(t), f.open(t)}
		done := make(chan error)
		for _, r := range rings {
			go func() { done <- r.Run(ctx) }()
		}
		time.Sleep(365 * 24 * time.Hour) // by the bubble's clock
		cancel()
		for range rings {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		}
		if n := activated.Load(); n != 2*12 {
			t.Errorf("%d activations on 2 nodes, want 12 each", n)
		}
		if n := len(rings[0].Publics()); n != 1 {
			t.Errorf("%d keys are left", n)
		}
	})
}

func TestRunTellsOnceWhatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failed []error
		v := new(counted)
		f := newFleet(t, func(c *keys.Config) {
			v.Vault, c.Vault, c.Now = c.Vault, v, nil
			c.Observe = func(e keys.RingEvent) {
				if e.Kind == keys.RingFailed {
					failed = append(failed, e.Err)
				}
			}
		})
		r := f.open(t)
		go r.Run(t.Context())
		v.fail.Store(true)
		time.Sleep(5 * time.Minute) // by the bubble's clock
		v.fail.Store(false)
		time.Sleep(time.Minute)
		v.fail.Store(true)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if len(failed) != 2 || !errors.Is(failed[0], errDown) || !errors.Is(failed[1], errDown) {
			t.Errorf("told %v", failed)
		}
	})
}

// watched is a Vault that tells of changes, if it does not fail.
type watched struct {
	*memory
	changed chan func()
	fails   bool
}

func (w *watched) Watch(ctx context.Context, changed func()) error {
	if w.fails {
		w.fails = false
		return errDown
	}
	select {
	case w.changed <- changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestRunReadsWhenTheVaultSaysThatItChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, nil)
		w := &watched{memory: f.memory, changed: make(chan func()), fails: true}
		f.Vault, f.Now = w, nil
		r, other := f.open(t), f.open(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		changed := <-w.changed // after the first watch has failed
		stolen := signs(t, r)
		check(t, second(other.Replace(t.Context(), stolen)))
		began := time.Now()
		for range 10 { // it does not wait for who reads
			changed()
		}
		synctest.Wait()
		if _, err := r.Public(issuer, stolen); !errors.Is(err, keys.ErrUnknown) || !time.Now().Equal(began) {
			t.Errorf("after %v: %v, want ErrUnknown at once", time.Since(began), err)
		}
		cancel()
		<-done // and the watch has ended, or the bubble would complain
	})
}
