package writ

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/writ-go/writ/revocation"
)

// Errors of a Store. Any other error means that the store could not answer; the Manager turns it
// into token.ErrUnavailable, and nobody is signed out by it.
var (
	ErrNotFound = errors.New("writ: not found")
	ErrConflict = errors.New("writ: row changed meanwhile")
)

// Store keeps rows under compare-and-swap, and the log of revocations beside them.
//
// It decides nothing: rotation and revocation are decided in Go, once, for every store. Package
// store/storetest is this contract as tests; run it on a store of your own.
//
// What a method has acknowledged with a nil error is never lost, as far as the store's documentation
// promises. Every method returns an error, and does nothing or all of its work, when ctx ends.
type Store interface {
	// Load reads the row with this ID from the primary, with its Cutoff. ErrNotFound.
	Load(ctx context.Context, id string) (Row, error)

	// Save writes row and appends entries in one transaction, if the stored row is still the one
	// that was read: its version is row.Version (0: no row with this ID exists), and, if it exists
	// and has an Owner, its cutoff before entries is row.Cutoff. So whoever ends an owner's sessions
	// and whoever changes one of them cannot overlook each other. It returns the row as it is now:
	// with its new Version, and with the Cutoff as of this transaction, entries included.
	// ErrConflict: it is not that row any more; nothing was written.
	Save(ctx context.Context, row Row, entries ...revocation.Entry) (Row, error)

	// List reads a page of the rows of an owner that have not expired: those whose ID comes after
	// the given one, in order of their bytes, at most limit of them (1 or more). Fewer than limit
	// means that there are no more; none is not an error.
	List(ctx context.Context, owner, after string, limit int) ([]Row, error)

	// Append appends entries to the log, in one transaction.
	Append(ctx context.Context, entries ...revocation.Entry) error

	// Purge removes a bounded batch of rows and entries that expired before now, and reports
	// whether more are left.
	Purge(ctx context.Context, now time.Time) (more bool, err error)

	// Source is the log's reading side.
	revocation.Source

	Close() error
}

// Row is how sessions and the key ring look to a store: opaque bytes, and what a database must know
// of them. What the Manager keeps in Data may grow; stores need no change for that.
type Row struct {
	ID    string // ASCII without control characters, 1 to 64 bytes
	Owner string // List finds rows by it; empty: by none. It never changes after the first Save.
	// Version is a fresh random value at every write, set by the store: a counter would repeat
	// itself after a failover that lost a write. 0: the row does not exist yet.
	Version uint64
	Expires time.Time // Purge may remove the row from then on; the zero time: never. Microseconds.
	Data    []byte
	// Cutoff is set by the store in every Row it returns, read in the same transaction: the
	// greatest Before of the log's live entries of Kind Subject for Owner and of Kind Everything.
	Cutoff int64
}

// Check says what is wrong with a row that a store must refuse to save.
func (r Row) Check() error {
	if r.ID == "" || len(r.ID) > 64 || strings.ContainsFunc(r.ID, func(c rune) bool { return c < ' ' || c > '~' }) {
		return errors.New("writ: a row's ID must be 1 to 64 bytes of ASCII without control characters")
	}
	return nil
}

// NextVersion is a version for the row's next write: random, and neither 0 nor the one it has.
func (r Row) NextVersion() uint64 {
	for {
		var b [8]byte
		rand.Read(b[:]) // never fails
		if v := binary.NativeEndian.Uint64(b[:]); v != 0 && v != r.Version {
			return v
		}
	}
}
