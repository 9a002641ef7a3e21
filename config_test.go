package writ_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

func TestAWrongConfigurationDoesNotStart(t *testing.T) { // req 99
	placeholder := []byte(strings.Repeat("changeme", 8))
	for name, test := range map[string]struct {
		change func(*writ.Config)
		says   []string
	}{
		"no issuer":                         {func(c *writ.Config) { c.Issuer = "" }, []string{"WRIT_ISSUER", "https://"}},
		"an issuer that is no URL":          {func(c *writ.Config) { c.Issuer = "app" }, []string{"WRIT_ISSUER", "URL"}},
		"an issuer with a query":            {func(c *writ.Config) { c.Issuer += "?x=1" }, []string{"WRIT_ISSUER", "query"}},
		"an issuer with a password":         {func(c *writ.Config) { c.Issuer = "https://a:b@app.example" }, []string{"WRIT_ISSUER", "user"}},
		"no store":                          {func(c *writ.Config) { c.Store = nil }, []string{"WRIT_STORE"}},
		"no word on keys":                   {func(c *writ.Config) { c.Secret = nil }, []string{"WRIT_SECRET", "exactly one"}},
		"two words on keys":                 {func(c *writ.Config) { c.KeysInClear = true }, []string{"WRIT_KEYS_IN_CLEAR", "exactly one"}},
		"a short secret":                    {func(c *writ.Config) { c.Secret = []byte("short") }, []string{"WRIT_SECRET", "32"}},
		"a placeholder for a secret":        {func(c *writ.Config) { c.Secret = placeholder }, []string{"WRIT_SECRET"}},
		"W = 2L + D + skew":                 {func(c *writ.Config) { c.Rotation.Window = 55 * time.Second }, []string{"WRIT_RETRY_WINDOW", "= 55s"}},
		"access < 2W":                       {func(c *writ.Config) { c.AccessTTL = 119 * time.Second }, []string{"WRIT_ACCESS_TTL", "= 2m0s"}},
		"idle < 2 x access":                 {func(c *writ.Config) { c.Rotation.Idle = 19 * time.Minute }, []string{"WRIT_IDLE_TTL", "= 20m0s"}},
		"access above the limit":            {func(c *writ.Config) { c.AccessTTL = token.MaxTTL + time.Second }, []string{"WRIT_ACCESS_TTL", "1h0m0s"}},
		"an absolute lifetime of a minute":  {func(c *writ.Config) { c.AbsoluteTTL = time.Minute }, []string{"WRIT_ABSOLUTE_TTL", "= 20m0s"}},
		"an absolute lifetime of two years": {func(c *writ.Config) { c.AbsoluteTTL = 730 * 24 * time.Hour }, []string{"WRIT_ABSOLUTE_TTL"}},
		"a skew of two minutes":             {func(c *writ.Config) { c.Rotation = rotation.Policy{Skew: 2 * time.Minute, Window: 5 * time.Minute} }, []string{"WRIT_CLOCK_SKEW", "1m"}},
		"a key period of an hour":           {func(c *writ.Config) { c.KeyPeriod = time.Hour }, []string{"WRIT_KEY_PERIOD", "= 2h2m20s"}},
		"a former secret alone":             {func(c *writ.Config) { c.Secret, c.KeysInClear, c.FormerSecrets = nil, true, [][]byte{testSecret} }, []string{"WRIT_FORMER_SECRET_FILE"}},
		"a cache of some bytes":             {func(c *writ.Config) { c.CacheBytes = 1000 }, []string{"WRIT_CACHE_BYTES", "64 KiB"}},
		"MaxStale of a second":              {func(c *writ.Config) { c.MaxStale = time.Second }, []string{"MaxStale"}},
		"cookies that browsers would drop":  {func(c *writ.Config) { c.Cookies.Name = "access" }, []string{"Cookies"}},
		"an origin that is none":            {func(c *writ.Config) { c.TrustedOrigins = []string{"spa.example"} }, []string{"rigin"}},
		"a sign-in page elsewhere":          {func(c *writ.Config) { c.SignInPage = "https://evil.example" }, []string{"SignInPage"}},
		"a path for cookies that pages use": {func(c *writ.Config) { c.Cookies = middleware.Cookies{RefreshPath: "auth"} }, []string{"Cookies"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := writ.Config{Issuer: issuer, Store: memory.Open(), Secret: testSecret}
			test.change(&c)
			m, err := writ.Open(t.Context(), c)
			if m != nil || err == nil {
				t.Fatal("it started")
			}
			for _, s := range test.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("the error says %q, want it to name %s", err, s)
				}
			}
			if strings.Contains(err.Error(), "changeme") || strings.Contains(err.Error(), string(testSecret)) || strings.Contains(err.Error(), "a:b") {
				t.Error("the error shows a value")
			}
		})
	}
	_, err := writ.Open(t.Context(), writ.Config{})
	for _, name := range []string{"WRIT_ISSUER", "WRIT_STORE", "WRIT_SECRET"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("not every mistake is reported at once: %v", err)
		}
	}
}

