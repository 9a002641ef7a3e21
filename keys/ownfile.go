package keys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// readOwn reads a file that only its owner may read or write; checkMounted says what else. danger says what anyone else could do
// with it.
func readOwn(path string, limit int64, danger string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkOwn(path, info, danger, "600"); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is over %d bytes: this cannot be the right file", path, limit)
	}
	return content, nil
}

// checkOwn refuses what another user could read or write. The owner counts because root can open
// what belongs to anyone.
func checkOwn(path string, info fs.FileInfo, danger, want string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	mode, uid, self := info.Mode(), ownerOf(info), os.Geteuid()
	switch {
	case uid != 0 && uid != self:
		return fmt.Errorf("%s belongs to user %d, who could %s: chown %d %s", path, uid, danger, self, path)
	case mode&0o077 == 0:
		return nil
	case !readOnly(path):
		return fmt.Errorf("%s has mode %04o; others on this machine could %s: chmod %s %s", path, mode.Perm(), danger, want, path)
	}
	return checkMounted(path, info, danger)
}

// checkMounted is for what is mounted read-only, such as a Kubernetes Secret: its modes cannot be
// changed from here, and are never 0700 and 0600. The directory is open to all (1777), so that who may
// read is up to the files; sticky, it lets nobody replace them through another mount. Files are root's;
// with an fsGroup, which a process of another user needs, that group may read them.
func checkMounted(path string, info fs.FileInfo, danger string) error {
	mode := info.Mode()
	switch {
	case info.IsDir() && (mode&0o022 == 0 || mode&fs.ModeSticky != 0):
		return nil
	case info.IsDir():
		return fmt.Errorf("%s is mounted read-only with mode %04o; others could %s by another mount: "+
			"mount what only its owner may write, in Kubernetes a Secret and not a ConfigMap", path, mode.Perm(), danger)
	case mode&0o037 == 0 && ownerOf(info) == 0:
		return nil
	}
	return fmt.Errorf("%s is mounted read-only with mode %04o; others on this machine could %s: "+
		"mount it with mode 0400, in Kubernetes by defaultMode: 0400, and by fsGroup if the process is not root's", path, mode.Perm(), danger)
}

// checkAbsent returns nil if nothing has the name path. A link to what is not there does have it.
func checkAbsent(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().IsRegular() || info.IsDir(): // made since it was looked for
		return nil
	}
	return fmt.Errorf("%s links to what is not there: mount the volume that has it; removing the link makes a new ring and signs everyone out", path)
}
