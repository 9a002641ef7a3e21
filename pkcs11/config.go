package pkcs11

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// Config says which token keeps the keys. Module, Token and PIN are required.
type Config struct {
	// Module is the path of the token's PKCS#11 library, which its maker ships:
	// /usr/lib/softhsm/libsofthsm2.so. It is loaded into this process.
	Module string

	// Token is the label of the token, as p11tool --list-tokens and pkcs11-tool -T show it.
	Token string

	// Serial is the token's serial number, which is needed only if two tokens have one label.
	Serial string

	// PIN returns the PIN of the token's user; see PINFile and PINEnv. It is asked before every login,
	// which is seldom, so that a changed PIN counts.
	PIN func() (string, error)

	// Sessions is how many signatures may be made at once, 1 to 1024; default 8. Others wait. A token
	// has a limit too, which all programs that use it share: a YubiHSM 2 has 16.
	Sessions int
}

func (c Config) withDefaults() (Config, error) {
	if c.Sessions == 0 {
		c.Sessions = 8
	}
	var errs []error
	refuse := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, errors.New("pkcs11: Config."+text))
		}
	}
	refuse(c.Module == "", "Module is missing: set it to the path of the token's PKCS#11 library")
	refuse(c.Token == "", "Token is missing: set it to the token's label")
	refuse(c.PIN == nil, "PIN is missing: use PINFile or PINEnv")
	refuse(c.Sessions < 1 || c.Sessions > 1024, "Sessions must be 1 to 1024")
	return c, errors.Join(errs...)
}

// maxPIN bounds a PIN's file. A larger one is not a PIN but a mistake.
const maxPIN = 1 << 10

// PINFile reads the PIN from a file, without one line end at the end. It refuses a file that others
// may read or write, or the group write (except on Windows, which has no such modes). The group may
// read it, because a Kubernetes Secret cannot be mounted otherwise for a user who is not root.
func PINFile(path string) func() (string, error) {
	return func() (string, error) {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
			return "", fmt.Errorf("%s is not a file", path)
		}
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return "", err
		}
		if mode := info.Mode().Perm(); mode&0o027 != 0 && runtime.GOOS != "windows" {
			return "", fmt.Errorf("%s has mode %04o; others on this machine could use the token: chmod 600 %s", path, mode, path)
		}
		content, err := io.ReadAll(io.LimitReader(f, maxPIN+1))
		if err != nil {
			return "", err
		}
		pin := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
		if pin == "" || len(content) > maxPIN {
			return "", fmt.Errorf("%s holds no PIN: write the PIN into it, and nothing else", path)
		}
		return pin, nil
	}
}

// PINEnv reads the PIN from an environment variable. A file is better: the environment can be seen in
// more places, and does not change while the process runs.
func PINEnv(name string) func() (string, error) {
	return func() (string, error) {
		if pin := os.Getenv(name); pin != "" {
			return pin, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set: set it to the PIN", name)
	}
}
