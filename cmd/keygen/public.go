package main

import (
	"context"
	"fmt"
	"io"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

func runPublic(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newCommand("public")
	asPEM, inClear := flags.boolean("pem"), flags.boolean("clear")
	dir, err := flags.parse(args)
	if err != nil {
		return err
	}
	info, err := readRing(ctx, dir, *inClear, stderr)
	if err != nil {
		return err
	}
	var set []*keys.Public
	for _, k := range info.Keys {
		set = append(set, k.Public)
	}
	if !*asPEM {
		_, err := fmt.Fprintf(stdout, "%s\n", jwks.Marshal(set))
		return err
	}
	for _, k := range set {
		block, err := k.PEM()
		if err != nil {
			return err
		}
		if _, err := stdout.Write(block); err != nil {
			return err
		}
	}
	return nil
}
