package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/writ-go/writ/keys"
)

// readRing returns what the ring in dir says, after opening it with the secret, or as one in clear. It
// warns if neither is configured. It never makes a ring.
func readRing(ctx context.Context, dir string, inClear bool, stderr io.Writer) (*keys.Info, error) {
	vault, err := takeSnapshot(ctx, keys.Dir(dir))
	if err != nil {
		return nil, err
	}
	info, err := keys.Inspect(ctx, vault, time.Now())
	if err != nil {
		return nil, err
	}
	if info == nil {
		return nil, fmt.Errorf("no ring in %v: make one with: keygen new", vault.Vault)
	}
	c := keys.Config{Issuer: cmp.Or(os.Getenv("WRIT_ISSUER"), info.Issuer), Vault: vault}
	switch err := protect(&c, inClear); {
	case errors.Is(err, errUnprotected):
		fmt.Fprintln(stderr, "Warning: nothing shows that this is genuine. Whoever can write to the directory may have put in keys of\n"+
			"their own. Set WRIT_SECRET or WRIT_SECRET_FILE to have it checked, or --clear if it was made so.")
		return info, nil
	case err != nil:
		return nil, err
	}
	_, err = keys.Open(ctx, c)
	return info, err
}

// snapshot is a vault as it was at one moment, so that what is shown is what was checked.
type snapshot struct {
	keys.Vault
	doc     []byte
	version uint64
}

func takeSnapshot(ctx context.Context, v keys.Vault) (*snapshot, error) {
	doc, version, err := v.Load(ctx)
	return &snapshot{v, doc, version}, err
}

func (s *snapshot) String() string { return fmt.Sprint(s.Vault) }

func (s *snapshot) Load(context.Context) ([]byte, uint64, error) { return s.doc, s.version, nil }

func (s *snapshot) Save(context.Context, []byte, uint64) (uint64, error) {
	return 0, errors.New("a ring that is only read is not written")
}
