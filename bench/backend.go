package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/store/postgres"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/store/sqlite"
)

// backend is a kind of store, and how it is set up to keep what it was given.
type backend struct {
	name   string // in names of benchmarks
	title  string
	target int // refreshes a second of 16 callers
	start  func(testing.TB) *place
}

// place is where stores of one kind can be opened, each under a name of its own.
type place struct {
	address string // of the server; empty: the store is in this process
	open    func(ctx context.Context, address, name string) (writ.Store, error)
	// yardstick is the least that a server must do for a refresh: one compare-and-swap of one row.
	yardstick func(ctx context.Context, callers, size int) (*yardstick, error)
	// fill writes rows faster than Save can. nil: Save is used.
	fill func(ctx context.Context, name string, rows iter.Seq[writ.Row]) error
	// hurry lets a server take what is filled in without bringing each write to the disk. settle ends
	// that, and has it finish what it does by itself after a fill.
	hurry, settle func(ctx context.Context) error
}

var backends = []backend{
	{"memory", "memory", 25_000, startMemory},
	{"sqlite", "SQLite", 10_000, startSQLite},
	{"postgres", "PostgreSQL, synchronous_commit on", 5_000, startPostgres},
	{"redis", "Redis, appendfsync always", 12_000, startRedis("always")},
	{"redis-everysec", "Redis, appendfsync everysec", 12_000, startRedis("everysec")},
}

func unchanged(context.Context) error { return nil }

func startMemory(testing.TB) *place {
	return &place{
		open:      func(context.Context, string, string) (writ.Store, error) { return memory.Open(), nil },
		yardstick: signatures,
		hurry:     unchanged,
		settle:    unchanged,
	}
}

func startSQLite(t testing.TB) *place {
	dir := t.TempDir()
	return &place{
		open: func(ctx context.Context, _, name string) (writ.Store, error) {
			return opened(sqlite.Open(ctx, filepath.Join(dir, name+".db")))
		},
		yardstick: func(ctx context.Context, callers, size int) (*yardstick, error) {
			return rawSQLite(ctx, filepath.Join(dir, fmt.Sprintf("raw%d.db", callers)), size)
		},
		fill: func(ctx context.Context, name string, rows iter.Seq[writ.Row]) error {
			return insertRows(ctx, filepath.Join(dir, name+".db"), rows)
		},
		hurry:  unchanged,
		settle: unchanged,
	}
}

func startPostgres(t testing.TB) *place {
	server := servers.Postgres(t)
	return &place{
		address: server.Addr(),
		open: func(ctx context.Context, address, name string) (writ.Store, error) {
			return opened(postgres.Open(ctx, postgres.Config{URL: strings.Replace(server.URL(), server.Addr(), address, 1), Schema: name}))
		},
		yardstick: func(ctx context.Context, callers, size int) (*yardstick, error) {
			return rawPostgres(ctx, server.URL(), callers, size)
		},
		fill: func(ctx context.Context, name string, rows iter.Seq[writ.Row]) error {
			return copyRows(ctx, server.URL(), name, rows)
		},
		hurry: unchanged,
		// Else autovacuum and a checkpoint would do it in the middle of the measuring.
		settle: func(context.Context) error {
			server.Exec("VACUUM ANALYZE")
			server.Exec("CHECKPOINT")
			return nil
		},
	}
}

func startRedis(appendfsync string) func(testing.TB) *place {
	return func(t testing.TB) *place {
		server := servers.Redis(t, "appendfsync "+appendfsync)
		return &place{
			address: server.Addr(),
			open: func(ctx context.Context, address, name string) (writ.Store, error) {
				return opened(redis.Open(ctx, redis.Config{URL: strings.Replace(server.URL(), server.Addr(), address, 1), Prefix: name}))
			},
			yardstick: func(ctx context.Context, callers, size int) (*yardstick, error) {
				return rawRedis(ctx, server.URL(), callers, size)
			},
			hurry:  func(ctx context.Context) error { return configure(ctx, server.URL(), "no") },
			settle: func(ctx context.Context) error { return configure(ctx, server.URL(), appendfsync) },
		}
	}
}

// opened keeps a nil store of one type from becoming a writ.Store.
func opened[S writ.Store](s S, err error) (writ.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// insertRows writes rows straight into the table, as they are there.
func insertRows(ctx context.Context, path string, rows iter.Seq[writ.Row]) (err error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	next, stop := iter.Pull(rows)
	defer stop()
	for more := true; more; {
		if more, err = insertSome(ctx, db, next); err != nil {
			return err
		}
	}
	_, err = db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

// insertSome writes a transaction's worth of rows, and reports whether there may be more.
func insertSome(ctx context.Context, db *sql.DB, next func() (writ.Row, bool)) (more bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, `INSERT INTO writ_rows (id, owner, version, expires, data) VALUES (?, ?, ?, ?, ?)`)
	if err != nil {
		return false, err
	}
	for range 50_000 {
		row, ok := next()
		if !ok {
			return false, tx.Commit()
		}
		_, err := insert.ExecContext(context.WithoutCancel(ctx), row.ID, row.Owner, int64(row.NextVersion()), row.Expires.UnixMicro(), row.Data)
		if err != nil {
			return false, err
		}
	}
	return true, tx.Commit()
}

// copyRows writes rows straight into the table, as they are there.
func copyRows(ctx context.Context, url, schema string, rows iter.Seq[writ.Row]) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	next, stop := iter.Pull(rows)
	defer stop()
	_, err = conn.CopyFrom(ctx, pgx.Identifier{schema, "writ_rows"}, []string{"id", "owner", "version", "expires", "data"},
		pgx.CopyFromFunc(func() ([]any, error) {
			row, ok := next()
			if !ok {
				return nil, nil
			}
			return []any{row.ID, row.Owner, int64(row.NextVersion()), row.Expires.UnixMicro(), row.Data}, nil
		}))
	return err
}

// configure sets when Redis syncs its append-only file, and waits while it rewrites it.
func configure(ctx context.Context, url, appendfsync string) error {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return err
	}
	client := goredis.NewClient(options)
	defer client.Close()
	if err := client.ConfigSet(ctx, "appendfsync", appendfsync).Err(); err != nil {
		return err
	}
	for range 600 {
		info, err := client.Info(ctx, "persistence").Result()
		if err != nil {
			return err
		}
		if strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0") {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("the append-only file is being rewritten for more than a minute")
}
