package keys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// readOwn reads a file that only its owner may read or write. danger says what anyone else could do
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
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s has mode %04o; others on this machine could %s: chmod %s %s", path, mode, danger, want, path)
	}
	if uid, self := ownerOf(info), os.Geteuid(); uid != 0 && uid != self {
		return fmt.Errorf("%s belongs to user %d, who could %s: chown %d %s", path, uid, danger, self, path)
	}
	return nil
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
