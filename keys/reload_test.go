package keys_test

import (
	"context"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
)

// counted counts the readings of a real vault; gate, if set, holds each until it is closed.
type counted struct {
	keys.Vault
	loads atomic.Int32
	gate  chan struct{}
	fail  atomic.Bool
	hang  atomic.Bool // the next reading, until its context ends
}

var errDown = errors.New("the database is down")

func (c *counted) Load(ctx context.Context) ([]byte, uint64, error) {
	c.loads.Add(1)
	if c.hang.CompareAndSwap(true, false) {
		<-ctx.Done()
		return nil, 0, ctx.Err()
	}
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	if c.fail.Load() {
		return nil, 0, errDown
	}
	return c.Vault.Load(ctx)
}

// newCounted opens a ring in a counted vault under a clock that stands.
func newCounted(t testing.TB) (*keys.Ring, *counted, *clock) {
	v, c := new(counted), newClock()
	r, _ := newRing(t, func(config *keys.Config) {
		v.Vault = config.Vault
		config.Vault, config.Now = v, c.now
	})
	v.loads.Store(0)
	return r, v, c
}

func TestARingThatIsNotReadAgainStopsSigningButGoesOnVerifying(t *testing.T) {
	r, v, c := newCounted(t)
	kid := r.Publics()[0].ID()
	c.add(time.Minute)
	if _, err := r.Signing(); err != nil {
		t.Errorf("after MaxStale exactly: %v", err)
	}
	c.add(time.Millisecond)
	_, signing := r.Signing()
	_, mac := r.SigningMAC()
	_, unknown := r.Public(issuer, "unknown")
	for _, err := range []error{signing, mac, unknown, r.Ready()} {
		if !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrUnknown) {
			t.Errorf("a stale ring: %v, want ErrUnavailable", err)
		}
	}
	if _, err := r.Public(issuer, kid); err != nil {
		t.Errorf("a known kid: %v", err)
	}
	v.fail.Store(true)
	if err := r.Reload(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("Reload: %v", err)
	}
	if err := r.Ready(); !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, errDown) {
		t.Errorf("Ready: %v, want the reason too", err)
	}
	v.fail.Store(false)
	check(t, r.Reload(t.Context()))
	if _, err := r.Signing(); err != nil {
		t.Errorf("after a reload: %v", err)
	}
}

func TestConcurrentReloadsShareOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, v, _ := newCounted(t)
		v.gate = make(chan struct{})
		first, giveUp := context.WithCancel(t.Context())
		results := make(chan error, 11)
		go func() { results <- r.Reload(first) }()
		synctest.Wait()
		for range 10 {
			go func() { results <- r.Reload(t.Context()) }()
		}
		synctest.Wait()
		if n := v.loads.Load(); n != 1 {
			t.Errorf("%d readings, want 1", n)
		}
		giveUp() // of the one that reads, which is no answer to the others
		synctest.Wait()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that gave up: %v", err)
		}
		close(v.gate)
		for range 10 {
			if err := <-results; err != nil {
				t.Errorf("one that waited: %v", err)
			}
		}
		if n := v.loads.Load(); n != 2 {
			t.Errorf("%d readings, want one more for all that waited", n)
		}
	})
}

// req 44
func TestAWorseDocumentNeverReplacesTheRing(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string, c keys.Config){
		"it is gone":       func(t *testing.T, path string, _ keys.Config) { check(t, os.RemoveAll(path)) },
		"it is empty":      func(t *testing.T, path string, _ keys.Config) { rewrite(t, path, nil) },
		"it is half there": func(t *testing.T, path string, _ keys.Config) { rewrite(t, path, []byte(`{"ring":{"v":1,`)) },
		"it is of another issuer": func(t *testing.T, path string, c keys.Config) {
			check(t, os.RemoveAll(path))
			c.Issuer = "https://other.example"
			reopen(t, c)
		},
	} {
		path, clock := filepath.Join(t.TempDir(), "ring"), newClock()
		r, c := newRing(t, func(c *keys.Config) { inClear(c); c.Vault, c.Now = keys.Dir(path), clock.now })
		before := fingerprint(t, r)
		clock.add(time.Second)
		spoil(t, path, c)
		if err := r.Reload(t.Context()); err == nil {
			t.Errorf("%s: Reload succeeded", name)
		}
		if after := fingerprint(t, r); after != before {
			t.Errorf("%s: the ring changed", name)
		}
		clock.add(time.Minute)
		if err := r.Ready(); !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("%s: a minute later: %v, want ErrUnavailable", name, err)
		}
	}
}

