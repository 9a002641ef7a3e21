package keys

import (
	"context"
	"fmt"
)

// Vault keeps one versioned document: the ring. Dir is one; writ.Vault makes one of a session
// store. A Vault that has a String method is named by it in errors.
type Vault interface {
	// Load returns the document and its version. A document that does not exist is no bytes,
	// version 0 and no error; one that could not be read is an error.
	Load(ctx context.Context) (doc []byte, version uint64, err error)

	// Save replaces the document and returns its new version, which is never 0. It fails with
	// ErrConflict, changing nothing, unless the stored version is still ifVersion; 0 means that
	// there must be no document yet. Of several callers with one ifVersion, in all processes,
	// exactly one succeeds. After any other error the document may or may not have been replaced.
	Save(ctx context.Context, doc []byte, ifVersion uint64) (version uint64, err error)
}

// maxDocument bounds the ring's document: a ring of many keys takes a few kilobytes.
const maxDocument = 1 << 20

func vaultName(v Vault) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return "the vault"
}
