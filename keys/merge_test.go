package keys_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
)

// req 44: the vault goes back to an older copy while processes live.
func TestADocumentThatWentBackTakesNothingAway(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, f *fleet, r *keys.Ring) // what is in the older copy
		after  func(t *testing.T, f *fleet, r *keys.Ring) // what is not
		check  func(t *testing.T, f *fleet, r *keys.Ring, before []keys.KeyInfo)
	}{
		"a pending key is published anew": {
			after: func(t *testing.T, f *fleet, r *keys.Ring) { f.stepped(t, period-lead, r); f.stepped(t, lead/2, r) },
			check: func(t *testing.T, f *fleet, r *keys.Ring, before []keys.KeyInfo) {
				if k := r.Timeline()[1]; k.State != keys.Pending || !k.CreatedAt.Equal(f.now()) || !k.ActivateAt.Equal(f.now().Add(lead)) {
					t.Errorf("%+v: not everybody may know it, so it must wait", k)
				}
			},
		},
		"one that signs makes room until it is known again": {
			after: func(t *testing.T, f *fleet, r *keys.Ring) { f.stepped(t, period-lead, r); f.stepped(t, lead, r) },
			check: func(t *testing.T, f *fleet, r *keys.Ring, before []keys.KeyInfo) {
				if !slices.Equal(states(r), []keys.State{keys.Active, keys.Pending}) || signs(t, r) != before[0].Public.ID() {
					t.Errorf("%v, want the one that everybody knows to sign", states(r))
				}
				f.stepped(t, lead, r)
				if signs(t, r) != before[1].Public.ID() {
					t.Error("it never signs again")
				}
			},
		},
		"one that signs goes on if the older one was wiped": {
			after: func(t *testing.T, f *fleet, r *keys.Ring) {
				f.stepped(t, period-lead, r)
				f.stepped(t, lead, r)
				f.stepped(t, stale, r)
			},
			check: func(t *testing.T, f *fleet, r *keys.Ring, before []keys.KeyInfo) {
				if !r.Timeline()[0].Wiped || signs(t, r) != before[1].Public.ID() || !r.Timeline()[1].ActivateAt.Equal(before[1].ActivateAt) {
					t.Errorf("%+v", r.Timeline())
				}
			},
		},
		"a removed key stays away": {
			before: func(t *testing.T, f *fleet, r *keys.Ring) { f.stepped(t, period-lead, r); f.stepped(t, lead, r) },
			after:  func(t *testing.T, f *fleet, r *keys.Ring) { f.stepped(t, leaves, r) },
			check: func(t *testing.T, f *fleet, r *keys.Ring, before []keys.KeyInfo) {
				if len(r.Publics()) != 1 || len(r.Removed()) != 1 {
					t.Errorf("%d keys", len(r.Publics()))
				}
			},
		},
		"a compromised key stays away, and its successor signs": {
			after: func(t *testing.T, f *fleet, r *keys.Ring) {
				_, err := r.Replace(context.Background(), signs(t, r))
				check(t, err)
			},
			check: func(t *testing.T, f *fleet, r *keys.Ring, before []keys.KeyInfo) {
				if len(r.Publics()) != 1 || signs(t, r) != before[0].Public.ID() || !r.Removed()[0].Compromised {
					t.Errorf("%d keys", len(r.Publics()))
				}
			},
		},
		"what an operator decided stands": {
			before: func(t *testing.T, f *fleet, r *keys.Ring) { f.stepped(t, period/2, r); second(r.Stage(t.Context())) },
			after:  func(t *testing.T, f *fleet, r *keys.Ring) { check(t, r.Retire(t.Context(), signs(t, r))) },
			check: func(t *testing.T, f *fleet, r *keys.Ring, before []keys.KeyInfo) {
				if got := r.Timeline()[1].ActivateAt; !got.Equal(before[1].ActivateAt) {
					t.Errorf("signs at %v, want %v", got, before[1].ActivateAt)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var merged int
			f := newFleet(t, func(c *keys.Config) {
				c.Observe = func(e keys.RingEvent) {
					if e.Kind == keys.RingMerged {
						merged++
					}
				}
			})
			r := f.open(t)
			if c.before != nil {
				c.before(t, f, r)
			}
			old := f.copy()
			c.after(t, f, r)
			before := r.Timeline()
			f.put(old)
			check(t, r.Reload(t.Context()))
			if merged != 1 {
				t.Errorf("told %d times", merged)
			}
			saves := f.saves
			check(t, r.Reload(t.Context())) // which never writes: unknown kids can cause it
			if f.saves != saves {
				t.Error("Reload wrote")
			}
			if changed, err := r.Step(t.Context()); !changed || err != nil {
				t.Errorf("Step must write it back: %v", err)
			}
			if changed, err := r.Step(t.Context()); changed || err != nil || merged != 1 {
				t.Errorf("once: %v, told %d times", err, merged)
			}
			another := f.open(t)
			if a, b := len(another.Publics()), len(r.Publics()); a != b {
				t.Errorf("one that starts now has %d keys, want %d", a, b)
			}
			c.check(t, f, r, before)
		})
	}
}

