package keys_test

import (
	"errors"
	"testing"

	"github.com/writ-go/writ/keys"
)

// req 38, req 41: a key that another node makes in an emergency is found by a reading that begins with
// the question, and strangers can cause only so many of them.
func TestReadAnewFindsAKeyThatWasMadeThisMoment(t *testing.T) {
	a, c := newRing(t, nil)
	b, err := keys.Open(t.Context(), c)
	check(t, err)
	old, err := a.Signing()
	check(t, err)
	k, err := a.Replace(t.Context(), old.ID())
	check(t, err)
	if _, err := b.Public(issuer, k.ID()); !errors.Is(err, keys.ErrUnknown) {
		t.Fatalf("before: %v", err)
	}
	check(t, b.ReadAnew(t.Context()))
	if _, err := b.Public(issuer, k.ID()); err != nil {
		t.Errorf("after: %v", err)
	}
	if _, err := b.Public(issuer, old.ID()); !errors.Is(err, keys.ErrUnknown) {
		t.Errorf("the replaced key: %v", err)
	}
}

func TestReadAnewIsLimited(t *testing.T) {
	r, v, _ := newCounted(t)
	refused := 0
	for range 1000 {
		if err := r.ReadAnew(t.Context()); errors.Is(err, keys.ErrUnavailable) {
			refused++
		}
	}
	if n := v.loads.Load(); n > 100 || refused != 1000-int(n) {
		t.Errorf("%d readings, %d refused", n, refused)
	}
}

func TestReadAnewSaysNothingWhileTheVaultIsDown(t *testing.T) {
	r, v, _ := newCounted(t)
	v.fail.Store(true)
	if err := r.ReadAnew(t.Context()); !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, errDown) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}
