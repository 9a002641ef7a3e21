package pkcs11_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	p11 "github.com/miekg/pkcs11"
	"github.com/writ-go/writ/pkcs11"
)

const (
	testPIN   = "1234-test-pin"
	testSOPIN = "5678-test-so-pin"
	testLabel = "writ test; a=b%"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// softHSM is the path of SoftHSM's library. Without it the test is skipped, but not where CI=true is
// set.
func softHSM(t testing.TB) string {
	t.Helper()
	_, err := exec.LookPath("softhsm2-util")
	for _, pattern := range []string{
		"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib*/libsofthsm2.so", "/usr/lib*/pkcs11/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so",
	} {
		if paths, _ := filepath.Glob(pattern); err == nil && len(paths) > 0 {
			return paths[0]
		}
	}
	const missing = "SoftHSM is not installed (Debian: apt-get install softhsm2)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// softToken makes a token, in a directory that nothing else uses.
func softToken(t *testing.T) (c pkcs11.Config, tokens string) {
	t.Helper()
	c = pkcs11.Config{Module: softHSM(t), Token: testLabel, PIN: func() (string, error) { return testPIN, nil }}
	home := t.TempDir()
	tokens, conf := filepath.Join(home, "tokens"), filepath.Join(home, "softhsm2.conf")
	check(t, os.Mkdir(tokens, 0o700))
	check(t, os.WriteFile(conf, fmt.Appendf(nil, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tokens), 0o600))
	t.Setenv("SOFTHSM2_CONF", conf)
	initToken(t, testLabel)
	return c, tokens
}

func initToken(t *testing.T, label string) {
	t.Helper()
	util(t, "--init-token", "--free", "--label", label, "--so-pin", testSOPIN, "--pin", testPIN)
}

func util(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "softhsm2-util", args...).CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
}

func open(t *testing.T, c pkcs11.Config) *pkcs11.Custodian {
	t.Helper()
	custodian, err := pkcs11.Open(c)
	check(t, err)
	t.Cleanup(func() { custodian.Close() })
	return custodian
}

// raw is the token as any other program of this process would use it.
type raw struct {
	*p11.Ctx
	slot    uint
	session p11.SessionHandle
}

func rawToken(t *testing.T, c pkcs11.Config) raw {
	t.Helper()
	r := raw{Ctx: p11.New(c.Module), slot: slotOf(t, c)}
	var err error
	r.session, err = r.OpenSession(r.slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	check(t, err)
	return r
}

func slotOf(t *testing.T, c pkcs11.Config) uint {
	t.Helper()
	module := p11.New(c.Module)
	slots, err := module.GetSlotList(true)
	check(t, err)
	for _, slot := range slots {
		if info, err := module.GetTokenInfo(slot); err == nil && strings.TrimRight(info.Label, " \x00") == c.Token {
			return slot
		}
	}
	t.Fatal("the test's token is not there")
	return 0
}

func (r raw) find(t *testing.T, class uint) []p11.ObjectHandle {
	t.Helper()
	check(t, r.FindObjectsInit(r.session, []*p11.Attribute{p11.NewAttribute(p11.CKA_CLASS, class)}))
	objects, _, err := r.FindObjects(r.session, 100)
	check(t, err)
	check(t, r.FindObjectsFinal(r.session))
	return objects
}

func (r raw) attribute(o p11.ObjectHandle, kind uint) ([]byte, error) {
	a, err := r.GetAttributeValue(r.session, o, []*p11.Attribute{p11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, err
	}
	return a[0].Value, nil
}

// quiet fails the test if an error shows the PIN.
func quiet(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), testPIN) {
		t.Error("the error shows the PIN")
	}
}
