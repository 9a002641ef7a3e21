package revocation

import (
	"iter"
	"time"
)

// Parts is in how many steps the list is swept.
const Parts = parts

// SetLimit makes the list so small that a test can fill it.
func (l *List) SetLimit(entries int64) { l.set.limit = entries }

// SweepPart takes one step of a sweep.
func (l *List) SweepPart(part int, at time.Time) { l.set.sweep(part, at) }

// All is every entry of the list.
func (l *List) All() iter.Seq[Entry] { return l.set.all() }

// NewSmallHandler keeps so few changes, and so few records on a page, that a test has more.
func NewSmallHandler(c HandlerConfig, changes, page int) (*Handler, error) {
	return newHandler(c, sizes{changes, page})
}

// PollWait is how long a Feed asks the server to wait.
const PollWait = feedWait

// SetFileMinimum is how many bytes of changes CacheDir's file may have before it is made anew.
func (f *Feed) SetFileMinimum(n int64) { f.file.minimum = n }

// Unconfirmed is how many entries this node wrote and the log has not told yet.
func (l *List) Unconfirmed() int { return len(l.losses.applied) }
