package writ

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/writ-go/writ/keys"
)

// SecretFile reads a secret for Config.Secret, and makes it (32 random bytes as text, mode 0600) if
// the file does not exist. Whoever starts first makes it: others read what was made. It refuses a
// file that others on the machine can read.
func SecretFile(path string) ([]byte, error) {
	secret, err := keys.ReadSecretFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := makeSecret(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("writ: making a secret: %w", err)
	}
	return keys.ReadSecretFile(path)
}

// makeSecret writes beside path and links, so that no reader ever sees half a secret.
func makeSecret(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	var b [32]byte
	rand.Read(b[:])
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(b[:]) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}
