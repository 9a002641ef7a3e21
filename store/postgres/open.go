package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/writ-go/writ"
)

var errClosed = errors.New("the store is closed")

const (
	// patience is how many times longer a snapshot, and the making of the schema, may take.
	patience = 12
	// maxSnapshots is how many snapshots are read at once; the others wait.
	maxSnapshots = 2
)

// Store is a writ.Store in a PostgreSQL database. Use Open; it is safe for concurrent use.
type Store struct {
	schema  string
	timeout time.Duration
	pool    *pgxpool.Pool
	sql     statements
	woken   atomic.Pointer[chan struct{}]
	// beatEvery is how old the log's beat may be.
	beatEvery time.Duration
	// trustIdle is how long a connection may have been idle to be used without asking whether it is alive.
	trustIdle time.Duration
	snapshots chan struct{} // holds a value for each snapshot that is read
	appender  appender
	notifier  notifier
	listener  listener
	skipLocks bool // for a test

	closing context.Context // ended when Close begins
	close   context.CancelFunc
	closed  sync.Once

	sockets  context.Context // ended when no socket may be open any more
	hangUp   context.CancelFunc
	cleanups sync.WaitGroup // connections that broke, until pgx has cleaned up after them
}

var _ writ.Store = (*Store)(nil)

// Open connects to a database, and makes or updates the store's schema in it unless
// Config.MigrateByHand.
//
// It refuses a server that is older than PostgreSQL 12, takes no writes, or may lose acknowledged
// writes in a crash (see Config.CrashMayLoseWrites), and a schema that a newer version of this package
// has made.
func Open(ctx context.Context, config Config) (*Store, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	pool, err := config.pool()
	if err != nil {
		return nil, err
	}
	s := &Store{
		schema: config.Schema, timeout: config.Timeout, sql: newStatements(config.Schema), beatEvery: beatEvery, trustIdle: time.Second,
		snapshots: make(chan struct{}, maxSnapshots),
		listener: listener{
			off: config.PollOnly, channel: channel(config.Schema),
			pollEvery: pollEvery, pollSlowly: pollSlowly, checkEvery: checkEvery, linger: linger,
		},
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.sockets, s.hangUp = context.WithCancel(context.Background())
	wake := make(chan struct{})
	s.woken.Store(&wake)
	config.prepare(pool, &dialer{life: s.sockets})
	if s.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), pool); err != nil {
		s.close()
		s.hangUp()
		return nil, failed("open", err)
	}
	err = s.with(ctx, patience*s.timeout, func(ctx context.Context, conn *pgx.Conn) error {
		if err := check(ctx, conn, config.CrashMayLoseWrites); err != nil {
			return err
		}
		return s.migrate(ctx, conn, config.MigrateByHand)
	})
	if err != nil {
		s.Close()
		return nil, failed("open", err)
	}
	return s, nil
}

// check refuses a server on which the store could not keep its promises.
func check(ctx context.Context, conn *pgx.Conn, crashMayLose bool) error {
	var version int
	var standby bool
	var readOnly, commits, fsync, pages, encoding string
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('transaction_read_only'),
		current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding')`).
		Scan(&version, &standby, &readOnly, &commits, &fsync, &pages, &encoding)
	switch {
	case err != nil:
		return err
	case version < 12_00_00:
		return fmt.Errorf("the server is PostgreSQL %d: version 12 or newer is needed", version/1_00_00)
	case standby:
		return errStandby
	case readOnly != "off":
		return errors.New("the server takes no writes: unset default_transaction_read_only")
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s: create one with ENCODING 'UTF8'", encoding)
	case crashMayLose:
		return nil
	case fsync != "on":
		return errors.New("a crash of the server could lose or destroy everything: set fsync = on, or waive that with CrashMayLoseWrites (crash-may-lose-writes=true in an URL)")
	case pages != "on":
		return errors.New("a crash of the server could leave torn pages: set full_page_writes = on, or waive that with CrashMayLoseWrites (crash-may-lose-writes=true in an URL)")
	case commits == "off":
		return errors.New("a crash of the server could lose what was acknowledged: set synchronous_commit = on for the role, or waive that with CrashMayLoseWrites (crash-may-lose-writes=true in an URL)")
	}
	return nil
}

// Close ends every Tail and Snapshot, lets writes that are under way finish, for no longer than
// Config.Timeout, and closes all connections. From then on every method returns an error.
func (s *Store) Close() error {
	s.closed.Do(func() {
		s.close()
		late := time.AfterFunc(s.timeout, s.hangUp)
		defer late.Stop()
		s.appender.close()
		s.notifier.done.Wait()
		s.listener.close()
		s.pool.Close()
		s.hangUp()
		s.cleanups.Wait()
	})
	return nil
}

// What a session says that prepared statements of another one are in, or not.
const (
	duplicateStatement = "42P05"
	unknownStatement   = "26000"
)

// failed says which operation failed. PostgreSQL's messages name tables and columns; what is in them
// stands only in their details, which are left out.
func failed(operation string, err error) error {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) && (e.Code == duplicateStatement || e.Code == unknownStatement) {
		err = fmt.Errorf("%w: a pooler such as PgBouncer shares out sessions here: put default_query_exec_mode=exec into the URL", err)
	}
	return fmt.Errorf("postgres: %s: %w", operation, err)
}
