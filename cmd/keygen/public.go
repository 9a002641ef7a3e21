package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

func runPublic(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("public")
	asPEM := flags.Bool("pem", false, "")
	dir, err := parseDir(flags, args)
	if err != nil {
		return err
	}
	info, err := keys.Inspect(ctx, keys.Dir(dir), time.Now())
	if err != nil {
		return err
	}
	if info == nil {
		return noRing(dir)
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
