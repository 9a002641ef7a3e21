package keys

import "context"

// Watcher is what a Vault also is if it can tell when its document changes. Ring.Run then reads the
// document at once, and not only every third of Config.MaxStale. Dir is one.
type Watcher interface {
	// Watch calls changed soon after the document may have changed, from one goroutine, until ctx
	// ends, and returns ctx.Err(). It calls it once when the watch stands, for what changed before,
	// and once for changes in quick succession. It may miss changes, for example those that another
	// machine makes on a network file system, so reading now and then remains necessary.
	//
	// It returns another error, at once or later, if it cannot watch: the system's limits are
	// exhausted, or what it watched is gone. Call it again after a while. When it returns, whatever it
	// started has ended.
	Watch(ctx context.Context, changed func()) error
}
