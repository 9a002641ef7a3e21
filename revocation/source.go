package revocation

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrGap is returned by Source.Tail when the log cannot go on from a cursor: it was trimmed, or the
// store was put back to an older copy of itself. Take a new snapshot and merge it.
var ErrGap = errors.New("revocation: gap in the log")

// ErrRegressed is an ErrGap that trimming does not explain: the log no longer has a place that it had
// given out. The store was put back to an older copy of itself, or has lost what it acknowledged.
var ErrRegressed = fmt.Errorf("%w: the store was put back to an older copy of itself", ErrGap)

// Cursor is a place in a log. It is opaque to everyone but the Source that made it.
type Cursor string

// Source is a log of entries that can be followed. Every store is one.
type Source interface {
	// Snapshot calls add for every live entry, and returns where Tail goes on: no entry that was
	// acknowledged before Snapshot was called may be missing from it: a list takes such a one for lost.
	Snapshot(ctx context.Context, add func(Entry)) (Cursor, error)

	// Tail returns what came after the cursor, and the cursor after that: all that was acknowledged
	// before Tail was called, never a part of it, because the list is taken for complete
	// afterwards. With nothing there it may wait until something comes or ctx ends, and then
	// returns no entries, the same cursor and no error. ErrGap: the log cannot go on from this
	// cursor, or there is too much after it: a snapshot is better. ErrRegressed, where it is sure.
	Tail(ctx context.Context, after Cursor) ([]Entry, Cursor, error)
}

// replica is a Source that is a copy of a log elsewhere: a Feed. Its entries have digests for IDs.
type replica interface {
	// attach tells it that its reader knows that. Without it a replica refuses to answer.
	attach()
	// told is under which key the digests are, and as of when what it has told is complete. That never
	// goes back.
	told() (*blinding, time.Time)
	// rest is called when it will not be asked again for a while.
	rest()
}
