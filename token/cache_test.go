package token_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// counted is an algorithm that counts signature checks, and does something in the middle of each.
type counted struct {
	keys.Algorithm
	checks *atomic.Int64
	during func()
}

func (c counted) Verify(key crypto.PublicKey, message, signature []byte) error {
	c.checks.Add(1)
	if c.during != nil {
		c.during()
	}
	return c.Algorithm.Verify(key, message, signature)
}

// world is a verifier and all that it asks, as the test wants them to be.
type world struct {
	mu      sync.Mutex
	key     key
	set     map[string]*keys.Public
	broken  error
	revoked revocations
	checks  atomic.Int64
	during  func()

	verifier *token.Verifier
}

func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) Revoked(v *token.Verified) (bool, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.revoked.Revoked(v)
}

func (w *world) Public(_, kid string) (*keys.Public, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return nil, w.broken
	}
	if k, ok := w.set[kid]; ok {
		return k, nil
	}
	return nil, keys.ErrUnknown
}

func newWorld(t *testing.T, c token.VerifierConfig) *world {
	t.Helper()
	w := &world{}
	w.key = newKey(t, counted{keys.EdDSA, &w.checks, func() {
		if w.during != nil {
			w.during()
		}
	}})
	w.set = map[string]*keys.Public{w.key.ID(): w.key.Private.Public()}
	w.revoked.asOf = time.Now()
	w.checks.Store(0)
	c.Keys, c.Revocations, c.Now = w, w, time.Now
	w.verifier = verifier(t, c)
	return w
}

func (w *world) issue(t *testing.T) string {
	t.Helper()
	now := time.Now()
	raw, err := newIssuer(t, w.key).Issue(token.Claims{Subject: "alice"}, now, now.Add(10*time.Minute), now.UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// remember verifies raw until the cache has taken it in.
func (w *world) remember(t *testing.T, raw string) {
	t.Helper()
	for range 2 {
		if _, err := verify(w.verifier, raw); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	if n := w.checks.Load(); n != 1 {
		t.Fatalf("%d signature checks for a token that came twice, want 1", n)
	}
}

// inBubble gives f a running verifier, and stops it.
func inBubble(t *testing.T, c token.VerifierConfig, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, c)
		ctx, stop := context.WithCancel(context.Background())
		go w.verifier.Run(ctx)
		defer synctest.Wait()
		defer stop()
		synctest.Wait()
		f(t, w)
	})
}

// req 17, req 64, req 81: what can change is asked at every request, also of a token whose signature
// is known to be right.
func TestARememberedTokenIsJudgedEveryTime(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, w *world)
		want   error
	}{
		"nothing changed":                 {func(*testing.T, *world) {}, nil},
		"it expired":                      {func(_ *testing.T, w *world) { time.Sleep(10*time.Minute + 6*time.Second); w.revoked.asOf = time.Now() }, token.ErrExpired},
		"it was revoked":                  {func(_ *testing.T, w *world) { w.revoked.revoked = true }, token.ErrRevoked},
		"its key was removed":             {func(_ *testing.T, w *world) { clear(w.set) }, token.ErrUnknownKey},
		"keys cannot be had":              {func(_ *testing.T, w *world) { w.broken = keys.ErrUnavailable }, token.ErrUnavailable},
		"revocations are too old":         {func(*testing.T, *world) { time.Sleep(61 * time.Second) }, token.ErrStale},
		"revocations were never complete": {func(_ *testing.T, w *world) { w.revoked.asOf = time.Time{} }, token.ErrStale},
		"its kid names another key": {func(t *testing.T, w *world) {
			w.set[w.key.ID()] = newKey(t, keys.EdDSA).Private.Public()
		}, token.ErrSignature},
		"its key is bound to another algorithm": {func(t *testing.T, w *world) {
			other, err := keys.ParseJWK(keys.Ed25519, []byte(strings.Replace(string(w.key.Private.Public().JWK()), `"EdDSA"`, `"Ed25519"`, 1)))
			if err != nil {
				t.Fatal(err)
			}
			w.set[w.key.ID()] = other
		}, token.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
				raw := w.issue(t)
				w.remember(t, raw)
				test.change(t, w)
				got, err := verify(w.verifier, raw)
				if test.want == nil {
					if err != nil || w.checks.Load() != 1 {
						t.Errorf("%v after %d signature checks", err, w.checks.Load())
					}
					return
				}
				wantErr(t, got, err, test.want)
			})
		})
	}
}

