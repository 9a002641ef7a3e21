package writ

import (
	"context"
	"errors"

	"github.com/writ-go/writ/keys"
)

// ringRow cannot be a session's ID: those have no colon.
const ringRow = "writ:ring"

// Vault is the key ring's document in a Store.
func Vault(s Store) keys.Vault { return vault{s} }

type vault struct{ store Store }

func (v vault) Load(ctx context.Context) ([]byte, uint64, error) {
	row, err := v.store.Load(ctx, ringRow)
	if errors.Is(err, ErrNotFound) {
		return nil, 0, nil
	}
	return row.Data, row.Version, err
}

func (v vault) Save(ctx context.Context, doc []byte, ifVersion uint64) (uint64, error) {
	row, err := v.store.Save(ctx, Row{ID: ringRow, Version: ifVersion, Data: doc})
	if errors.Is(err, ErrConflict) {
		return 0, keys.ErrConflict
	}
	return row.Version, err
}
