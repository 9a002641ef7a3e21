package fromenv_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/rotation"
)

func TestOpenGivesAManagerThatSignsIn(t *testing.T) {
	for name, e := range map[string]environment{
		"in memory":            right(),
		"in a database":        right().but(environment{"WRIT_STORE": "sqlite:" + filepath.Join(t.TempDir(), "x.db")}),
		"a secret in a file":   right().but(environment{"WRIT_SECRET": "unset", "WRIT_SECRET_FILE": writeFile(t, "secret", testSecret+"\n", 0o600)}),
		"keys in clear":        right().but(environment{"WRIT_SECRET": "unset", "WRIT_KEYS_IN_CLEAR": "true"}),
		"keys not in clear":    right().but(environment{"WRIT_KEYS_IN_CLEAR": "false"}),
		"a ring directory":     right().but(environment{"WRIT_KEYS": filepath.Join(t.TempDir(), "keys")}),
		"a ring that is there": right().but(environment{"WRIT_KEYS": ringDir(t, nil)}),
		"a service called writ": right().but(environment{
			"WRIT_SERVICE_HOST": "10.0.0.1", "WRIT_SERVICE_PORT": "443", "WRIT_SERVICE_PORT_HTTPS": "443", "WRIT_PORT": "tcp://10.0.0.1:443",
			"WRIT_PORT_443_TCP": "tcp://10.0.0.1:443", "WRIT_PORT_443_TCP_PROTO": "tcp", "WRIT_PORT_443_TCP_PORT": "443",
			"WRIT_PORT_443_TCP_ADDR": "10.0.0.1", "WRIT_ADMIN_SERVICE_HOST": "10.0.0.2",
		}),
	} {
		t.Run(name, func(t *testing.T) {
			e.use(t)
			m, err := fromenv.Open(t.Context(), drivers)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			pair, err := m.Start(t.Context(), writ.Login{Subject: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			if v, err := m.Verify(t.Context(), pair.Access); err != nil || v.Subject() != "ada" {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func TestEveryVariableReachesTheConfig(t *testing.T) {
	ring, former := filepath.Join(t.TempDir(), "keys"), newSecret()
	right().but(environment{
		"WRIT_AUDIENCE":       "https://api.test",
		"WRIT_KEYS":           ring,
		"WRIT_ALGORITHM":      "Ed25519",
		"WRIT_ACCESS_TTL":     "11m",
		"WRIT_IDLE_TTL":       "12h",
		"WRIT_ABSOLUTE_TTL":   "13h",
		"WRIT_RETRY_WINDOW":   "70s",
		"WRIT_CLIENT_LATENCY": "9s",
		"WRIT_JAR_FLUSH":      "31s",
		"WRIT_CLOCK_SKEW":     "4s",
		"WRIT_KEY_PERIOD":     "100h",
		"WRIT_CACHE_BYTES":    "1000000",
		"WRIT_MAX_SESSIONS":   "5",
		"WRIT_ASK_STORE":      "true",
		"WRIT_FEED_PUBLIC":    "true",

		"WRIT_REFUSE_BEYOND_MAX": "true",

		"WRIT_FORMER_SECRET_FILE": writeFile(t, "former", former, 0o600),
	}).use(t)
	c, err := fromenv.Config(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Store.Close()
	for name, same := range map[string]bool{
		"WRIT_ISSUER":      c.Issuer == "https://issuer.test",
		"WRIT_AUDIENCE":    c.Audience == "https://api.test",
		"WRIT_SECRET":      string(c.Secret) == testSecret,
		"WRIT_ALGORITHM":   c.Algorithm == keys.Ed25519,
		"WRIT_KEY_PERIOD":  c.KeyPeriod == 100*time.Hour,
		"WRIT_CACHE_BYTES": c.CacheBytes == 1_000_000,
		"WRIT_FEED_PUBLIC": c.FeedPublic,
		"the sessions":     c.MaxSessions == 5 && c.RefuseBeyondMax && c.AskStore,

		"WRIT_FORMER_SECRET_FILE": len(c.FormerSecrets) == 1 && string(c.FormerSecrets[0]) == former,

		"WRIT_ACCESS_TTL":   c.AccessTTL == 11*time.Minute,
		"WRIT_ABSOLUTE_TTL": c.AbsoluteTTL == 13*time.Hour,
		"the rotation": c.Rotation == rotation.Policy{
			Latency: 9 * time.Second, JarFlush: 31 * time.Second, Skew: 4 * time.Second, Window: 70 * time.Second, Idle: 12 * time.Hour,
		},
	} {
		if !same {
			t.Errorf("%s did not arrive", name)
		}
	}
	if _, err := os.Stat(ring); err == nil {
		t.Error("Config made the ring, which is for writ.Open")
	}
	m, err := writ.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(ring, "ring.json")); err != nil {
		t.Error("WRIT_KEYS did not arrive")
	}
	if err := m.Ready(); err != nil {
		t.Error(err)
	}
}

func TestEveryAlgorithmCanBeChosen(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range keys.Algorithms() {
		right().but(environment{"WRIT_ALGORITHM": a.Name()}).use(t)
		c, err := fromenv.Config(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Store.Close()
		if c.Algorithm != a {
			t.Errorf("%s did not arrive", a.Name())
		}
		if !strings.Contains(string(doc), a.Name()) {
			t.Errorf("the documentation lacks %s", a.Name())
		}
	}
}

func TestErrorsCanBeToldApart(t *testing.T) {
	other, err := keys.Secret([]byte(newSecret()))
	if err != nil {
		t.Fatal(err)
	}
	right().but(environment{"WRIT_KEYS": ringDir(t, func(c *keys.Config) { c.Wrapper = other })}).use(t)
	if _, err := fromenv.Open(t.Context(), nil); !errors.Is(err, keys.ErrOtherSecret) {
		t.Errorf("err = %v, want keys.ErrOtherSecret", err)
	}
}
