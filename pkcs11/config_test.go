package pkcs11_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/pkcs11"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	config, _ := softToken(t)
	for name, c := range map[string]struct {
		change func(*pkcs11.Config)
		want   string
	}{
		"no configuration":  {func(c *pkcs11.Config) { *c = pkcs11.Config{} }, "Config.Module is missing"},
		"no label":          {func(c *pkcs11.Config) { c.Token = "" }, "Config.Token is missing"},
		"no PIN":            {func(c *pkcs11.Config) { c.PIN = nil }, "Config.PIN is missing: use PINFile or PINEnv"},
		"too many sessions": {func(c *pkcs11.Config) { c.Sessions = 1025 }, "Config.Sessions must be 1 to 1024"},
		"another library":   {func(c *pkcs11.Config) { c.Module = "/no/such/library.so" }, "cannot be loaded: set Config.Module"},
		"another label":     {func(c *pkcs11.Config) { c.Token = "other" }, "there is no such token"},
		"another serial":    {func(c *pkcs11.Config) { c.Serial = "0" }, "there is no such token"},
		"an empty PIN":      {func(c *pkcs11.Config) { c.PIN = func() (string, error) { return "", nil } }, "the PIN is empty"},
		"a wrong PIN":       {func(c *pkcs11.Config) { c.PIN = func() (string, error) { return testPIN + "0", nil } }, "the PIN is wrong"},
		"a PIN that cannot be had": {func(c *pkcs11.Config) { c.PIN = pkcs11.PINEnv("PKCS11_TEST_NOT_SET") },
			"the environment variable PKCS11_TEST_NOT_SET is not set"},
	} {
		wrong := config
		c.change(&wrong)
		custodian, err := pkcs11.Open(wrong)
		if err == nil || custodian != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		quiet(t, err)
	}
	initToken(t, testLabel) // again, so that there are two
	if _, err := pkcs11.Open(config); err == nil || !strings.Contains(err.Error(), "set Config.Serial") {
		t.Errorf("two tokens of one label: %v", err)
	}
}

func TestPINFile(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    string // of the error, or nothing
	}{
		"of its owner":             {testPIN, 0o600, ""},
		"with a line end":          {testPIN + "\n", 0o400, ""},
		"with the line end of DOS": {testPIN + "\r\n", 0o600, ""},
		"that the group may read":  {testPIN + "\n", 0o440, ""},
		"that the group may write": {testPIN, 0o620, "chmod 600"},
		"that others may read":     {testPIN, 0o604, "chmod 600"},
		"that is empty":            {"\n", 0o600, "holds no PIN"},
		"that is the wrong one":    {strings.Repeat(testPIN, 100), 0o600, "holds no PIN"},
	} {
		path := filepath.Join(t.TempDir(), "pin")
		check(t, os.WriteFile(path, []byte(c.content), 0o600))
		check(t, os.Chmod(path, c.mode))
		pin, err := pkcs11.PINFile(path)()
		quiet(t, err)
		if c.want == "" && (err != nil || pin != testPIN) || c.want != "" && (err == nil || pin != "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("a file %s: %v", name, err)
		}
	}
	if _, err := pkcs11.PINFile(t.TempDir())(); err == nil {
		t.Error("read a directory")
	}
}

func TestACustodianThatIsNotOpen(t *testing.T) {
	config, _ := softToken(t)
	closed := open(t, config)
	k, ref := private(t, closed, keys.ES256)
	check(t, closed.Close())
	if signs(k) == nil {
		t.Error("a key of a closed Custodian signs")
	}
	for name, c := range map[string]*pkcs11.Custodian{"closed": closed, "zero": {}} {
		_, err := c.Create(t.Context(), keys.ES256)
		_, openErr := c.Open(t.Context(), ref)
		if err == nil || openErr == nil || c.Destroy(t.Context(), ref) == nil {
			t.Errorf("a %s Custodian works", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, config).Create(ctx, keys.ES256); !errors.Is(err, context.Canceled) {
		t.Errorf("Create after cancel: %v", err)
	}
}

func TestACustodianPrintsItsTokenOnly(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if out := fmt.Sprintf(verb, c) + fmt.Sprintf(verb, config); strings.Contains(out, testPIN) {
			t.Errorf("%s shows the PIN", verb)
		}
	}
	if c.String() != `PKCS#11 token "`+testLabel+`"` {
		t.Error(c)
	}
}
