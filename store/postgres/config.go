package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	defaultSchema  = "writ"
	defaultTimeout = 5 * time.Second
	// defaultConns is enough for 20,000 reads a second, and lets ten nodes share a server that has
	// PostgreSQL's own limit of 100 connections.
	defaultConns = 8
)

// Config says which database a Store works in, and how. Set URL or Pool; the zero value of everything
// else is a good choice.
type Config struct {
	// URL is postgres://USER@HOST:PORT/DATABASE with parameters as libpq and pgx know them. What it
	// leaves out comes from libpq's environment variables, such as PGPASSWORD.
	//
	// Unless sslmode says something else, every host that is neither a loopback address nor a Unix
	// socket is verified by TLS (sslmode=verify-full). Disable, require and verify-ca are done as they
	// are named; prefer and allow are refused, because whoever is in between turns them into disable.
	//
	// Of several hosts, the one that takes writes is used, also after a failover.
	URL string
	// Pool takes the place of URL, for dialling and TLS of your own; pgxpool.ParseConfig makes one. It
	// is not checked for TLS.
	Pool *pgxpool.Config
	// Schema has the store's tables. Several stores can share a database, each with a schema of its
	// own. Default "writ"; a to z, 0 to 9 and _, at most 63.
	Schema string
	// MigrateByHand keeps Open from making or changing tables: it then only says what is missing. See
	// Migrations.
	MigrateByHand bool
	// PasswordFile has the password and nothing else but an end of line. It is read anew for every
	// connection, so that a rotated password needs no restart. Its mode lets nobody but its owner
	// write, and no others read.
	PasswordFile string
	// Timeout is how long a call takes at most, whatever its context says; Snapshot may take twelve
	// times as long. Default 5 s.
	Timeout time.Duration
	// PollOnly keeps Tail from using LISTEN: what other processes append then comes within 200 ms, and
	// not at once. Set it where a pooler such as PgBouncer is in transaction mode. Other Stores hear
	// of what this one appends in any case.
	PollOnly bool
	// CrashMayLoseWrites lets Open accept a server that acknowledges what it has not brought to the
	// disk (synchronous_commit or fsync is off), or that can be left with torn pages (full_page_writes
	// is off). After a crash of such a server, sessions that were ended may be alive again.
	CrashMayLoseWrites bool
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func checkSchema(name string) error {
	if !schemaName.MatchString(name) || strings.HasPrefix(name, "pg_") || name == "information_schema" {
		return errors.New("postgres: a schema's name is a to z, 0 to 9 and _, does not begin with a digit or pg_, and has at most 63 bytes")
	}
	return nil
}

// withDefaults fills in c and checks it.
func (c Config) withDefaults() (Config, error) {
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	switch {
	case c.URL == "" && c.Pool == nil:
		return c, errors.New("postgres: set Config.URL or Config.Pool")
	case c.URL != "" && c.Pool != nil:
		return c, errors.New("postgres: Config.URL and Config.Pool exclude each other")
	case c.Timeout < 0:
		return c, errors.New("postgres: Config.Timeout is below zero")
	}
	return c, checkSchema(c.Schema)
}

// pool returns the pool's configuration.
func (c Config) pool() (*pgxpool.Config, error) {
	if c.Pool != nil {
		return c.Pool.Copy(), nil
	}
	u, err := parse(c.URL)
	if err != nil {
		return nil, err
	}
	if _, set := u.User.Password(); set && c.PasswordFile != "" {
		return nil, errors.New("postgres: the URL has a password, and there is a password file: keep one of them")
	}
	pool, err := poolFor(u)
	if err != nil {
		return nil, err
	}
	// The kernel gives up a peer that is silent for about as long as a call may take: an idle connection
	// is otherwise found dead by the call that wanted to use it.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: c.Timeout, Interval: max(c.Timeout/4, time.Second), Count: 4}}
	pool.ConnConfig.DialFunc = dialer.DialContext
	return pool, nil
}

// prepare puts into the pool's configuration what the store relies on.
func (c Config) prepare(pool *pgxpool.Config, dial *dialer) {
	conn := pool.ConnConfig
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "writ"
	}
	// For each host: where one of several is silent, a call has time for the next one. pgx makes
	// connections in the background, where no context of a call ends them.
	if conn.ConnectTimeout <= 0 {
		conn.ConnectTimeout = c.Timeout / time.Duration(1+len(conn.Fallbacks))
	}
	dial.next = conn.DialFunc
	conn.DialFunc = dial.dial
	pool.ShouldPing = noteIdle // see Store.acquire
	notice := conn.OnNotice
	conn.OnNotice = func(c *pgconn.PgConn, n *pgconn.Notice) {
		noteLocalCommit(c, n)
		if notice != nil {
			notice(c, n)
		}
	}
	if c.PasswordFile != "" {
		before := pool.BeforeConnect
		pool.BeforeConnect = func(ctx context.Context, conn *pgx.ConnConfig) error {
			if before != nil {
				if err := before(ctx, conn); err != nil {
					return err
				}
			}
			password, err := readPassword(c.PasswordFile)
			conn.Password = password
			return err
		}
	}
}

// readPassword reads a file that holds a password. It may be another file each time.
func readPassword(path string) (string, error) {
	const most = 4096
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("the password file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("the password file is not a file")
	}
	if mode := info.Mode().Perm(); mode&0o037 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("others on this machine may read or write the password file (mode %04o): chmod 600 it", mode)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("the password file: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", fmt.Errorf("the password file: %w", err)
	}
	password := strings.TrimRight(string(content), "\r\n")
	if password == "" || len(content) > most || strings.ContainsAny(password, "\r\n\x00") {
		return "", errors.New("the password file must hold one line: the password")
	}
	return password, nil
}
