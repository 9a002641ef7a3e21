package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

const issuer = "https://app.example"

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	check(t, err)
	return b
}

// newRing opens a ring in a directory of its own; change alters its configuration first.
func newRing(t testing.TB, change func(*keys.Config)) (*keys.Ring, keys.Config) {
	t.Helper()
	c := keys.Config{Issuer: issuer, Vault: keys.Dir(filepath.Join(t.TempDir(), "ring")), Wrapper: wrapper(t)}
	if change != nil {
		change(&c)
	}
	r, err := keys.Open(context.Background(), c)
	check(t, err)
	return r, c
}

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func TestTheFirstRingSignsAtOnceAndIsTheSameAfterARestart(t *testing.T) {
	for _, a := range algorithms {
		r, c := newRing(t, func(c *keys.Config) { c.Algorithm = a; c.MaxTTL = 10 * time.Minute })
		again, err := keys.Open(context.Background(), c)
		check(t, err)
		k, err := again.Signing()
		check(t, err)
		if k.Algorithm() != a || k.MaxTTL() != 10*time.Minute {
			t.Errorf("%s: signs with %v for %v", a.Name(), k, k.MaxTTL())
		}
		sig, err := k.Sign([]byte("m"))
		check(t, err)
		p, err := r.Public(issuer, k.ID())
		check(t, err)
		if err := p.Verify([]byte("m"), sig); err != nil {
			t.Error(err)
		}
		if set := r.Publics(); len(set) != 1 || set[0].ID() != k.ID() {
			t.Errorf("%s: publishes %v", a.Name(), set)
		}
		mac, err := r.SigningMAC()
		check(t, err)
		sum := sha256.Sum256(mac)
		if same, ok := again.MAC([4]byte(sum[:4])); !ok || string(same) != string(mac) || len(mac) != 32 {
			t.Errorf("%s: the MAC key is not found by its kid", a.Name())
		}
		if _, ok := again.MAC([4]byte{}); ok {
			t.Errorf("%s: an unknown MAC kid is found", a.Name())
		}
	}
}

func TestTheCallerCannotChangeTheRingsKeys(t *testing.T) {
	r, _ := newRing(t, nil)
	mac, err := r.SigningMAC()
	check(t, err)
	sum := sha256.Sum256(mac)
	kid := [4]byte(sum[:4])
	clear(mac)
	found, _ := r.MAC(kid)
	clear(found)
	r.Publics()[0] = nil
	clear(r.Publics()[0].JWK())
	if again, _ := r.MAC(kid); sha256.Sum256(again) != sum {
		t.Error("the MAC key changed")
	}
	if k := r.Publics()[0]; k == nil || k.JWK()[0] != '{' {
		t.Error("the public keys changed")
	}
}

