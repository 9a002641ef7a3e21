//go:build !windows && (!unix || aix || solaris)

package keys

import "errors"

func tryLock(string) (unlock func(), err error) {
	return nil, errors.New("this system has no file locks: keep the ring in a session store")
}
