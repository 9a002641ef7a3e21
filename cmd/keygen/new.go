package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/writ-go/writ/keys"
)

func runNew(ctx context.Context, args []string, stderr io.Writer) error {
	flags := newCommand("new")
	issuer := flags.String("issuer", os.Getenv("WRIT_ISSUER"), "")
	alg := flags.String("alg", keys.ES256.Name(), "")
	maxTTL := flags.String("max-ttl", "1h", "")
	inClear := flags.boolean("clear")
	dir, err := flags.parse(args)
	if err != nil {
		return err
	}
	c := keys.Config{Issuer: *issuer, Vault: keys.Dir(dir)}
	if err := checkIssuer(*issuer); err != nil {
		return usageError{err}
	}
	c.MaxTTL, err = time.ParseDuration(*maxTTL)
	if err != nil || c.MaxTTL < time.Second || c.MaxTTL > 24*time.Hour || c.MaxTTL%time.Second != 0 {
		return usageError{errors.New("--max-ttl must be whole seconds, from 1s to 24h")}
	}
	var known []string
	for _, a := range keys.Algorithms() {
		if a.Name() == *alg {
			c.Algorithm = a
		}
		known = append(known, a.Name())
	}
	if c.Algorithm == nil {
		return usageError{fmt.Errorf("unknown algorithm: use one of %s; those with HS are for one service only", strings.Join(known, ", "))}
	}
	if err := protect(&c, *inClear); errors.Is(err, errUnprotected) {
		return errors.New("no secret to encrypt the private keys with: set WRIT_SECRET or WRIT_SECRET_FILE, or give up encryption with --clear")
	} else if err != nil {
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