// req 34, req 37: a kid is looked up under its issuer, and is nothing but data.
func TestUnknownKids(t *testing.T) {
	r, _ := newRing(t, nil)
	kid := r.Publics()[0].ID()
	for name, c := range map[string][2]string{
		"another issuer's token":   {"https://evil.example", kid},
		"the issuer with a slash":  {issuer + "/", kid},
		"no issuer":                {"", kid},
		"an unknown kid":           {issuer, strings.Repeat("A", 43)},
		"no kid":                   {issuer, ""},
		"a path":                   {issuer, "../../etc/passwd"},
		"SQL":                      {issuer, "' OR 1=1 --"},
		"a NUL":                    {issuer, kid + "\x00"},
		"the kid in another case":  {issuer, strings.ToUpper(kid)},
		"a kid of a million bytes": {issuer, strings.Repeat("k", 1<<20)},
	} {
		if k, err := r.Public(c[0], c[1]); !errors.Is(err, keys.ErrUnknown) || errors.Is(err, keys.ErrUnavailable) || k != nil {
			t.Errorf("%s: %v, want ErrUnknown", name, err)
		}
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ring")
	for name, change := range map[string]func(*keys.Config){
		"no issuer":                     func(c *keys.Config) { c.Issuer = "" },
		"an issuer with a line end":     func(c *keys.Config) { c.Issuer = "https://a\n" },
		"an issuer that is not UTF-8":   func(c *keys.Config) { c.Issuer = "\xff" },
		"no vault":                      func(c *keys.Config) { c.Vault = nil },
		"no way to keep keys":           func(c *keys.Config) { c.Wrapper = nil },
		"two ways to keep keys":         func(c *keys.Config) { c.InClear = true },
		"MaxStale below Skew":           func(c *keys.Config) { c.MaxStale = 4 * time.Second },
		"MaxStale over an hour":         func(c *keys.Config) { c.MaxStale = 2 * time.Hour },
		"a negative Skew":               func(c *keys.Config) { c.Skew = -1 },
		"MaxTTL over a day":             func(c *keys.Config) { c.MaxTTL = 25 * time.Hour },
		"a negative MaxTTL":             func(c *keys.Config) { c.MaxTTL = -time.Hour },
		"MaxTTL not in whole seconds":   func(c *keys.Config) { c.MaxTTL = 1500 * time.Millisecond },
		"a Period that is too short":    func(c *keys.Config) { c.Period = 2*lead - 1 },
		"a Period of a century":         func(c *keys.Config) { c.Period = 100 * 365 * 24 * time.Hour },
		"a Propagation of a blink":      func(c *keys.Config) { c.Propagation = time.Millisecond },
		"a Propagation of a month":      func(c *keys.Config) { c.Propagation = 30 * 24 * time.Hour },
		"a negative Propagation":        func(c *keys.Config) { c.Propagation = -1 },
		"a Leeway over a minute":        func(c *keys.Config) { c.Leeway = time.Minute + 1 },
		"a negative Leeway":             func(c *keys.Config) { c.Leeway = -1 },
		"a MACPeriod that is too short": func(c *keys.Config) { c.MACPeriod = 2*(stale+10*time.Second) - 1 },
		"a MACPeriod of a century":      func(c *keys.Config) { c.MACPeriod = 100 * 365 * 24 * time.Hour },
		"a negative MACLife":            func(c *keys.Config) { c.MACLife = -1 },
		"a MACLife of a century":        func(c *keys.Config) { c.MACLife = 100 * 365 * 24 * time.Hour },
		"an algorithm that is nil":      func(c *keys.Config) { c.Also = []keys.Algorithm{nil} },
		"a directory without its name":  func(c *keys.Config) { c.Vault = keys.Dir("") },
	} {
		c := keys.Config{Issuer: issuer, Vault: keys.Dir(dir), Wrapper: wrapper(t)}
		change(&c)
		if r, err := keys.Open(context.Background(), c); err == nil || r != nil {
			t.Errorf("%s: accepted", name)
		}
		if r, err := keys.Create(context.Background(), c); err == nil || r != nil {
			t.Errorf("%s: accepted by Create", name)
		}
	}
	if info, err := keys.Inspect(context.Background(), keys.Dir(dir), time.Now()); info != nil || err != nil {
		t.Errorf("a refused configuration left a ring behind: %v", err)
	}
}

// TestASymmetricKeyKeepsItsSecretUntilItLeaves: nothing else verifies.
func TestASymmetricKeyKeepsItsSecretUntilItLeaves(t *testing.T) {
	f := newFleet(t, func(c *keys.Config) { c.Algorithm = keys.HS256 })
	r := f.open(t)
	k, err := r.Signing()
	check(t, err)
	sig, err := k.Sign([]byte("m"))
	check(t, err)
	f.stepped(t, period-lead, r)
	f.stepped(t, lead, r)
	f.stepped(t, stale, r)
	if list := r.Timeline(); !list[0].WipeAt.IsZero() || list[0].Wiped || list[0].RemoveAt.IsZero() {
		t.Errorf("%+v", list[0])
	}
	public, err := f.open(t).Public(issuer, k.ID())
	check(t, err)
	check(t, public.Verify([]byte("m"), sig))
	f.stepped(t, leaves, r)
	if _, err := r.Public(issuer, k.ID()); !errors.Is(err, keys.ErrUnknown) {
		t.Errorf("%v, want ErrUnknown", err)
	}
}

// own is an algorithm that this package does not have.
type own struct{ keys.Algorithm }

func (own) Name() string { return "OWN" }

func (o own) ParseJWK(jwk []byte) (crypto.PublicKey, error) {
	return o.Algorithm.ParseJWK(bytes.Replace(jwk, []byte(`"OWN"`), []byte(`"ES256"`), 1))
}

// TestTheAlgorithmMayChange: keys of the former one go on, if the configuration still names it.
func TestTheAlgorithmMayChange(t *testing.T) {
	f := newFleet(t, func(c *keys.Config) { c.Algorithm = own{keys.ES256} })
	first := signs(t, f.open(t))
	f.Algorithm = nil
	if _, err := keys.Open(t.Context(), f.Config); err == nil || !strings.Contains(err.Error(), "Config.Also") {
		t.Errorf("%v, want the remedy", err)
	}
	f.Also = []keys.Algorithm{own{keys.ES256}}
	r := f.open(t)
	clear(f.Also) // the caller's own
	if signs(t, r) != first {
		t.Error("another key signs")
	}
	f.stepped(t, period-lead, r)
	f.stepped(t, lead, r)
	if k, err := r.Signing(); err != nil || k.Algorithm() != keys.ES256 || len(r.Publics()) != 2 {
		t.Errorf("its successor: %v, %v", k, err)
	}
}

// TestTheArithmeticIsInTheError, with what to do about it.
func TestTheArithmeticIsInTheError(t *testing.T) {
	for _, c := range []struct {
		change func(*keys.Config)
		want   []string // or nothing: it is accepted
	}{
		{func(c *keys.Config) { c.Period = time.Hour },
			[]string{"Period is 1h0m0s", "2 x (Propagation 1h0m0s + MaxStale 1m0s + 2 x Skew 5s) = 2h2m20s", "raise Period"}},
		{func(c *keys.Config) { c.Period = 2*time.Hour + 2*time.Minute + 20*time.Second }, nil},
		{func(c *keys.Config) { c.Period, c.Propagation = time.Hour, 20*time.Minute }, nil},
		{func(c *keys.Config) { c.Propagation = 7 * 24 * time.Hour }, nil},
		{func(c *keys.Config) { c.Period, c.Propagation = 14*24*time.Hour, 7*24*time.Hour }, []string{"= 336h2m20s"}},
		{func(c *keys.Config) { c.MaxStale = time.Hour; c.Period = 4 * time.Hour }, []string{"MaxStale 1h0m0s", "= 4h0m20s"}},
		{func(c *keys.Config) { c.MACPeriod = time.Minute },
			[]string{"MACPeriod is 1m0s", "2 x (MaxStale 1m0s + 2 x Skew 5s) = 2m20s"}},
		{func(c *keys.Config) { c.Period, c.MACPeriod = -1, -1 }, nil},
	} {
		config := keys.Config{Issuer: issuer, Vault: new(memory), Wrapper: wrapper(t)}
		c.change(&config)
		_, err := keys.Open(t.Context(), config)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%v, want %q", err, c.want)
		}
		for _, part := range c.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%v, want %q in it", err, part)
			}
		}
	}
}

