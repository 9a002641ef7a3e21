package keys

import (
	"bytes"
	"fmt"
)

// maxSecret bounds a secret's file. A larger one is not a secret but a mistake.
const maxSecret = 4 << 10

// ReadSecretFile reads the secret that path holds: its bytes, without one line end at the end. It
// refuses a file that the group or others may read or write, or that belongs to a user other than
// root and the one that the process runs as (except on Windows, which has no such modes), and one
// that holds fewer than 32 bytes. Secret checks the rest. Keep text in the file, not raw bytes:
// those may end in a line end.
func ReadSecretFile(path string) ([]byte, error) {
	b, err := readOwn(path, maxSecret, "forge sessions with it")
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if text, ok := bytes.CutSuffix(b, []byte("\n")); ok {
		b = bytes.TrimSuffix(text, []byte("\r"))
	}
	if len(b) < minSecret {
		return nil, fmt.Errorf("keys: %s holds %d bytes, at least %d are needed: %s", path, len(b), minSecret, makeSecret)
	}
	return b, nil
}
