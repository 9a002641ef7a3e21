package keys

import (
	"errors"
	"syscall"
)

const errSharingViolation = syscall.Errno(32)

// tryLock opens the file without sharing it, which only one handle can do. It returns a nil unlock
// if another holds the lock.
func tryLock(path string) (unlock func(), err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err == nil {
		return func() { syscall.CloseHandle(h) }, nil
	}
	if errors.Is(err, errSharingViolation) {
		return nil, nil
	}
	return nil, err
}