func TestTheRingAndTheStoreBelongTogether(t *testing.T) {
	c := newClock()
	store := memory.Open()
	open(t, store, c, writ.Config{})
	good := writ.Config{Issuer: issuer, Store: store, Secret: testSecret, Now: c.now}
	other := []byte(strings.Repeat("0123456789abcdef", 3))
	limited := writ.Vault(memory.Open())
	wrapper, err := keys.Secret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Create(t.Context(), keys.Config{Issuer: issuer, Vault: limited, Wrapper: wrapper, MaxTTL: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	world := filepath.Join(t.TempDir(), "ring")
	if _, err := keys.Create(t.Context(), keys.Config{Issuer: issuer, Vault: keys.Dir(world), Wrapper: wrapper}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(world, "ring.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*writ.Config)
		says   string
	}{
		"another issuer":                               {func(c *writ.Config) { c.Issuer = "https://other.example" }, "WRIT_ISSUER"},
		"another secret":                               {func(c *writ.Config) { c.Secret = other }, "secret"},
		"keys in clear that were sealed":               {func(c *writ.Config) { c.Secret, c.KeysInClear = nil, true }, "WRIT_KEYS"},
		"the ring is lost":                             {func(c *writ.Config) { c.Keys = keys.Dir(filepath.Join(t.TempDir(), "empty")) }, "restore it"},
		"a key that may not sign so long (keys.md, T)": {func(c *writ.Config) { c.Store, c.Keys = memory.Open(), limited }, "WRIT_ACCESS_TTL"},
		"a ring that others can read (req 97)":         {func(c *writ.Config) { c.Store, c.Keys = memory.Open(), keys.Dir(world) }, "chmod"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			test.change(&c)
			m, err := writ.Open(t.Context(), c)
			if m != nil || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error is %v, want one that names %s", err, test.says)
			}
		})
	}
	if _, err := writ.Open(t.Context(), good); err != nil {
		t.Error(err)
	}
}

func TestManyNodesOpenOneNewStore(t *testing.T) { // req 42
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			s := store(t)
			defer s.Close()
			c := newClock()
			managers := make([]*writ.Manager, 8)
			var group sync.WaitGroup
			for i := range managers {
				group.Go(func() {
					m, err := writ.Open(context.Background(), writ.Config{Issuer: issuer, Store: s, Secret: testSecret, Now: c.now, MaxStale: time.Hour})
					if err != nil {
						t.Error(err)
						return
					}
					managers[i] = m
				})
			}
			group.Wait()
			if t.Failed() {
				return
			}
			p := start(t, managers[0], "alice")
			c.advance(afterWindow)
			for _, m := range managers {
				accepted(t, m, p)
				p = refresh(t, m, p.Refresh)
				c.advance(afterWindow)
			}
		})
	}
}

func TestRunKeepsTheManagerReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := writ.Open(t.Context(), writ.Config{Issuer: issuer, Store: memory.Open(), Secret: testSecret, Rotation: shortIdle(6 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		p := start(t, m, "alice")
		for range 50 {
			time.Sleep(5 * time.Hour / 50)
			if err := m.Ready(); err != nil {
				t.Fatal(err)
			}
		}
		p = refresh(t, m, p.Refresh) // idle for five hours
		accepted(t, m, p)
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Run returned %v", err)
		}
		time.Sleep(2 * time.Minute)
		if m.Ready() == nil {
			t.Error("a Manager that does not run claims to be ready")
		}
		_, err = m.Verify(t.Context(), p.Access)
		if err == nil || !strings.Contains(err.Error(), "Run") {
			t.Errorf("error is %v, want one that asks for Run", err)
		}
	})
}

func TestExpiredSessionsArePurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.Open()
		m, err := writ.Open(t.Context(), writ.Config{
			Issuer: issuer, Store: store, Secret: testSecret, AbsoluteTTL: 3 * time.Hour, Rotation: shortIdle(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		p := start(t, m, "alice")
		time.Sleep(4 * time.Hour)
		if _, err := store.Load(t.Context(), p.SessionID); err != writ.ErrNotFound {
			t.Errorf("error is %v, want the row to be gone", err)
		}
		if err := m.Ready(); err != nil {
			t.Error(err)
		}
		cancel()
		<-done
	})
}

func TestSecretFile(t *testing.T) { // req 97, 98
	path := filepath.Join(t.TempDir(), "secret")
	var group sync.WaitGroup
	secrets := make([]string, 8)
	for i := range secrets {
		group.Go(func() {
			b, err := writ.SecretFile(path)
			if err != nil {
				t.Error(err)
			}
			secrets[i] = string(b)
		})
	}
	group.Wait()
	for _, s := range secrets {
		if len(s) < 32 || s != secrets[0] {
			t.Fatal("those who started at once have different secrets")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".secret-*")); len(left) != 0 {
		t.Error("temporary files were left")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := writ.SecretFile(path); err == nil || !strings.Contains(err.Error(), "chmod") || strings.Contains(err.Error(), secrets[0]) {
		t.Errorf("a secret that others can read: %v", err)
	}
	if _, err := writ.SecretFile(filepath.Join(t.TempDir(), "no", "secret")); err == nil {
		t.Error("a directory that does not exist")
	}
}
