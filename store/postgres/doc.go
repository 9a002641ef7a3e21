// Package postgres is a writ.Store in a PostgreSQL database: the store of a program that runs on many
// machines.
//
//	store, err := postgres.Open(ctx, postgres.Config{URL: "postgres://writ@db.example/app"})
//	if err != nil { ... }
//	defer store.Close()
//
// Open makes the tables, in a schema of their own, "writ"; any number of nodes may start at once. Where
// tables are made by a tool of your own, give it Migrations and set Config.MigrateByHand. PostgreSQL 12
// or newer will do, with a database in UTF-8.
//
// The connection is encrypted, and the server's certificate is verified for its name, unless the server
// is on this machine or the URL says something else. A password is best kept in a file, which may
// change at any time: see Config.PasswordFile.
//
// # What is never lost
//
// A write that was acknowledged is on the server's disk: it survives the end of the process, a crash of
// the server and a power cut. Open refuses a server whose settings would not keep that (fsync,
// full_page_writes, synchronous_commit), unless Config.CrashMayLoseWrites waives it. It looks once: what
// is changed later, and what another server is set to that takes over, is for you to watch.
//
// A failover is another matter. With asynchronous replication, which is PostgreSQL's default, the new
// primary may lack the last writes that were acknowledged. With synchronous_standby_names set, and
// synchronous_commit at on or above, it has them; a commit whose wait for the standby an operator ends
// is then an error here. Either way, followers of the log notice what was lost, by the random tag that
// each of its transactions has: Tail returns revocation.ErrRegressed.
//
// An error may mean that a write was done: the connection broke before the answer came. It is never
// writ.ErrConflict then, nor writ.ErrNotFound.
//
// # Failures
//
// Every call ends within Config.Timeout, whatever the network does, and the same Store works again when
// the server does. Several hosts may stand in the URL, separated by commas; the one that takes writes is
// used. A standby is never asked. The head of the log carries a heartbeat by the server's clock, at most
// five seconds old: a server that was cut off, and can write none, makes Tail and Snapshot fail.
//
// # How fast a revocation is everywhere
//
// While a Tail waits, its Store listens (LISTEN, on one connection beside the pool). After the commit of an
// append, and not in it, the Store that wrote says so (NOTIFY), and the Tails of all others look at the log at
// once: an entry is there within a few milliseconds. That is a hint and nothing else. A Tail also polls, every
// 200 ms, or every second as long as the hints are seen to come before what they announce; so one that is
// lost, late or made up, or a connection that is dead, costs no more than that. The channel is named after
// the schema, and what is said on it is the number of a transaction.
//
// # What it costs
//
// Load, Save, List, Append and Purge are one round trip each. A Save with entries, and an Append, lock
// the head of the log until they are on the disk, so that they follow each other on all nodes; those that
// wait in one process are written together, up to 64 in one transaction. Other Saves do not touch it. A
// Save of a row with an owner waits for whoever ends all of that owner's sessions, and the other way round.
//
// An append, or some that come together, costs a second small transaction, which says so to others and which
// nobody waits for.
//
// A Store uses up to eight connections (pool_max_conns), and one that listens; ten nodes fit into PostgreSQL's
// default of 100.
//
// # PgBouncer and other poolers
//
// But for LISTEN, the store needs nothing of a session, so transaction pooling works; statement pooling does
// not. With transaction pooling LISTEN is answered and then hears nothing: the store notices, and goes on to
// poll every 200 ms. Set Config.PollOnly (poll-only=true in the URL) there: it saves the attempts, and
// PgBouncer a warning in its log for each hint that it has nobody for. PgBouncer
// older than 1.21, or with max_prepared_statements = 0, cannot keep prepared statements apart: put
// default_query_exec_mode=exec into the URL. A pooler must send all of the store's transactions to the
// primary.
//
// # Backups
//
// A database that is put back to an older copy has sessions alive that have ended since. Followers that
// ran on notice it and bring back what they know; where none ran on, end all that was issued before:
// append an entry of Kind revocation.Everything, with Before now and an Expires that no session outlives.
//
// Expired rows and entries leave by Purge. PostgreSQL's autovacuum must be on, as it is by default.
package postgres
