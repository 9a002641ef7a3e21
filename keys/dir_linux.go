package keys

import (
	"errors"
	"fmt"
	"syscall"
)

// readOnly reports whether path is on a file system that is mounted read-only, as far as that can be
// known.
func readOnly(path string) bool {
	var stat syscall.Statfs_t
	return syscall.Statfs(path, &stat) == nil && stat.Flags&syscall.MS_RDONLY != 0
}

// exhausted adds to err which limit of the system it is.
func exhausted(err error) error {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("%w: raise ulimit -n or the sysctl fs.inotify.max_user_instances", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: raise the sysctl fs.inotify.max_user_watches", err)
	}
	return err
}
