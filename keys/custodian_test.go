package keys_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// kms is a Custodian whose keys are in memory, and never leave it.
type kms struct {
	keys   map[string]crypto.Signer
	opened int
	down   error
	hangs  bool
	slow   func()
	swap   bool // it gives another key than the one that was asked for
}

func (k *kms) Create(_ context.Context, a keys.Algorithm) (string, error) {
	if k.down != nil {
		return "", k.down
	}
	if k.slow != nil {
		k.slow()
	}
	s, err := a.Generate()
	if err != nil {
		return "", err
	}
	if k.keys == nil {
		k.keys = map[string]crypto.Signer{}
	}
	ref := fmt.Sprint("kms:", len(k.keys)+1)
	k.keys[ref] = hidden{s}
	return ref, nil
}

func (k *kms) Open(ctx context.Context, ref string) (crypto.Signer, error) {
	k.opened++
	switch {
	case k.hangs:
		<-ctx.Done()
		return nil, ctx.Err()
	case k.down != nil:
		return nil, k.down
	case k.swap:
		return keys.ES256.Generate()
	}
	return k.keys[ref], nil
}

// hidden is a key that nobody can export.
type hidden struct{ crypto.Signer }

var errKMS = errors.New("the KMS is down")

func newEntrusted(t testing.TB) (*fleet, *kms) {
	k := new(kms)
	return newFleet(t, func(c *keys.Config) { c.Custodian = k }), k
}

func TestACustodianKeepsSigningKeys(t *testing.T) {
	f, k := newEntrusted(t)
	var wiped []string
	f.Observe = func(e keys.RingEvent) {
		if e.Kind == keys.KeyWiped {
			wiped = append(wiped, e.Ref)
		}
	}
	r := f.open(t)
	other := f.open(t)
	item := firstKey(f.ring(t))
	if item["ref"] != "kms:1" || item["private"] != nil || item["private_in_clear"] != nil || len(k.keys) != 1 {
		t.Error("the ring must have the name of the key, and nothing else")
	}
	if k.opened != 2 {
		t.Errorf("opened %d times by two processes", k.opened)
	}
	for range 3 {
		f.stepped(t, period-lead, r, other)
		f.stepped(t, lead, r, other)
		active, err := other.Signing()
		check(t, err)
		sig, err := active.Sign([]byte("m"))
		check(t, err)
		public, err := r.Public(issuer, active.ID())
		check(t, err)
		check(t, public.Verify([]byte("m"), sig))
		if here, err := r.Signing(); err != nil || active.MaxTTL() != time.Hour || here.MaxTTL() != time.Hour {
			t.Errorf("it may sign for %v, here for %v: %v", active.MaxTTL(), here.MaxTTL(), err)
		}
		f.stepped(t, stale, r, other)
		f.stepped(t, leaves, r, other)
	}
	if len(k.keys) != 4 || k.opened != 8 {
		t.Errorf("%d keys were made in 3 rotations, and opened %d times by two processes", len(k.keys), k.opened)
	}
	want := []string{"kms:1", "kms:1", "kms:2", "kms:2", "kms:3", "kms:3"}
	if slices.Sort(wiped); !slices.Equal(wiped, want) {
		t.Errorf("told of %v", wiped)
	}
	if list := r.Timeline(); list[len(list)-1].Ref != "kms:4" || list[len(list)-1].Wiped {
		t.Errorf("%+v", list)
	}
}

// TestWithoutItsCustodianARingOnlyVerifies, until the Custodian is there again.
func TestWithoutItsCustodianARingOnlyVerifies(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(k *kms, c *keys.Config)
		want  string
	}{
		"it is down":            {func(k *kms, _ *keys.Config) { k.down = errKMS }, "the KMS is down"},
		"it has another key":    {func(k *kms, _ *keys.Config) { k.swap = true }, "another key"},
		"it has no such key":    {func(k *kms, _ *keys.Config) { k.keys = nil }, "no signer"},
		"there is none for now": {func(_ *kms, c *keys.Config) { c.Custodian = nil }, "Config.Custodian is nil"},
	} {
		f, k := newEntrusted(t)
		kid := signs(t, f.open(t))
		config := f.Config
		made := k.keys
		c.spoil(k, &config)
		r := reopen(t, config)
		if _, err := r.Public(issuer, kid); err != nil || r.Ready() != nil {
			t.Errorf("%s: it does not verify: %v", name, err)
		}
		if _, err := r.Signing(); !errors.Is(err, keys.ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want ErrUnavailable with the reason", name, err)
		}
		if _, err := r.SigningMAC(); err != nil {
			t.Errorf("%s: the MAC key: %v", name, err)
		}
		if config.Custodian == nil {
			continue
		}
		k.down, k.swap, k.keys = nil, false, made
		check(t, r.Reload(t.Context()))
		if signs(t, r) != kid {
			t.Errorf("%s: it does not sign again", name)
		}
	}
}

