package fromenv_test

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/sqlite"
)

type environment map[string]string

var testSecret = newSecret()

func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// right is an environment without a mistake.
func right() environment {
	return environment{
		"WRIT_ISSUER": "https://issuer.test",
		"WRIT_STORE":  "memory:",
		"WRIT_SECRET": testSecret,
	}
}

// but is e with changes; "unset" takes a variable out.
func (e environment) but(changes environment) environment {
	e = maps.Clone(e)
	for name, value := range changes {
		if e[name] = value; value == "unset" {
			delete(e, name)
		}
	}
	return e
}

// use makes e the process's WRIT_ variables until the test ends.
func (e environment) use(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "WRIT_") {
			t.Setenv(name, "") // so that it comes back
			os.Unsetenv(name)
		}
	}
	for name, value := range e {
		t.Setenv(name, value)
	}
}

var drivers = fromenv.Stores{"sqlite": sqlite.OpenURL}

// writeFile returns the path of a new file.
func writeFile(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// ringDir returns the directory of a new ring that right fits, or would but for what change changes.
func ringDir(t *testing.T, change func(*keys.Config)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "canary-ring")
	wrapper, err := keys.Secret([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	c := keys.Config{Issuer: right()["WRIT_ISSUER"], Vault: keys.Dir(path), Wrapper: wrapper}
	if change != nil {
		change(&c)
	}
	if _, err := keys.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return path
}
