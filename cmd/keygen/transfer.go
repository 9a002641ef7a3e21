package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/writ-go/writ/keys"
)

const importUsage = `Usage:
    keygen import --alg ALG --in FILE [--now] [flags] [RING]

Puts a private key from elsewhere into the ring. It is published and signs when every
verifier knows it; RING must exist. Keys that are weak, or are in the ring, are refused.

    --alg ALG           the one algorithm that the key will be used with.
    --in FILE           PKCS#8 in PEM, or a JSON Web Key; a shared secret (HS256 and its
                        like) is the JWK {"kty":"oct","k":...}. Only you may be able to
                        read FILE. With - it is read from standard input.
    --now               it signs at once: only if all verifiers know it already, because
                        it signed elsewhere before.
    --max-ttl TIME      longest lifetime of a token. Default: as the key that signs now.
` + protectionUsage + scheduleUsage

const exportUsage = `Usage:
    keygen export --cleartext --out FILE [--jwk] [flags] [RING]

Takes out the private key that signs now, unencrypted: whoever reads it can forge
tokens. A backup does not need it: copy the ring and keep its secret elsewhere.

    --cleartext         required, because that is what it will be.
    --out FILE          a new file, which only you can read; none is ever overwritten.
                        With - the key goes to standard output.
    --jwk               a JSON Web Key instead of PKCS#8 in PEM. Keys that have no PEM,
                        such as shared secrets, need it.
` + protectionUsage

func (t *tool) importKey(ctx context.Context, args []string) error {
	c := newCommand("import")
	in, alg, now := c.String("in", "", ""), c.String("alg", "", ""), c.boolean("now")
	change := c.changing()
	c.duration(&change.config.MaxTTL, "max-ttl")
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	switch {
	case *alg == "":
		return usageError{errors.New("no algorithm: a key is bound to one: give --alg ALG")}
	case *in == "":
		return usageError{errors.New("no key: give --in FILE, or --in - for standard input")}
	}
	a, err := algorithm(*alg)
	if err != nil {
		return err
	}
	text, err := t.readKeyFile(*in)
	if err != nil {
		return err
	}
	k, err := parsePrivate(a, text)
	if err != nil {
		return fmt.Errorf("--in: %w", err)
	}
	return t.change(ctx, raw, change, func(ring *keys.Ring) error {
		public, err := ring.Import(ctx, k, *now)
		if err == nil {
			fmt.Fprintf(t.stderr, "Imported %v. Now destroy every other copy of its private half.\n", public)
		}
		return err
	})
}

// parsePrivate reads a private key in either form. What stands in it is never part of an error.
func parsePrivate(a keys.Algorithm, text []byte) (*keys.Private, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return keys.ParsePrivatePEM(a, text)
	}
	k, err := keys.ParsePrivateJWK(a, text)
	if err != nil || !k.Public().Symmetric() {
		return k, err
	}
	// A secret may have been typed, and not made: FromSecret also asks whether it looks random.
	var jwk struct {
		K string `json:"k"`
	}
	if err := json.Unmarshal(text, &jwk); err != nil {
		return nil, errors.New("the JWK cannot be read")
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(jwk.K)
	if err != nil {
		return nil, errors.New("the JWK cannot be read")
	}
	return keys.FromSecret(a, secret)
}

func (t *tool) exportKey(ctx context.Context, args []string) error {
	c := newCommand("export")
	cleartext, out, asJWK := c.boolean("cleartext"), c.String("out", "", ""), c.boolean("jwk")
	protection := c.protection()
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	switch {
	case !*cleartext:
		return usageError{errors.New("export gives a private key away, unencrypted: if you mean that, say --cleartext; for a backup, copy the ring as it is")}
	case *out == "":
		return usageError{errors.New("no place for the key: give --out FILE, or --out - for standard output")}
	}
	at, err := t.target(ctx, raw, false)
	if err != nil {
		return err
	}
	defer at.Close()
	r, err := t.read(ctx, at, protection, keys.Config{}, time.Now())
	if err != nil {
		return err
	}
	if r.ring == nil {
		return errUnprotected
	}
	k, err := r.ring.Signing()
	if err != nil {
		return err
	}
	text, err := writePrivate(k, *asJWK)
	if err != nil {
		return err
	}
	if *out == "-" {
		_, err = t.stdout.Write(text)
	} else {
		err = writeNew(*out, text)
	}
	if err == nil {
		fmt.Fprintf(t.stderr, "Wrote the private half of %v, unencrypted. Who reads it can forge tokens.\n", k.Public())
	}
	return err
}

func writePrivate(k *keys.Private, asJWK bool) ([]byte, error) {
	if asJWK {
		text, err := k.CleartextJWK()
		return append(text, '\n'), err
	}
	text, err := k.CleartextPEM()
	if err != nil {
		err = fmt.Errorf("%w: if it has a JWK, say --jwk", err)
	}
	return text, err
}
