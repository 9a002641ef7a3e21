package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long changes are collected after the first one. Further changes do not put its end
// off, or a busy directory would hide them all.
const settle = 100 * time.Millisecond

// Watch makes Dir a Watcher. It watches the directory and not the file: a file that is replaced takes
// its watch along. In a Kubernetes volume, where ring.json is a link through ..data, what counts is
// that ..data is replaced, in the same directory. What changes behind any other link does not.
func (d dir) Watch(ctx context.Context, changed func()) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return d.unwatched(err)
	}
	defer w.Close()
	if err := w.Add(string(d)); err != nil {
		return d.unwatched(err)
	}
	changed()
	var settled <-chan time.Time
	for open := true; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-settled:
			settled = nil
			changed()
			continue
		case _, open = <-w.Events: // whatever it is: systems report the same change differently
		case err, open = <-w.Errors:
			if open && !errors.Is(err, fsnotify.ErrEventOverflow) { // which says that there were events
				return d.unwatched(err)
			}
		}
		if !open || len(w.WatchList()) == 0 {
			changed()
			return d.unwatched(errors.New("the directory was removed or renamed"))
		}
		if settled == nil {
			settled = time.After(settle)
		}
	}
}

func (d dir) unwatched(err error) error {
	return fmt.Errorf("keys: watching %s: %w", string(d), exhausted(err))
}
