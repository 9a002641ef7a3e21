package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/writ-go/writ/keys"
)

// errUnprotected is for neither a secret nor keys in clear.
var errUnprotected = errors.New("neither a secret nor --clear")

// protect sets how private keys are kept. Errors name the variable at fault and never its value.
func protect(c *keys.Config, inClear bool) error {
	if text, ok := os.LookupEnv("WRIT_KEYS_IN_CLEAR"); ok && !inClear {
		if text != "true" && text != "false" {
			return errors.New("WRIT_KEYS_IN_CLEAR must be true or false")
		}
		inClear = text == "true"
	}
	text, hasText := os.LookupEnv("WRIT_SECRET")
	file, hasFile := os.LookupEnv("WRIT_SECRET_FILE")
	switch {
	case inClear && (hasText || hasFile):
		return errors.New("a secret and keys in clear exclude each other: unset WRIT_SECRET and WRIT_SECRET_FILE, or WRIT_KEYS_IN_CLEAR (--clear)")
	case inClear:
		c.InClear = true
		return nil
	case hasText && hasFile:
		return errors.New("WRIT_SECRET and WRIT_SECRET_FILE exclude each other: unset one")
	case !hasText && !hasFile:
		return errUnprotected
	case strings.TrimSpace(text) != text:
		return errors.New("WRIT_SECRET begins or ends with white space, such as a line end: take it away")
	}
	secret, name := []byte(text), "WRIT_SECRET"
	if hasFile {
		var err error
		if secret, err = readSecretFile(file); err != nil {
			return err
		}
		name = "WRIT_SECRET_FILE"
	}
	var err error
	if c.Wrapper, err = keys.Secret(secret); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readSecretFile does not repeat the path: what stands in its place may be the secret itself.
func readSecretFile(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("WRIT_SECRET_FILE is set, but empty: name the file that holds the secret, or unset it")
	}
	path, err := filepath.Abs(path) // a relative one could be part of any word
	if err != nil {
		return nil, errors.New("WRIT_SECRET_FILE: the working directory cannot be told: name the file by its whole path")
	}
	secret, err := keys.ReadSecretFile(path)
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return nil, fmt.Errorf("WRIT_SECRET_FILE: the file that it names cannot be read: %w", at.Err)
	case err != nil:
		return nil, errors.New("WRIT_SECRET_FILE: " + strings.ReplaceAll(err.Error(), path, "$WRIT_SECRET_FILE"))
	}
	return secret, nil
}
