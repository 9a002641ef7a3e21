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
var errUnprotected = errors.New("no secret opens the ring: set WRIT_SECRET or WRIT_SECRET_FILE, or say --clear if it is not encrypted")

// protection are the flags that say how private halves are kept.
type protection struct {
	clear        *bool
	file, former *string
}

const newProtectionUsage = `
    --secret-file FILE  the ring's secret, in place of WRIT_SECRET or WRIT_SECRET_FILE.
    --clear             the ring is not encrypted. The same as WRIT_KEYS_IN_CLEAR=true.
`

const protectionUsage = newProtectionUsage + `    --former-secret-file FILE
                        the secret before, while some of the ring may still be under it.
`

// newProtection is for a ring that is still to be made.
func (c *command) newProtection() *protection {
	return &protection{c.boolean("clear"), c.String("secret-file", "", ""), new(string)}
}

func (c *command) protection() *protection {
	p := c.newProtection()
	c.StringVar(p.former, "former-secret-file", "", "")
	return p
}

// configure sets how private halves are kept. Errors name the variable or flag at fault and never its
// value.
func (p *protection) configure(c *keys.Config) error {
	inClear := *p.clear
	if text, ok := os.LookupEnv("WRIT_KEYS_IN_CLEAR"); ok && !inClear {
		if text != "true" && text != "false" {
			return errors.New("WRIT_KEYS_IN_CLEAR must be true or false")
		}
		inClear = text == "true"
	}
	text, hasText := os.LookupEnv("WRIT_SECRET")
	file, hasFile := os.LookupEnv("WRIT_SECRET_FILE")
	name := "WRIT_SECRET_FILE"
	if *p.file != "" {
		file, hasFile, hasText, name = *p.file, true, false, "--secret-file"
	}
	switch {
	case inClear && (hasText || hasFile || *p.former != ""):
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
	secret := []byte(text)
	if hasFile {
		var err error
		if secret, err = readSecretFile(name, file); err != nil {
			return err
		}
	} else {
		name = "WRIT_SECRET"
	}
	var err error
	if c.Wrapper, err = keys.Secret(secret); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if *p.former == "" {
		return nil
	}
	before, err := readSecretFile("--former-secret-file", *p.former)
	if err != nil {
		return err
	}
	if c.Wrapper, err = keys.Secret(secret, before); err != nil {
		return fmt.Errorf("--former-secret-file: %w", err)
	}
	return nil
}

// readSecretFile does not repeat the path: what stands in its place may be the secret itself. name is
// of the variable or flag that has it.
func readSecretFile(name, path string) ([]byte, error) {
	if path == "" {
		return nil, fmt.Errorf("%s is set, but empty: name the file that holds the secret, or unset it", name)
	}
	path, err := filepath.Abs(path) // a relative one could be part of any word
	if err != nil {
		return nil, fmt.Errorf("%s: the working directory cannot be told: name the file by its whole path", name)
	}
	secret, err := keys.ReadSecretFile(path)
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return nil, fmt.Errorf("%s: the file that it names cannot be read: %w", name, at.Err)
	case err != nil && strings.HasPrefix(name, "WRIT_"):
		return nil, errors.New(name + ": " + strings.ReplaceAll(err.Error(), path, "$"+name))
	case err != nil:
		return nil, errors.New(name + ": " + strings.ReplaceAll(err.Error(), path, "FILE"))
	}
	return secret, nil
}
