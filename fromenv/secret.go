package fromenv

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/writ-go/writ/keys"
)

// secret is what encrypts private keys; nil if they are kept in clear. Unlike writ.SecretFile it
// makes no file: where one is named, its absence is a volume that was not mounted, and a secret made
// in its place could not open the ring.
func (v *variables) secret() ([]byte, error) {
	ways := 0
	for _, set := range []bool{v.Secret != "", v.SecretFile != "", v.KeysInClear} {
		if set {
			ways++
		}
	}
	switch {
	case ways == 0:
		return nil, errors.New("no secret encrypts the private keys: set WRIT_SECRET_FILE or WRIT_SECRET, or give up encryption with WRIT_KEYS_IN_CLEAR=true")
	case ways > 1:
		return nil, errors.New("WRIT_SECRET, WRIT_SECRET_FILE and WRIT_KEYS_IN_CLEAR=true exclude each other: keep one and unset the rest")
	case v.KeysInClear:
		return nil, nil
	case strings.TrimSpace(v.Secret) != v.Secret: // through a file a line end would not count
		return nil, errors.New("WRIT_SECRET begins or ends with white space, such as a line end: take it away")
	}
	if v.SecretFile != "" {
		return v.secretOf("WRIT_SECRET_FILE", v.SecretFile)
	}
	return usable("WRIT_SECRET", []byte(v.Secret))
}

// former is what still opens what it sealed; none if there is none.
func (v *variables) former() ([][]byte, error) {
	switch {
	case v.FormerFile == "":
		return nil, nil
	case v.KeysInClear:
		return nil, errors.New("WRIT_FORMER_SECRET_FILE and WRIT_KEYS_IN_CLEAR=true exclude each other: unset one")
	}
	secret, err := v.secretOf("WRIT_FORMER_SECRET_FILE", v.FormerFile)
	return [][]byte{secret}, err
}

func (v *variables) secretOf(name, file string) ([]byte, error) {
	secret, err := keys.ReadSecretFile(absolute(file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s names a file that does not exist: mount it, or make it once with: (umask 077; openssl rand -base64 32 > $%[1]s)", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", name, v.hide(err))
	}
	return usable(name, secret)
}

func usable(name string, secret []byte) ([]byte, error) {
	if _, err := keys.Secret(secret); err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", name, err)
	}
	return secret, nil
}
