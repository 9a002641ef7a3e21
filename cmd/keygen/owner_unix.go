//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// foreign reports whether a file belongs to a user other than root and this one.
func foreign(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid()
}
