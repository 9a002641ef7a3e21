package fromenv_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
)

// Durations that are understood are in the sum of the error, so they are written here in a way in
// which it does not write them. Whatever has "canary" in it must not be there in any part.
func TestEachMistakeIsRefused(t *testing.T) {
	dir := t.TempDir()
	otherSecret, err := keys.Secret([]byte(newSecret()))
	if err != nil {
		t.Fatal(err)
	}
	openDir := ringDir(t, nil)
	if err := os.Chmod(openDir, 0o755); err != nil {
		t.Fatal(err)
	}
	damaged := ringDir(t, nil)
	if err := os.WriteFile(filepath.Join(damaged, "ring.json"), []byte(`{"v":1,"canary":`), 0o600); err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct {
		change environment
		want   []string // variables and the remedy
	}{
		"an issuer that is not set":   {environment{"WRIT_ISSUER": "unset"}, []string{"WRIT_ISSUER", "set the URL"}},
		"an issuer that is empty":     {environment{"WRIT_ISSUER": ""}, []string{"WRIT_ISSUER", "give it a value"}},
		"an issuer that is no URL":    {environment{"WRIT_ISSUER": "canary.test"}, []string{"WRIT_ISSUER", "such as https://"}},
		"an issuer with a password":   {environment{"WRIT_ISSUER": "https://me:canary@issuer.test"}, []string{"WRIT_ISSUER", "without user"}},
		"an audience that is empty":   {environment{"WRIT_AUDIENCE": ""}, []string{"WRIT_AUDIENCE", "unset it"}},
		"a store that is not set":     {environment{"WRIT_STORE": "unset"}, []string{"WRIT_STORE", "memory:, sqlite:"}},
		"a store that is a bare path": {environment{"WRIT_STORE": "canary.db"}, []string{"WRIT_STORE", "memory:, sqlite:"}},
		"a store that no URL parser takes": {
			environment{"WRIT_STORE": "canary://%zz"}, []string{"WRIT_STORE", "memory:, sqlite:"}},
		"a store that the program has no driver for": {
			environment{"WRIT_STORE": "postgres://me:canary@db.test/x"}, []string{"WRIT_STORE", "memory:, sqlite:"}},
		"a memory store with a path": {environment{"WRIT_STORE": "memory:canary"}, []string{"WRIT_STORE", "memory: alone"}},
		"a database in a directory that is missing": {
			environment{"WRIT_STORE": "sqlite:" + filepath.Join(dir, "canary", "x.db")}, []string{"WRIT_STORE", "create it first"}},

		// req 99
		"no secret":               {environment{"WRIT_SECRET": "unset"}, []string{"WRIT_SECRET_FILE", "WRIT_SECRET", "WRIT_KEYS_IN_CLEAR"}},
		"an empty secret":         {environment{"WRIT_SECRET": ""}, []string{"WRIT_SECRET", "is set, but empty"}},
		"a short secret":          {environment{"WRIT_SECRET": "canary-Zq8vN2xT5bK7"}, []string{"WRIT_SECRET", "openssl rand"}},
		"a placeholder":           {environment{"WRIT_SECRET": "changeme-canary-7f3aQ9zXw2LkPv5TtB"}, []string{"WRIT_SECRET", "openssl rand"}},
		"a line end in a secret":  {environment{"WRIT_SECRET": testSecret + "\n"}, []string{"WRIT_SECRET", "white space", "take it away"}},
		"a space in a secret":     {environment{"WRIT_SECRET": " " + testSecret}, []string{"WRIT_SECRET", "white space"}},
		"a secret that repeats":   {environment{"WRIT_SECRET": strings.Repeat("canary", 8)}, []string{"WRIT_SECRET", "openssl rand"}},
		"a secret file and clear": {environment{"WRIT_SECRET": "unset", "WRIT_SECRET_FILE": "canary", "WRIT_KEYS_IN_CLEAR": "true"}, []string{"WRIT_SECRET_FILE", "WRIT_KEYS_IN_CLEAR", "keep one"}},
		"a secret and clear":      {environment{"WRIT_KEYS_IN_CLEAR": "true"}, []string{"WRIT_SECRET", "WRIT_KEYS_IN_CLEAR", "keep one"}},
		"a secret and a file":     {environment{"WRIT_SECRET_FILE": "canary"}, []string{"WRIT_SECRET", "WRIT_SECRET_FILE", "keep one"}},
		"a secret file that others can read": {
			environment{"WRIT_SECRET": "unset", "WRIT_SECRET_FILE": writeFile(t, "canary", newSecret(), 0o644)},
			[]string{"WRIT_SECRET_FILE", "chmod 600 $WRIT_SECRET_FILE"}},
		"a secret file with a placeholder": {
			environment{"WRIT_SECRET": "unset", "WRIT_SECRET_FILE": writeFile(t, "canary", "changeme-canary-7f3aQ9zXw2LkPv5TtB", 0o600)},
			[]string{"WRIT_SECRET_FILE", "openssl rand"}},
		"a secret file that is a directory": {
			environment{"WRIT_SECRET": "unset", "WRIT_SECRET_FILE": dir}, []string{"WRIT_SECRET_FILE", "not a file"}},
		"a secret where its file should be": {
			environment{"WRIT_SECRET": "unset", "WRIT_SECRET_FILE": "canary" + newSecret()}, []string{"WRIT_SECRET_FILE", "mount it"}},
		"a secret where the ring's directory should be, and a file of that name": {
			environment{"WRIT_KEYS": writeFile(t, "canary", "", 0o600) + "/" + newSecret()}, []string{"WRIT_KEYS"}},
		"in clear by another word for yes": {
			environment{"WRIT_SECRET": "unset", "WRIT_KEYS_IN_CLEAR": "canary"}, []string{"WRIT_KEYS_IN_CLEAR", "must be true or false"}},

		"an empty ring directory's name": {environment{"WRIT_KEYS": ""}, []string{"WRIT_KEYS", "unset it"}},
		"a ring directory that others can read": {
			environment{"WRIT_KEYS": openDir}, []string{"WRIT_KEYS", "chmod 700 $WRIT_KEYS"}},
		"a ring that is damaged": {environment{"WRIT_KEYS": damaged}, []string{"WRIT_KEYS", "restore it from a backup"}},
		"a ring of another issuer": {
			environment{"WRIT_KEYS": ringDir(t, func(c *keys.Config) { c.Issuer = "https://other.test" })},
			[]string{"WRIT_KEYS", "another issuer", "a ring of its own"}},
		"a ring sealed under another secret": {
			environment{"WRIT_KEYS": ringDir(t, func(c *keys.Config) { c.Wrapper = otherSecret })},
			[]string{"WRIT_KEYS", "another secret", "WRIT_SECRET"}},
		"a ring in clear, with a secret set": {
			environment{"WRIT_KEYS": ringDir(t, func(c *keys.Config) { c.Wrapper, c.InClear = nil, true })},
			[]string{"WRIT_KEYS", "WRIT_KEYS_IN_CLEAR=true"}},
		"a sealed ring, in clear": {
			environment{"WRIT_KEYS": ringDir(t, nil), "WRIT_SECRET": "unset", "WRIT_KEYS_IN_CLEAR": "true"},
			[]string{"WRIT_KEYS", "set the one that sealed it (WRIT_SECRET)"}},
		"access tokens that live longer than the key may sign": {
			environment{"WRIT_KEYS": ringDir(t, func(c *keys.Config) { c.MaxTTL = 5 * time.Minute })},
			[]string{"WRIT_ACCESS_TTL", "lower AccessTTL"}},

		"an algorithm that is unknown":      {environment{"WRIT_ALGORITHM": "canary"}, []string{"WRIT_ALGORITHM", "one of ES256, ES384, ", "HS512; those with HS are for one service only"}},
		"an algorithm in the wrong case":    {environment{"WRIT_ALGORITHM": "es256"}, []string{"WRIT_ALGORITHM", "one of ES256, ES384, ", "HS512; those with HS are for one service only"}},
		"a duration without a unit":         {environment{"WRIT_ACCESS_TTL": "86399"}, []string{"WRIT_ACCESS_TTL", "such as 90s, 10m or 12h"}},
		"a duration in days":                {environment{"WRIT_IDLE_TTL": "17d"}, []string{"WRIT_IDLE_TTL", "such as 90s"}},
		"a duration that is no number":      {environment{"WRIT_ABSOLUTE_TTL": "canary"}, []string{"WRIT_ABSOLUTE_TTL", "such as 90s"}},
		"a duration of zero":                {environment{"WRIT_JAR_FLUSH": "0h"}, []string{"WRIT_JAR_FLUSH", "above zero"}},
		"a duration below zero":             {environment{"WRIT_CLOCK_SKEW": "-5s"}, []string{"WRIT_CLOCK_SKEW", "above zero"}},
		"a number of sessions that is none": {environment{"WRIT_MAX_SESSIONS": "canary"}, []string{"WRIT_MAX_SESSIONS", "number above zero"}},
		"no sessions at all":                {environment{"WRIT_MAX_SESSIONS": "0"}, []string{"WRIT_MAX_SESSIONS", "number above zero"}},
		"a refusal beyond nothing":          {environment{"WRIT_REFUSE_BEYOND_MAX": "true"}, []string{"WRIT_REFUSE_BEYOND_MAX", "WRIT_MAX_SESSIONS"}},
		"a cache that is no number":         {environment{"WRIT_CACHE_BYTES": "canary"}, []string{"WRIT_CACHE_BYTES", "number of bytes"}},
		"a cache below zero":                {environment{"WRIT_CACHE_BYTES": "-1"}, []string{"WRIT_CACHE_BYTES", "number of bytes"}},
		"a cache of some bytes":             {environment{"WRIT_CACHE_BYTES": "1000"}, []string{"WRIT_CACHE_BYTES", "64 KiB"}},
		"a key period of an hour":           {environment{"WRIT_KEY_PERIOD": "3600000ms"}, []string{"WRIT_KEY_PERIOD", "= 2h2m20s"}},
		"a former secret that is missing":   {environment{"WRIT_FORMER_SECRET_FILE": "canary"}, []string{"WRIT_FORMER_SECRET_FILE", "does not exist"}},
		"a former secret and clear":         {environment{"WRIT_SECRET": "unset", "WRIT_KEYS_IN_CLEAR": "true", "WRIT_FORMER_SECRET_FILE": "canary"}, []string{"WRIT_FORMER_SECRET_FILE", "exclude each other"}},
		"a misspelt variable":               {environment{"WRIT_ACESS_TTL": "canary"}, []string{"WRIT_ACESS_TTL", "did you mean WRIT_ACCESS_TTL?", "rename it"}},
		"a variable that does not exist":    {environment{"WRIT_DATABASE_PASSWORD": "canary"}, []string{"WRIT_DATABASE_PASSWORD", "unset it"}},
		"a misspelt variable that is empty": {environment{"WRIT_KEY": ""}, []string{"WRIT_KEY", "did you mean WRIT_KEYS?"}},

		// The rules of rotation, each with its sum.
		"W not above 2L + D + skew": {
			environment{"WRIT_RETRY_WINDOW": "55000ms"},
			[]string{"WRIT_RETRY_WINDOW", "WRIT_CLIENT_LATENCY", "WRIT_JAR_FLUSH", "WRIT_CLOCK_SKEW", "2 x Latency 10s + JarFlush 30s + Skew 5s = 55s", "raise"}},
		"L that W does not cover": {environment{"WRIT_CLIENT_LATENCY": "30000ms"}, []string{"WRIT_CLIENT_LATENCY", "= 1m35s", "raise"}},
		"D that W does not cover": {environment{"WRIT_JAR_FLUSH": "90000ms"}, []string{"WRIT_JAR_FLUSH", "= 1m55s", "raise"}},
		"a skew that W does not cover": {
			environment{"WRIT_CLOCK_SKEW": "20000ms"}, []string{"WRIT_CLOCK_SKEW", "= 1m10s", "raise"}},
		"a skew beyond what clocks may be apart": {
			environment{"WRIT_CLOCK_SKEW": "120000ms", "WRIT_RETRY_WINDOW": "240000ms"}, []string{"WRIT_CLOCK_SKEW", "set the clocks"}},
		"access below 2W": {environment{"WRIT_ACCESS_TTL": "119000ms"}, []string{"WRIT_ACCESS_TTL", "2 x Window 1m0s = 2m0s", "raise"}},
		"access beyond what revocations are kept for": {
			environment{"WRIT_ACCESS_TTL": "172800000ms", "WRIT_IDLE_TTL": "864000000ms"}, []string{"WRIT_ACCESS_TTL", "at most"}},
		"idle below twice access": {environment{"WRIT_IDLE_TTL": "1199000ms"}, []string{"WRIT_IDLE_TTL", "= 20m0s", "raise"}},
		"absolute below twice access": {
			environment{"WRIT_ABSOLUTE_TTL": "1199000ms"}, []string{"WRIT_ABSOLUTE_TTL", "2 x AccessTTL 10m0s = 20m0s"}},
		"absolute beyond what browsers keep": {
			environment{"WRIT_ABSOLUTE_TTL": "36000000000ms"}, []string{"WRIT_ABSOLUTE_TTL", "at most 9600h0m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "others can read") {
				needModes(t)
			}
			e := right().but(c.change)
			e.use(t)
			m, err := fromenv.Open(t.Context(), drivers)
			if err == nil {
				m.Close()
				t.Fatal("opened")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
			leaksNothing(t, err, e)
		})
	}
}

