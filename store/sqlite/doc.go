// Package sqlite is a writ.Store in one file: the store of a program that runs on one machine.
//
//	store, err := sqlite.Open(ctx, "sessions.db")
//	if err != nil { ... }
//	defer store.Close()
//
// SQLite is compiled into the program: there is nothing else to install or to run. Several processes
// on one machine may open the same file; they see each other's rows at once and each other's
// revocations within 200 ms. A file on a network file system is not supported.
//
// # What is never lost
//
// A write that was acknowledged survives the end of the process, whatever ends it. A write that
// carries revocation entries, or a row that never expires (the key ring), and all before it, also
// survives a power cut: it is on the disk before it is acknowledged. Any other write may be lost to a
// power cut with those after it; the rotation of refresh tokens is made to survive that, and a
// sign-in must be repeated.
//
// Writes that come while another is being made wait, and are then made together: they share one
// transaction, and the disk is waited for once.
//
// # The file
//
// The file belongs to the store alone. Open creates it readable by its owner only, and refuses one
// that others may read. Beside it SQLite keeps two more, with "-wal" and "-shm" at the end of their
// names: copy none of them while a program runs, use "VACUUM INTO".
//
// To put an older copy back, stop every program and remove those two. What ended since the copy was
// made is alive in it, so end all that was issued before: append an entry of Kind
// revocation.Everything, with Before now and an Expires that no session outlives. A program that ran
// on, because the copy was loaded into the open file, notices it: Tail returns revocation.ErrRegressed,
// and the Manager appends again what it had read of the log. What no running program had read is lost.
package sqlite
