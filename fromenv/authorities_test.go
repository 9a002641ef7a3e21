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