// TestMACAndDataKeysComeBackToo, and open what they made.
func TestMACAndDataKeysComeBackToo(t *testing.T) {
	f := newFleet(t, func(c *keys.Config) { c.MACPeriod = time.Hour })
	r := f.open(t)
	old := f.copy()
	f.stepped(t, time.Hour-70*time.Second, r)
	f.stepped(t, 70*time.Second, r)
	mac, err := r.SigningMAC()
	check(t, err)
	sealed, err := r.Seal([]byte("plain"), nil)
	check(t, err)
	f.put(old)
	f.stepped(t, 0, r)
	another := f.open(t)
	if found, ok := another.MAC(kidOf(mac)); !ok || string(found) != string(mac) {
		t.Error("the MAC key is lost")
	}
	if plain, err := another.Unseal(sealed, nil); err != nil || string(plain) != "plain" {
		t.Errorf("the data key is lost: %v", err)
	}
}

// TestARingThatWasMadeAnewIsPutTogetherWithTheOld one, as long as a process has it.
func TestARingThatWasMadeAnewIsPutTogetherWithTheOld(t *testing.T) {
	f := newFleet(t, nil)
	r := f.open(t)
	f.memory.doc, f.memory.version = nil, 0
	if err := r.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("while there is none: %v", err)
	}
	made := f.open(t)
	f.stepped(t, time.Second, r, made)
	if len(r.Publics()) != 2 || len(made.Publics()) != 2 || signs(t, r) != signs(t, made) {
		t.Error("they do not agree")
	}
}

func TestAVaultThatCannotBeWrittenLeavesTheRingMerged(t *testing.T) {
	f := newFleet(t, nil)
	r := f.open(t)
	old := f.copy()
	f.stepped(t, period-lead, r)
	f.put(old)
	f.readOnly = errDown
	for range 3 {
		if _, err := r.Step(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("Step: %v", err)
		}
	}
	if len(r.Publics()) != 2 || r.Ready() != nil {
		t.Error("the key is lost")
	}
	f.readOnly = nil
	check(t, second(r.Step(t.Context())))
	if len(f.open(t).Publics()) != 2 {
		t.Error("it was not written back")
	}
}

// TestWhatIsMergedIsWrittenWhateverTheClockSays, and nothing else.
func TestWhatIsMergedIsWrittenWhateverTheClockSays(t *testing.T) {
	f := newFleet(t, nil)
	r := f.open(t)
	old := f.copy()
	f.stepped(t, period-lead, r)
	f.put(old)
	f.add(-time.Minute)
	if changed, err := r.Step(t.Context()); !changed || err == nil || !strings.Contains(err.Error(), "NTP") {
		t.Errorf("changed %v: %v", changed, err)
	}
	if len(f.open(t).Publics()) != 2 {
		t.Error("it was not written back")
	}
}

// TestMembersOfALaterVersionAreKept through rotation and merging.
func TestMembersOfALaterVersionAreKept(t *testing.T) {
	f := newFleet(t, inClear)
	f.open(t)
	f.put(documentOf(t, f.Config, func(ring object) {
		ring["later"] = object{"x": "y"}
		firstKey(ring)["later"] = []any{"z"}
		firstMAC(ring)["later"] = true
	}))
	r := f.open(t)
	old := f.copy()
	f.stepped(t, period-lead, r)
	f.put(old)
	f.stepped(t, time.Minute, r)
	ring := f.ring(t)
	if ring["later"] == nil || firstKey(ring)["later"] == nil || firstMAC(ring)["later"] != true || len(ring["keys"].([]any)) != 2 {
		t.Error("they are lost")
	}
}

// TestARingOfTheFirstVersionGoesOn, and gets a data key.
func TestARingOfTheFirstVersionGoesOn(t *testing.T) {
	f := newFleet(t, nil)
	f.put(firstDocument)
	f.clock.t = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	r := f.open(t)
	if _, err := r.Seal(nil, nil); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Seal before it has a data key: %v", err)
	}
	first := signs(t, r)
	f.stepped(t, time.Second, r)
	if _, err := r.Seal(nil, nil); err != nil || signs(t, r) != first {
		t.Errorf("after a step: %v", err)
	}
	f.stepped(t, period, r)
	f.stepped(t, period, r)
	if signs(t, r) == first {
		t.Error("it does not rotate")
	}
}

