package keys_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

func kidOf(key []byte) [4]byte {
	sum := sha256.Sum256(key)
	return [4]byte(sum[:4])
}

func TestSealedDataOpensOnEveryNodeAndNowhereElse(t *testing.T) {
	f := newFleet(t, nil)
	r, other := f.open(t), f.open(t)
	stranger, _ := newRing(t, nil)
	for _, plain := range []string{"", "plain", string(make([]byte, 1<<16))} {
		sealed, err := r.Seal([]byte(plain), []byte("session 1"))
		check(t, err)
		if len(sealed) != 4+12+len(plain)+16 || len(plain) > 4 && bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("sealed form of %d bytes", len(sealed))
		}
		if got, err := other.Unseal(sealed, []byte("session 1")); err != nil || string(got) != plain {
			t.Errorf("on another node: %v", err)
		}
		if again, _ := r.Seal([]byte(plain), []byte("session 1")); bytes.Equal(again, sealed) {
			t.Error("sealing twice gives the same")
		}
		if _, err := r.Unseal(sealed, []byte("session 2")); !errors.Is(err, keys.ErrSealed) {
			t.Errorf("for another place: %v, want ErrSealed", err)
		}
		if _, err := stranger.Unseal(sealed, []byte("session 1")); !errors.Is(err, keys.ErrUnknown) {
			t.Errorf("by another ring: %v, want ErrUnknown", err)
		}
	}
	sealed, err := r.Seal([]byte("plain"), nil)
	check(t, err)
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		want := keys.ErrSealed
		if i < 4 {
			want = keys.ErrUnknown
		}
		if _, err := r.Unseal(bad, nil); !errors.Is(err, want) {
			t.Errorf("byte %d altered: %v, want %v", i, err, want)
		}
		if _, err := r.Unseal(sealed[:i], nil); err == nil {
			t.Errorf("cut to %d bytes: accepted", i)
		}
	}
}

// TestMACAndDataKeysRotate: the old ones stay as long as what they made may live.
func TestMACAndDataKeysRotate(t *testing.T) {
	f := newFleet(t, func(c *keys.Config) { c.MACPeriod, c.MACLife = time.Hour, 3*time.Hour })
	a, b := f.open(t), f.open(t)
	mac, err := a.SigningMAC()
	check(t, err)
	sealed, err := a.Seal([]byte("plain"), nil)
	check(t, err)
	f.stepped(t, time.Hour-70*time.Second, a) // b does not see it yet
	f.stepped(t, 70*time.Second, b, a)
	for name, r := range map[string]*keys.Ring{"a": a, "b": b} {
		next, err := r.SigningMAC()
		check(t, err)
		again, err := r.Seal([]byte("plain"), nil)
		check(t, err)
		if bytes.Equal(next, mac) || bytes.Equal(again[:4], sealed[:4]) {
			t.Errorf("%s: they have not rotated", name)
		}
		if _, ok := b.MAC(kidOf(next)); !ok {
			t.Errorf("%s: b does not know the new MAC key", name)
		}
		if _, err := b.Unseal(again, nil); err != nil {
			t.Errorf("%s: b does not know the new data key: %v", name, err)
		}
	}
	for range 5 { // MACLife and 70 s in all, less 1 ms
		f.stepped(t, (3*time.Hour+70*time.Second)/5-200*time.Microsecond, a, b)
	}
	if _, ok := b.MAC(kidOf(mac)); !ok {
		t.Error("the MAC key left too early")
	}
	if _, err := b.Unseal(sealed, nil); err != nil {
		t.Errorf("the data key left too early: %v", err)
	}
	f.stepped(t, time.Millisecond, a, b)
	if _, ok := b.MAC(kidOf(mac)); ok {
		t.Error("the MAC key is there")
	}
	if _, err := b.Unseal(sealed, nil); !errors.Is(err, keys.ErrUnknown) {
		t.Errorf("the data key: %v, want ErrUnknown", err)
	}
	f.add(2 * time.Minute)
	if _, err := b.Unseal(sealed, nil); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("by a ring that is too old: %v, want ErrUnavailable", err)
	}
	if _, err := b.Seal(nil, nil); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Seal by a ring that is too old: %v, want ErrUnavailable", err)
	}
}