// needModes skips a test where files have no modes that say who may read them.
func needModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no file modes")
	}
}

func TestAllMistakesAreInOneError(t *testing.T) {
	needModes(t)
	e := environment{
		"WRIT_AUDIENCE":     "",
		"WRIT_STORE":        "canary:x",
		"WRIT_SECRET_FILE":  writeFile(t, "canary", newSecret(), 0o644),
		"WRIT_KEYS":         writeFile(t, "canary", "", 0o600),
		"WRIT_ALGORITHM":    "canary",
		"WRIT_ACCESS_TTL":   "canary",
		"WRIT_RETRY_WINDOW": "10000ms",
		"WRIT_ABSOLUT_TTL":  "canary",
	}
	e.use(t)
	_, err := fromenv.Open(t.Context(), drivers)
	if err == nil {
		t.Fatal("opened")
	}
	for _, name := range []string{
		"WRIT_ISSUER", "WRIT_AUDIENCE is set, but empty", "WRIT_STORE begins with", "chmod 600 $WRIT_SECRET_FILE", "WRIT_KEYS cannot be read",
		"WRIT_ALGORITHM must be", "WRIT_ACCESS_TTL must be", "WRIT_RETRY_WINDOW", "did you mean WRIT_ABSOLUTE_TTL?",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error lacks %q:\n%v", name, err)
		}
	}
	leaksNothing(t, err, e)
}