// TestAStepThatFailsHalfwayWritesNothing: every way in which writing can fail.
func TestAStepThatFailsHalfwayWritesNothing(t *testing.T) {
	broken := &fragile{Wrapper: wrapper(t)}
	f := newFleet(t, func(c *keys.Config) { c.Wrapper = broken })
	r := f.open(t)
	before := f.copy()
	f.add(period - lead)
	for name, fail := range map[string]func(){
		"the Wrapper does not wrap":   func() { broken.wrap = errDown },
		"the Wrapper does not unwrap": func() { broken.unwrap = errDown },
		"the vault cannot be written": func() { f.readOnly = errDown },
		"the process gives up":        func() { f.onSave = func() { f.readOnly = context.Canceled } },
	} {
		broken.wrap, broken.unwrap, f.readOnly, f.onSave = nil, nil, nil, nil
		fail()
		if changed, err := r.Step(t.Context()); changed || err == nil {
			t.Errorf("%s: changed %v, %v", name, changed, err)
		}
		if string(f.copy()) != string(before) || len(r.Publics()) != 1 {
			t.Errorf("%s: something changed", name)
		}
	}
	broken.wrap, broken.unwrap, f.readOnly, f.onSave = nil, nil, nil, nil
	f.lateness = errDown // written, but the answer is lost
	if changed, err := r.Step(t.Context()); !changed || err != nil || len(r.Publics()) != 2 {
		t.Errorf("with the answer lost: changed %v, %v", changed, err)
	}
}

// TestWritingTakesNoLongerThanSkew: a key counts as published from before the writing began.
func TestWritingTakesNoLongerThanSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, nil)
		f.Now = nil
		hangs := &hanging{Vault: f.memory}
		f.Vault = hangs
		r := f.open(t)
		time.Sleep(period - lead) // by the bubble's clock
		hangs.save = true
		began := time.Now()
		if _, err := r.Step(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// hanging is a Vault whose Save waits for its context.
type hanging struct {
	keys.Vault
	save bool
}

func (h *hanging) Save(ctx context.Context, doc []byte, ifVersion uint64) (uint64, error) {
	if h.save {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return h.Vault.Save(ctx, doc, ifVersion)
}

// fragile is a Wrapper that can fail.
type fragile struct {
	keys.Wrapper
	wrap, unwrap error
}

func (f *fragile) Wrap(ctx context.Context, plain, additional []byte) ([]byte, error) {
	if f.wrap != nil {
		return nil, f.wrap
	}
	return f.Wrapper.Wrap(ctx, plain, additional)
}

func (f *fragile) Unwrap(ctx context.Context, wrapped, additional []byte) ([]byte, error) {
	if f.unwrap != nil {
		return nil, f.unwrap
	}
	return f.Wrapper.Unwrap(ctx, wrapped, additional)
}

// TestADocumentThatWouldBeTooLongIsNotWritten: nobody could read it.
func TestADocumentThatWouldBeTooLongIsNotWritten(t *testing.T) {
	f := newFleet(t, inClear)
	f.open(t)
	f.put(documentOf(t, f.Config, func(ring object) { ring["later"] = strings.Repeat("x", 1<<20-1500) }))
	r := f.open(t)
	f.add(period - lead)
	if _, err := r.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "over") {
		t.Errorf("%v, want that it is too long", err)
	}
	if len(f.open(t).Publics()) != 1 {
		t.Error("it was written")
	}
}

func TestLoadNeverMakesARing(t *testing.T) {
	c := keys.Config{Issuer: issuer, Vault: keys.Dir(filepath.Join(t.TempDir(), "ring")), Wrapper: wrapper(t)}
	if r, err := keys.Load(t.Context(), c); !errors.Is(err, keys.ErrNoRing) || r != nil {
		t.Errorf("%v, want ErrNoRing", err)
	}
	r := reopen(t, c)
	again, err := keys.Load(t.Context(), c)
	check(t, err)
	if signs(t, again) != signs(t, r) {
		t.Error("another ring")
	}
	c.Issuer = ""
	if _, err := keys.Load(t.Context(), c); err == nil || errors.Is(err, keys.ErrNoRing) {
		t.Errorf("a bad configuration: %v", err)
	}
}
