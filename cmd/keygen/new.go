package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/writ-go/writ/keys"
)

func runNew(ctx context.Context, args []string, stderr io.Writer) error {
	flags := newFlags("new")
	issuer := flags.String("issuer", os.Getenv("WRIT_ISSUER"), "")
	alg := flags.String("alg", keys.ES256.Name(), "")
	maxTTL := flags.Duration("max-ttl", time.Hour, "")
	inClear := flags.Bool("clear", false, "")
	dir, err := parseDir(flags, args)
	if err != nil {
		return err
	}
	c := keys.Config{Issuer: *issuer, Vault: keys.Dir(dir), MaxTTL: *maxTTL}
	if err := checkIssuer(*issuer); err != nil {
		return usageError{err}
	}
	if *maxTTL < time.Second || *maxTTL > 24*time.Hour || *maxTTL%time.Second != 0 {
		return usageError{errors.New("--max-ttl must be whole seconds, from 1s to 24h")}
	}
	for _, a := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.Ed25519} {
		if a.Name() == *alg {
			c.Algorithm = a
		}
	}
	if c.Algorithm == nil {
		return usageError{fmt.Errorf("unknown algorithm %q: use ES256, EdDSA or Ed25519", *alg)}
	}
	if err := protect(&c, *inClear); err != nil {
		return err
	}

	ring, err := keys.Create(ctx, c)
	if errors.Is(err, keys.ErrConflict) {
		return fmt.Errorf("%v is there already, and is never overwritten: name another directory", c.Vault)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "Made %v: %v, active now.\n", c.Vault, ring.Publics()[0])
	if c.InClear {
		fmt.Fprintln(stderr, "Warning: its private keys are not encrypted. Who reads it can forge tokens.")
	}
	return nil
}

func checkIssuer(issuer string) error {
	if issuer == "" {
		return errors.New("no issuer: give --issuer URL, or set WRIT_ISSUER")
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the issuer must be an URL such as https://app.example, without user, query or fragment")
	}
	return nil
}

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
		return errors.New("no secret to encrypt the private keys with: set WRIT_SECRET or WRIT_SECRET_FILE, or give up encryption with --clear")
	}
	secret, name := []byte(text), "WRIT_SECRET"
	if hasFile {
		var err error
		if secret, err = keys.ReadSecretFile(file); err != nil {
			return fmt.Errorf("WRIT_SECRET_FILE: %w", err)
		}
		name = "WRIT_SECRET_FILE"
	}
	var err error
	if c.Wrapper, err = keys.Secret(secret); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