func TestOnlyTheWholeTokenIsRemembered(t *testing.T) {
	inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
		raw := w.issue(t)
		w.remember(t, raw)
		for i := range raw {
			other := byte('A')
			if raw[i] == 'A' {
				other = 'B'
			}
			if got, err := verify(w.verifier, raw[:i]+string(other)+raw[i+1:]); err == nil || got != nil {
				t.Fatalf("accepted with another character at %d", i)
			}
		}
	})
}

// req 64: a revocation, or a removed key, that comes while the signature is being checked. The token
// is remembered after it, and must not live again.
func TestWhatComesDuringTheFirstCheckIsNotOverlooked(t *testing.T) {
	for name, test := range map[string]struct {
		takes  time.Duration
		change func(w *world)
		want   error
	}{
		"a revocation":    {time.Second, func(w *world) { w.revoked.revoked = true }, token.ErrRevoked},
		"the key's end":   {time.Second, func(w *world) { clear(w.set) }, token.ErrUnknownKey},
		"the token's end": {time.Hour, func(w *world) { w.revoked.asOf = time.Now() }, token.ErrExpired},
		"old revocations": {time.Second, func(w *world) { w.revoked.asOf = time.Time{} }, token.ErrStale},
		"broken keys":     {time.Second, func(w *world) { w.broken = errors.New("down") }, token.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
				raw := w.issue(t)
				w.during = func() {
					time.Sleep(test.takes) // until all are there
					w.change(func() { test.change(w) })
				}
				for range 3 { // at first sight, while it may be in the queue, and from the cache
					var all sync.WaitGroup
					for range 20 {
						all.Go(func() {
							got, err := verify(w.verifier, raw)
							wantErr(t, got, err, test.want)
						})
					}
					all.Wait()
					synctest.Wait()
				}
			})
		})
	}
}

func TestManyFirstSightsCostOneSignatureCheck(t *testing.T) {
	inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
		raw, other := w.issue(t), w.issue(t)
		w.during = func() { time.Sleep(time.Second) } // until all are there
		forged := raw[:len(raw)-4] + "AAAA"
		var all sync.WaitGroup
		for n := range 300 {
			all.Go(func() {
				switch n % 3 {
				case 0, 1:
					if got, err := verify(w.verifier, []string{raw, other}[n%3]); err != nil || got.Subject() != "alice" {
						t.Error(err)
					}
				case 2:
					got, err := verify(w.verifier, forged)
					wantErr(t, got, err, token.ErrSignature)
				}
			})
		}
		all.Wait()
		if n := w.checks.Load(); n != 3 {
			t.Errorf("%d signature checks for three tokens", n)
		}
		// What fails is not remembered.
		got, err := verify(w.verifier, forged)
		wantErr(t, got, err, token.ErrSignature)
		if n := w.checks.Load(); n != 4 {
			t.Errorf("%d signature checks in the end, want 4", n)
		}
	})
}

func TestAPanicInOneCheckDoesNotHoldTheOthers(t *testing.T) {
	inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
		raw := w.issue(t)
		w.during = func() { time.Sleep(time.Second); panic("a broken algorithm") }
		var all sync.WaitGroup
		var panics atomic.Int64
		for range 10 {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						panics.Add(1)
					}
				}()
				got, err := verify(w.verifier, raw)
				wantErr(t, got, err, token.ErrUnavailable)
			})
		}
		all.Wait()
		if panics.Load() != 1 {
			t.Errorf("%d panics, want the one of the check", panics.Load())
		}
		w.during = nil
		if _, err := verify(w.verifier, raw); err != nil {
			t.Error(err)
		}
	})
}

