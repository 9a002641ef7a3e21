package keys_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"github.com/writ-go/writ/keys"
)

// newSecret is a test secret, of no use elsewhere.
const newSecret = "Zk3XwPq7Tn1LfR8sVy5BhJd0GmCe4UaO"

func secrets(t testing.TB, list ...string) keys.Wrapper {
	t.Helper()
	var former [][]byte
	for _, s := range list[1:] {
		former = append(former, []byte(s))
	}
	w, err := keys.Secret([]byte(list[0]), former...)
	check(t, err)
	return w
}

// TestASecretIsChangedWithoutAPause: the rollout that Secret documents, over two processes.
func TestASecretIsChangedWithoutAPause(t *testing.T) {
	f := newFleet(t, nil)
	rewrapped := 0
	f.Observe = func(e keys.RingEvent) {
		if e.Kind == keys.RingRewrapped {
			rewrapped++
		}
	}
	deploy := func(w keys.Wrapper) *keys.Ring {
		t.Helper()
		f.Wrapper = w
		r, err := keys.Open(t.Context(), f.Config)
		check(t, err)
		return r
	}
	a, b := deploy(secrets(t, testSecret)), deploy(secrets(t, testSecret))
	kid := signs(t, a)
	f.stepped(t, period-lead, a, b)
	both := func() {
		t.Helper()
		for range 2 {
			f.stepped(t, stale/3, a, b)
			if signs(t, a) != kid || signs(t, b) != kid {
				t.Error("another key signs")
			}
		}
	}
	a = deploy(secrets(t, testSecret, newSecret))
	both()
	b = deploy(secrets(t, testSecret, newSecret))
	both()
	if rewrapped != 0 {
		t.Error("wrapped anew too early: a process with the old secret alone could not read it")
	}
	a = deploy(secrets(t, newSecret, testSecret))
	both() // they disagree for now, and go on
	b = deploy(secrets(t, newSecret, testSecret))
	both()
	done, saves := rewrapped, f.saves
	if done == 0 {
		t.Error("nothing was wrapped anew")
	}
	both()
	if f.saves != saves {
		t.Error("it is wrapped anew again and again")
	}
	a, b = deploy(secrets(t, newSecret)), deploy(secrets(t, newSecret))
	both()
	f.Wrapper = secrets(t, testSecret)
	if _, err := keys.Open(t.Context(), f.Config); !errors.Is(err, keys.ErrOtherSecret) {
		t.Errorf("with the old secret alone: %v, want ErrOtherSecret", err)
	}
}

// TestOnlyTheSealIsStale: what stands in the ring may be under the current key already.
func TestOnlyTheSealIsStale(t *testing.T) {
	f := newFleet(t, nil)
	f.open(t)
	f.Wrapper = secrets(t, newSecret, testSecret)
	if changed, err := f.open(t).Rewrap(t.Context()); !changed || err != nil {
		t.Fatalf("changed %v: %v", changed, err)
	}
	f.Wrapper = secrets(t, testSecret, newSecret)
	f.put(documentOf(t, f.Config, func(object) {})) // sealed under the old one
	f.Wrapper = secrets(t, newSecret, testSecret)
	r := f.open(t)
	if changed, err := r.Rewrap(t.Context()); !changed || err != nil {
		t.Errorf("changed %v: %v", changed, err)
	}
	if changed, err := r.Rewrap(t.Context()); changed || err != nil {
		t.Errorf("again, changed %v: %v", changed, err)
	}
	f.Wrapper = secrets(t, newSecret)
	f.open(t)
}

func TestSecretsKnowWhatIsCurrent(t *testing.T) {
	w := secrets(t, newSecret, testSecret).(interface{ Current([]byte) bool })
	ctx := t.Context()
	mine, err := secrets(t, newSecret).Wrap(ctx, []byte("plain"), nil)
	check(t, err)
	former, err := secrets(t, testSecret).Wrap(ctx, []byte("plain"), nil)
	check(t, err)
	if !w.Current(mine) || w.Current(former) || w.Current(nil) || w.Current(mine[:3]) {
		t.Error("it does not know")
	}
	for _, sealed := range [][]byte{mine, former} {
		if plain, err := secrets(t, newSecret, testSecret).Unwrap(ctx, sealed, nil); err != nil || string(plain) != "plain" {
			t.Errorf("%v", err)
		}
		sealed = slices.Clone(sealed)
		sealed[len(sealed)-1] ^= 1
		if _, err := secrets(t, newSecret, testSecret).Unwrap(ctx, sealed, nil); err == nil || errors.Is(err, keys.ErrOtherSecret) {
			t.Errorf("altered: %v", err)
		}
	}
	if w, err := keys.Secret([]byte(newSecret), []byte("short")); err == nil || w != nil {
		t.Error("a former secret that is none is accepted")
	}
	if w, err := keys.Secret([]byte(newSecret), []byte(base64.StdEncoding.EncodeToString([]byte(testSecret)))); err != nil || w == nil {
		t.Error(err)
	}
}
