package fromenv_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/writ-go/writ/fromenv"
)

func TestAuthoritiesThatOthersCanAddAreRefused(t *testing.T) {
	needModes(t)
	_, server := publish(t, httptest.NewTLSServer)
	path := writeFile(t, "canary.pem", certificateOf(server), 0o644)
	link := filepath.Join(t.TempDir(), "canary.pem") // as those of Kubernetes are
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	e := followed().but(environment{"WRIT_ROOT_CAS_FILE": link})
	e.use(t)
	if _, err := fromenv.FollowConfig(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o646, 0o664} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := fromenv.FollowConfig()
		if err == nil || !strings.Contains(err.Error(), "chmod go-w $WRIT_ROOT_CAS_FILE") {
			t.Fatalf("mode %04o: %v", mode, err)
		}
		leaksNothing(t, err, e)
	}
}

func TestAuthoritiesOfAnotherUserAreRefused(t *testing.T) {
	needModes(t)
	_, server := publish(t, httptest.NewTLSServer)
	path := writeFile(t, "canary.pem", certificateOf(server), 0o644)
	if err := os.Chown(path, 65534, -1); err != nil || os.Geteuid() == 65534 {
		t.Skip("needs to give a file away")
	}
	e := followed().but(environment{"WRIT_ROOT_CAS_FILE": path})
	e.use(t)
	_, err := fromenv.FollowConfig()
	if err == nil || !strings.Contains(err.Error(), "belongs to user 65534") || !strings.Contains(err.Error(), "chown") {
		t.Fatalf("err = %v", err)
	}
	leaksNothing(t, err, e)
}

// What PEM's decoder skips may be a certificate that is missed, or a key that must not be there.
func TestAFileOfAuthoritiesHasNothingElse(t *testing.T) {
	_, server := publish(t, httptest.NewTLSServer)
	certificate := certificateOf(server)
	const key = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"
	for name, test := range map[string]struct {
		content string
		good    bool
	}{
		"one":                      {certificate, true},
		"two, with words between":  {"# the old one\n" + certificate + "\n# and the new one\n" + certificate, true},
		"line ends of Windows":     {strings.ReplaceAll(certificate, "\n", "\r\n"), true},
		"a damaged one before":     {strings.Replace(certificate, "MII", "M*I", 1) + certificate, false},
		"one after that is cut":    {certificate + certificate[:len(certificate)-40], false},
		"one whose head is cut":    {certificate + certificate[40:], false},
		"a key":                    {certificate + key, false},
		"a damaged key":            {certificate + strings.Replace(key, "Y2", "*", 1), false},
		"a key that is moved":      {certificate + " " + key, false},
		"a key without its end":    {certificate + strings.Replace(key, "-----END", "----END", 1), false},
		"a key without its head":   {certificate + strings.Replace(key, "-----BEGIN", "----BEGIN", 1), false},
		"a key before, also moved": {" " + key + certificate, false},
	} {
		e := followed().but(environment{"WRIT_ROOT_CAS_FILE": writeFile(t, "canary.pem", test.content, 0o644)})
		e.use(t)
		_, err := fromenv.FollowConfig()
		if (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			leaksNothing(t, err, e)
		}
	}
}