// TestWhatChangesInADocumentIsOpenedAnew: what stands there as before is not.
func TestWhatChangesInADocumentIsOpenedAnew(t *testing.T) {
	rsa := func(c *keys.Config) { c.Algorithm = rsaOnce{keys.RS256} }
	for name, c := range map[string]struct {
		configure func(*keys.Config)
		change    func(ring object)
		want      func(r *keys.Ring) bool // or nil: it is refused
	}{
		"another max_ttl":           {nil, func(ring object) { firstKey(ring)["max_ttl"] = 60 }, func(r *keys.Ring) bool { k, _ := r.Signing(); return k.MaxTTL() == time.Minute }},
		"another private half":      {nil, func(ring object) { firstKey(ring)["private"] = firstMAC(ring)["private"] }, nil},
		"another MAC key":           {nil, func(ring object) { firstMAC(ring)["private"] = firstData(ring)["private"] }, nil},
		"a MAC key for a data key":  {nil, func(ring object) { ring["mac"], ring["data"] = ring["data"], ring["mac"] }, nil},
		"another alg of an RSA key": {rsa, changeAlgorithm, nil},
		"another alg of one, in clear": {func(c *keys.Config) { rsa(c); inClear(c) }, changeAlgorithm, func(r *keys.Ring) bool {
			k, _ := r.Signing()
			return k.Algorithm() == keys.PS256 && r.Publics()[0].Algorithm() == keys.PS256
		}},
	} {
		f := newFleet(t, c.configure)
		r := f.open(t)
		f.put(documentOf(t, f.Config, func(ring object) {
			ring["updated_at"] = f.now().Add(time.Second).Format(time.RFC3339)
			c.change(ring)
		}))
		err := r.Reload(t.Context())
		if (err == nil) != (c.want != nil) || c.want != nil && !c.want(r) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// rsaOnce makes the one test key.
type rsaOnce struct{ keys.Algorithm }

func (rsaOnce) Generate() (crypto.Signer, error) { return rsaKey(), nil }

func changeAlgorithm(ring object) {
	firstKey(ring)["alg"] = "PS256"
	firstKey(ring)["public"].(object)["alg"] = "PS256"
}

func rewrite(t *testing.T, dir string, doc []byte) {
	check(t, os.WriteFile(filepath.Join(dir, "ring.json"), doc, 0o600))
}

func TestRunKeepsTheRingFreshUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := new(counted)
		r, _ := newRing(t, func(c *keys.Config) { v.Vault = c.Vault; c.Vault = v })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(10 * time.Minute) // by the bubble's clock
		if _, err := r.Signing(); err != nil {
			t.Error(err)
		}
		if n := v.loads.Load(); n < 30 || n > 33 {
			t.Errorf("%d readings in 10 min, want one every 20 s", n)
		}
		v.fail.Store(true)
		time.Sleep(2 * time.Minute)
		if err := r.Ready(); !errors.Is(err, errDown) {
			t.Errorf("with the vault down: %v", err)
		}
		v.fail.Store(false)
		time.Sleep(21 * time.Second)
		if err := r.Ready(); err != nil {
			t.Errorf("with the vault up again: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestRunGivesUpAReadingThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := new(counted)
		r, _ := newRing(t, func(c *keys.Config) { v.Vault = c.Vault; c.Vault = v })
		v.hang.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(5 * time.Minute)
		if err := r.Ready(); err != nil {
			t.Error(err)
		}
		cancel()
		<-done
	})
}

// TestReadersNeverWait holds a reading of the vault open while every reader answers.
func TestReadersNeverWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, v, _ := newCounted(t)
		v.gate = make(chan struct{})
		done := make(chan error)
		go func() { done <- r.Reload(t.Context()) }()
		synctest.Wait()
		if _, err := r.Signing(); err != nil {
			t.Error(err)
		}
		if _, err := r.Public(issuer, "unknown"); !errors.Is(err, keys.ErrUnknown) {
			t.Error(err)
		}
		r.Publics()
		close(v.gate)
		check(t, <-done)
	})
}
