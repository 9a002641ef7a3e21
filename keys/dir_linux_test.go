package keys_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/writ-go/writ/keys"
)

const childDir = "KEYS_TEST_CHILD_DIR"

// inChild runs the test that calls it in a process of its own, and reports whether this is it.
func inChild(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv(childDir) != "" {
		return true
	}
	self, err := os.Executable()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childDir+"="+t.TempDir())
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this machine lets no process have mounts of its own")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func TestWatchSaysThatTheSystemsLimitsAreExhausted(t *testing.T) {
	if !inChild(t, nil) {
		return
	}
	dir := filepath.Join(os.Getenv(childDir), "ring")
	_, err := keys.Dir(dir).Save(t.Context(), []byte("one"), 0)
	check(t, err)
	var before syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: before.Max}))
	err = keys.Dir(dir).(keys.Watcher).Watch(t.Context(), func() { t.Error("it watches") })
	check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before))
	if !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "raise ulimit -n") {
		t.Errorf("Watch returned %v", err)
	}
	watch(t, dir) // now there is room
}

// req 97: the modes are those that the kubelet gives a Secret; dir is drwxrwxrwt, and an fsGroup adds
// reading by the group to whatever defaultMode says.
func TestDirOnAReadOnlyMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	if !inChild(t, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}) {
		return
	}
	for i, c := range []struct {
		name      string
		dir, file os.FileMode
		owner     int
		want      string // nothing if it may be read
	}{
		{"a Secret with defaultMode 0400", 0o777 | os.ModeSticky, 0o400, 0, ""},
		{"a Secret with fsGroup", 0o777 | os.ModeSticky | os.ModeSetgid, 0o440, 0, ""},
		{"a directory that all may read", 0o755, 0o600, 0, ""},
		{"a Secret with the default mode", 0o777 | os.ModeSticky, 0o644, 0, "RING is mounted read-only with mode 0644; " +
			"others on this machine could sign in as every user: mount it with mode 0400, in Kubernetes by defaultMode: 0400"},
		{"a Secret that others may read", 0o777 | os.ModeSticky, 0o404, 0, "RING is mounted read-only with mode 0404"},
		{"a file that the group may write", 0o777 | os.ModeSticky, 0o460, 0, "RING is mounted read-only with mode 0460"},
		{"a ConfigMap", 0o777, 0o400, 0, "DIR is mounted read-only with mode 0777; others could reach the keys in it by another mount: "},
		{"a directory that the group may write", 0o770, 0o400, 0, "DIR is mounted read-only with mode 0770"},
		{"a file of another user", 0o777 | os.ModeSticky, 0o400, 12345, "RING belongs to user 12345"},
	} {
		v, ring := mountReadOnly(t, filepath.Join(os.Getenv(childDir), fmt.Sprint(i)), "one", c.dir, c.file, c.owner)
		want := strings.NewReplacer("RING", ring, "DIR", filepath.Dir(ring)).Replace(c.want)
		doc, version, err := v.Load(t.Context())
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", c.name, err, want)
			}
			continue
		}
		if err != nil || string(doc) != "one" {
			t.Errorf("%s: loaded %d bytes, %v", c.name, len(doc), err)
		}
		_, err = v.Save(t.Context(), []byte("two"), version)
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), filepath.Dir(ring)+" is mounted read-only: change the ring where it is kept") {
			t.Errorf("%s: Save: %v", c.name, err)
		}
	}
}

// req 97: the group may read the secret's file only if root says so.
func TestASecretFileOnAReadOnlyMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	if !inChild(t, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}) {
		return
	}
	for mode, accepted := range map[os.FileMode]bool{0o400: true, 0o440: true, 0o444: false, 0o644: false} {
		_, path := mountReadOnly(t, filepath.Join(os.Getenv(childDir), mode.String()), testSecret, 0o777|os.ModeSticky, mode, 0)
		if _, err := keys.ReadSecretFile(path); (err == nil) != accepted {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func mountReadOnly(t *testing.T, dir string, content string, dirMode, fileMode os.FileMode, owner int) (v keys.Vault, ring string) {
	t.Helper()
	check(t, os.Mkdir(dir, 0o700))
	check(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	check(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, ""))
	swapAsKubelet(t, dir, content, fileMode)
	ring = filepath.Join(dir, "ring.json")
	check(t, os.Chown(ring, owner, -1))
	check(t, os.Chmod(dir, dirMode))
	check(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""))
	return keys.Dir(dir), ring
}