// TestARetiredKeyDoesNotSignInTheCustodiansPlace: its tokens would outlive it.
func TestARetiredKeyDoesNotSignInTheCustodiansPlace(t *testing.T) {
	f := newFleet(t, nil)
	r := f.open(t)
	k := new(kms)
	f.Custodian = k
	entrusting := f.open(t)
	f.stepped(t, period-lead, entrusting)
	f.stepped(t, lead, entrusting)
	check(t, r.Reload(t.Context())) // it has no Custodian
	if _, err := r.Signing(); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	signs(t, entrusting)
}

func TestACustodianThatIsDownMakesNoRing(t *testing.T) {
	f, k := newEntrusted(t)
	k.down = errKMS
	if _, err := keys.Open(t.Context(), f.Config); !errors.Is(err, errKMS) {
		t.Errorf("Open: %v", err)
	}
	if f.copy() != nil {
		t.Error("a ring was made")
	}
	k.down = nil
	r := f.open(t)
	kid := signs(t, r)
	k.down = errKMS
	f.add(period - lead)
	if _, err := r.Step(t.Context()); !errors.Is(err, errKMS) {
		t.Errorf("Step: %v", err)
	}
	if signs(t, r) != kid {
		t.Error("what it has opened does not sign")
	}
}

// TestACustodiansKeysAreNotMadeInVain: each may cost money for ever.
func TestACustodiansKeysAreNotMadeInVain(t *testing.T) {
	f, k := newEntrusted(t)
	r := f.open(t)
	f.add(period - lead)
	f.readOnly = errDown
	for range 5 {
		if _, err := r.Step(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("Step: %v", err)
		}
	}
	if len(k.keys) != 2 {
		t.Errorf("%d keys for one that could not be saved", len(k.keys)-1)
	}
	f.readOnly = nil
	check(t, second(r.Step(t.Context())))
	if list := r.Timeline(); len(k.keys) != 2 || list[1].Ref != "kms:2" {
		t.Errorf("%d keys: the one that was made must be used", len(k.keys))
	}
	// An emergency does not take one that is lying about.
	f.add(lead)
	f.add(period - lead)
	f.readOnly = errDown
	r.Step(t.Context())
	f.readOnly = nil
	check(t, second(r.Replace(t.Context(), r.Timeline()[1].Public.ID())))
	list := r.Timeline()
	if ref := list[len(list)-1].Ref; ref != "kms:4" {
		t.Errorf("the new key is %s, want one that was made after the alarm", ref)
	}
}

// TestACustodianThatHangsDoesNotMakeTheRingStale, nor a ring that opens wait for long.
func TestACustodianThatHangsDoesNotMakeTheRingStale(t *testing.T) {
	f, k := newEntrusted(t)
	f.open(t)
	k.hangs = true
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // instead of the 5 s that it waits
	defer cancel()
	r, err := keys.Open(ctx, f.Config)
	if err != nil || r.Ready() != nil {
		t.Errorf("Open: %v", err)
	}
}

// req 39: a key is published once the ring is written, not when it was begun.
func TestTheTimeThatMakingAKeyTakesDoesNotCount(t *testing.T) {
	f, k := newEntrusted(t)
	r := f.open(t)
	f.add(period)
	k.slow = func() { f.add(10 * time.Minute) }
	check(t, second(r.Step(t.Context())))
	if key := r.Timeline()[1]; !key.CreatedAt.Equal(f.now()) || !key.ActivateAt.Equal(f.now().Add(lead)) || len(k.keys) != 2 {
		t.Errorf("%+v: published at %v", key, f.now())
	}
}

func TestConfigurationsOfCustodiansThatAreRefused(t *testing.T) {
	for name, change := range map[string]func(*keys.Config){
		"no way to keep MAC keys": func(c *keys.Config) { c.Wrapper = nil },
		"a symmetric algorithm":   func(c *keys.Config) { c.Algorithm = keys.HS256 },
		"a name that is none":     func(c *keys.Config) { c.Custodian = nameless("") },
		"a name that is too long": func(c *keys.Config) { c.Custodian = nameless(strings.Repeat("x", 1025)) },
		"a name that is not text": func(c *keys.Config) { c.Custodian = nameless("\xff") },
	} {
		f, _ := newEntrusted(t)
		change(&f.Config)
		if r, err := keys.Open(t.Context(), f.Config); err == nil || r != nil || f.copy() != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

type nameless string

func (n nameless) Create(context.Context, keys.Algorithm) (string, error) { return string(n), nil }

func (nameless) Open(context.Context, string) (crypto.Signer, error) { return keys.ES256.Generate() }
