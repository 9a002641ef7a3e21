// Package memory is a writ.Store inside the process.
//
//	store := memory.Open()
//	defer store.Close()
//
// It is for tests and for programs that run as one process and may sign everybody out when they
// restart: everything in it is lost when the process ends. That includes what was revoked, so a
// program must not keep its signing keys longer than this store. Use store/sqlite to outlive a
// restart, and store/postgres or store/redis to share sessions between processes.
//
// All rows, and all entries of the log that have not expired, are held in memory until Purge; nothing
// is dropped when there are many.
package memory
