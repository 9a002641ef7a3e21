// Package memory is a writ.Store inside the process.
//
//	store := memory.Open()
//	defer store.Close()
//
// It is for tests and for programs that run as one process and may sign everybody out when they
// restart: everything in it is lost when the process ends. That includes what was revoked, so
// writ.Open with keys that are older than the store revokes all that they have signed. Use
// store/sqlite to outlive a restart.
//
// All rows, and all entries of the log that have not expired, are held in memory until Purge; nothing
// is dropped when there are many.
package memory