func TestServeStaleSharesWhatIsRemembered(t *testing.T) {
	inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
		raw := w.issue(t)
		w.remember(t, raw)
		lenient := w.verifier.ServeStale(5 * time.Minute)
		time.Sleep(2 * time.Minute)
		if _, err := verify(lenient, raw); err != nil {
			t.Error(err)
		}
		got, err := verify(w.verifier, raw)
		wantErr(t, got, err, token.ErrStale)
		if n := w.checks.Load(); n != 1 {
			t.Errorf("%d signature checks, want 1", n)
		}
	})
}

func TestWithoutRunOrWithoutCacheEverythingIsCheckedEveryTime(t *testing.T) {
	for name, bytes := range map[string]int64{"it does not run": 0, "it has no cache": -1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, token.VerifierConfig{CacheBytes: bytes})
				if bytes < 0 {
					ctx, stop := context.WithCancel(context.Background())
					defer synctest.Wait()
					defer stop()
					go w.verifier.Run(ctx)
				}
				raw := w.issue(t)
				for range 3 {
					if _, err := verify(w.verifier, raw); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				if n := w.checks.Load(); n != 3 {
					t.Errorf("%d signature checks, want 3", n)
				}
			})
		})
	}
}

func TestTheCacheKeepsToItsBudget(t *testing.T) {
	inBubble(t, token.VerifierConfig{CacheBytes: 64 << 10}, func(t *testing.T, w *world) {
		const tokens = 300 // of about 2 KiB each with what is kept beside them
		raws := make([]string, tokens)
		for i := range raws {
			raws[i] = w.issue(t)
		}
		for range 4 {
			for _, raw := range raws {
				if _, err := verify(w.verifier, raw); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second) // ristretto has what it wants by then
		}
		if n := w.checks.Load(); n < 4*tokens-4*32 {
			t.Errorf("only %d signature checks: more tokens were kept than 64 KiB hold", n)
		}
	})
}

func TestAVerifierRunsOnce(t *testing.T) {
	inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
		if err := w.verifier.ServeStale(time.Minute).Run(context.Background()); err == nil || !strings.Contains(err.Error(), "runs already") {
			t.Errorf("error is %v", err)
		}
	})
}

// Requests go on while Run ends and begins again. Meant for the race detector.
func TestRunMayEndUnderLoad(t *testing.T) {
	w := newWorld(t, token.VerifierConfig{})
	raws := make([]string, 50)
	for i := range raws {
		raws[i] = w.issue(t)
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if _, err := verify(w.verifier, raws[(i+n)%len(raws)]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 50 {
		running, end := context.WithTimeout(ctx, 2*time.Millisecond)
		if err := w.verifier.Run(running); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		end()
	}
	stop()
	all.Wait()
}

// req 81, CVE-2026-33496: what one verifier found out says nothing to another.
func TestTwoAudiencesDoNotShareAnAnswer(t *testing.T) {
	k := newKey(t, keys.EdDSA)
	mine := verifier(t, token.VerifierConfig{Keys: k})
	other := verifier(t, token.VerifierConfig{Keys: k, Audience: "https://other.example"})
	run(t, mine)
	run(t, other)
	raw := issue(t, k, token.Claims{})
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			if n%2 == 0 {
				if _, err := verify(mine, raw); err != nil {
					t.Error(err)
				}
				return
			}
			got, err := verify(other, raw)
			wantErr(t, got, err, token.ErrAudience)
		})
	}
	all.Wait()
}

func TestAMemoIsMadeOnceForItsOwner(t *testing.T) {
	k := newKey(t, keys.EdDSA)
	v, err := verify(verifier(t, token.VerifierConfig{Keys: k}), issue(t, k, token.Claims{}))
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	memo := func(owner string) any {
		return v.Memo(owner, func(*token.Verified) any { made++; return fmt.Sprint(owner, made) })
	}
	got := fmt.Sprintln(memo("a"), memo("a"), memo("b"), memo("b"), memo("a"))
	if want := "a1 a1 b2 b3 a1\n"; got != want {
		t.Errorf("memos %s, want %s", got, want)
	}
}