func TestAStoreIsNotOpenedWhileSomethingElseIsWrong(t *testing.T) {
	for name, change := range map[string]environment{
		"a variable that cannot be read": {"WRIT_ALGORITHM": "none"},
		"a variable that is unknown":     {"WRIT_ALGORITM": "ES256"},
		"an issuer that is missing":      {"WRIT_ISSUER": "unset"},
		"a secret that is none":          {"WRIT_SECRET": "changeme"},
		"a ring that cannot be read":     {"WRIT_KEYS": writeFile(t, "file", "", 0o600)},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			right().but(environment{"WRIT_STORE": "sqlite:" + path}).but(change).use(t)
			if _, err := fromenv.Config(t.Context(), drivers); err == nil {
				t.Fatal("no error")
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the database was made")
			}
		})
	}
}

func TestASecretFileThatIsMissingIsNotMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	right().but(environment{"WRIT_SECRET": "unset", "WRIT_SECRET_FILE": path}).use(t)
	if _, err := fromenv.Config(t.Context(), drivers); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made")
	}
}

func TestTheStoreIsClosedIfTheManagerDoesNotOpen(t *testing.T) {
	store := memory.Open()
	right().but(environment{
		"WRIT_STORE": "mine:",
		"WRIT_KEYS":  ringDir(t, func(c *keys.Config) { c.Issuer = "https://other.test" }),
	}).use(t)
	_, err := fromenv.Open(t.Context(), fromenv.Stores{
		"mine": func(context.Context, *url.URL) (writ.Store, error) { return store, nil },
	})
	if err == nil {
		t.Fatal("opened")
	}
	if _, err := store.Load(t.Context(), "x"); err == nil || errors.Is(err, writ.ErrNotFound) {
		t.Errorf("the store is still open: %v", err)
	}
}

func TestAnOpenerWithoutAStoreIsAnError(t *testing.T) {
	right().but(environment{"WRIT_STORE": "db:"}).use(t)
	_, err := fromenv.Open(t.Context(), fromenv.Stores{
		"db": func(context.Context, *url.URL) (writ.Store, error) { return nil, nil },
	})
	if err == nil || !strings.Contains(err.Error(), "WRIT_STORE") {
		t.Errorf("err = %v", err)
	}
}