// req 97
func TestCreateNeverReplacesARing(t *testing.T) {
	r, c := newRing(t, nil)
	if made, err := keys.Create(context.Background(), c); !errors.Is(err, keys.ErrConflict) || made != nil {
		t.Fatalf("Create: %v, want ErrConflict", err)
	}
	again, err := keys.Open(context.Background(), c)
	check(t, err)
	if again.Publics()[0].ID() != r.Publics()[0].ID() {
		t.Error("the ring was replaced")
	}
}

// brokenWrapper seals, but cannot unseal: a KMS grant without decrypt.
type brokenWrapper struct{ keys.Wrapper }

func (brokenWrapper) Unwrap(context.Context, []byte, []byte) ([]byte, error) {
	return nil, errors.New("access denied")
}

func TestAWrapperThatCannotUnwrapLeavesNoRingBehind(t *testing.T) {
	c := keys.Config{Issuer: issuer, Vault: keys.Dir(filepath.Join(t.TempDir(), "ring")), Wrapper: brokenWrapper{wrapper(t)}}
	if _, err := keys.Open(context.Background(), c); err == nil {
		t.Fatal("opened")
	}
	if info, err := keys.Inspect(context.Background(), c.Vault, time.Now()); info != nil || err != nil {
		t.Errorf("it left a ring: %v", err)
	}
}

// req 44: a clock that is behind the ring's makes its key no less the one that signs.
func TestAClockThatStepsBackLeavesAKeyToSignWith(t *testing.T) {
	c := newClock()
	r, config := newRing(t, func(config *keys.Config) { config.Now = c.now })
	c.add(-24 * time.Hour)
	if _, err := r.Signing(); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("nobody can tell how old the open ring is: %v, want ErrUnavailable", err)
	}
	check(t, r.Reload(t.Context()))
	for name, r := range map[string]*keys.Ring{"the open ring": r, "after a restart": reopen(t, config)} {
		k, err := r.Signing()
		check(t, err)
		if _, err := r.SigningMAC(); err != nil || k.ID() != r.Publics()[0].ID() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAClockThatIsSetBackMakesTheRingStale(t *testing.T) {
	for name, c := range map[string]struct {
		step time.Duration
		want error
	}{
		"by Skew":           {-5 * time.Second, nil},
		"by more than Skew": {-5*time.Second - time.Millisecond, keys.ErrUnavailable},
		"by years":          {-100_000 * time.Hour, keys.ErrUnavailable},
		"ahead by years":    {100_000 * time.Hour, keys.ErrUnavailable},
	} {
		r, v, clock := newCounted(t)
		clock.add(c.step)
		if err := r.Ready(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want == nil {
			continue
		}
		if err := r.Refresh(t.Context()); err != nil || v.loads.Load() != 1 {
			t.Errorf("%s: Refresh must read the vault: %v", name, err)
		}
		if err := r.Ready(); err != nil {
			t.Errorf("%s: once it was read: %v", name, err)
		}
	}
}

func reopen(t testing.TB, c keys.Config) *keys.Ring {
	t.Helper()
	r, err := keys.Open(context.Background(), c)
	check(t, err)
	return r
}

func TestTheZeroRingIsUnavailable(t *testing.T) {
	r := new(keys.Ring)
	_, signing := r.Signing()
	_, mac := r.SigningMAC()
	_, public := r.Public(issuer, "kid")
	for _, err := range []error{signing, mac, public, r.Ready(), r.Reload(t.Context()), r.Refresh(t.Context())} {
		if !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
	}
	if _, ok := r.MAC([4]byte{}); ok || r.Publics() != nil {
		t.Error("the zero ring has keys")
	}
}
