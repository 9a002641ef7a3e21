package keys_test

import (
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

func TestAnImportedKeySignsWhenEveryVerifierKnowsIt(t *testing.T) { // req 39
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ring, _ := newRing(t, func(c *keys.Config) {
		c.MaxStale, c.MaxTTL = time.Minute, 10*time.Minute
		c.Now = func() time.Time { return now }
	})
	k := generate(t, keys.EdDSA)
	public, err := ring.Import(t.Context(), k, false)
	check(t, err)
	if public.ID() != k.ID() || k.MaxTTL() != 0 {
		t.Error("another key was imported, or the caller's was changed")
	}
	if _, err := ring.Import(t.Context(), generate(t, keys.ES256), false); err == nil {
		t.Error("a second key was imported while one is pending")
	}
	lead := time.Hour + time.Minute + 10*time.Second // Propagation + MaxStale + 2 x Skew
	for _, at := range []struct {
		after time.Duration
		signs bool
	}{{lead - time.Second, false}, {lead, true}} {
		now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(at.after)
		check(t, ring.Reload(t.Context()))
		signing, err := ring.Signing()
		check(t, err)
		if (signing.ID() == k.ID()) != at.signs {
			t.Errorf("after %v it signs: %v", at.after, !at.signs)
		}
		if at.signs && signing.MaxTTL() != 10*time.Minute {
			t.Errorf("it may sign for %v, want the ring's 10m", signing.MaxTTL())
		}
	}
}

func TestWhatARingDoesNotImport(t *testing.T) {
	ring, c := newRing(t, nil)
	k := generate(t, keys.ES256)
	_, err := ring.Import(t.Context(), k, true)
	check(t, err)
	if signing, err := ring.Signing(); err != nil || signing.ID() != k.ID() {
		t.Errorf("imported at once, it does not sign: %v", err)
	}
	for name, again := range map[string]*keys.Private{"a key that it has": k, "nothing": nil} {
		if _, err := ring.Import(t.Context(), again, true); err == nil {
			t.Errorf("%s was imported", name)
		}
	}
	_, err = ring.Replace(t.Context(), k.ID())
	check(t, err)
	if _, err := ring.Import(t.Context(), k, true); err == nil {
		t.Error("a key that was compromised was let in again")
	}
	again, err := keys.Open(t.Context(), c)
	check(t, err)
	if signing, err := again.Signing(); err != nil || signing.ID() == k.ID() {
		t.Errorf("after a restart: %v", err)
	}
}
