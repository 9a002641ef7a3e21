package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
	goredis "github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver that the store uses
)

// yardstick is what a store is compared with.
type yardstick struct {
	name  string
	do    func(ctx context.Context) error
	close func()
}

var errSwap = errors.New("the row was changed by nobody, and yet not written")

// rawRow is a row that one caller has at a time.
type rawRow struct {
	id      string
	version int64
}

const rawRows = 1000

// swaps takes a row in turn, and calls swap with its version and the next. create makes the rows, of
// version 1.
func swaps(create func(ids []string) error, swap func(ctx context.Context, id string, was, is int64) error) (func(context.Context) error, error) {
	ids, free := make([]string, rawRows), make(chan rawRow, rawRows)
	for i := range ids {
		ids[i] = newID()
		free <- rawRow{ids[i], 1}
	}
	if err := create(ids); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		r := <-free
		err := swap(ctx, r.id, r.version, r.version+1)
		r.version++
		free <- r
		return err
	}, nil
}

// signatures is the one for memory: the least that a refresh must do anywhere.
func signatures(_ context.Context, _, size int) (*yardstick, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	text := make([]byte, size)
	return &yardstick{"Ed25519 signature", func(context.Context) error { ed25519.Sign(key, text); return nil }, func() {}}, nil
}

func rawSQLite(ctx context.Context, path string, size int) (*yardstick, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return nil, err
	}
	y := &yardstick{name: "UPDATE … WHERE id = ? AND version = ?, synchronous NORMAL", close: func() { db.Close() }}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE raw (id TEXT PRIMARY KEY, version INTEGER, data BLOB) WITHOUT ROWID`); err != nil {
		y.close()
		return nil, err
	}
	update, err := db.PrepareContext(ctx, `UPDATE raw SET version = ?, data = ? WHERE id = ? AND version = ?`)
	if err != nil {
		y.close()
		return nil, err
	}
	data := make([]byte, size)
	y.do, err = swaps(func(ids []string) error {
		list, err := json.Marshal(ids)
		if err == nil {
			_, err = db.ExecContext(ctx, `INSERT INTO raw SELECT value, 1, ? FROM json_each(?)`, data, string(list))
		}
		return err
	}, func(_ context.Context, id string, was, is int64) error {
		r, err := update.ExecContext(context.Background(), is, data, id, was) // a ctx that can end costs a goroutine
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); n != 1 {
			return errors.Join(err, errSwap)
		}
		return nil
	})
	if err != nil {
		y.close()
		return nil, err
	}
	return y, nil
}

// rawPostgres has a connection for each caller.
func rawPostgres(ctx context.Context, url string, callers, size int) (*yardstick, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(callers)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	y := &yardstick{name: "UPDATE … WHERE id = $1 AND version = $2", close: pool.Close}
	table := fmt.Sprintf("raw%d", callers)
	if _, err := pool.Exec(ctx, `CREATE TABLE `+table+` (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, data bytea NOT NULL)`); err != nil {
		y.close()
		return nil, err
	}
	data := make([]byte, size)
	rand.Read(data) // or it would be stored compressed
	y.do, err = swaps(func(ids []string) error {
		_, err := pool.Exec(ctx, `INSERT INTO `+table+` SELECT unnest($1::text[]), 1, $2`, ids, data)
		return err
	}, func(ctx context.Context, id string, was, is int64) error {
		tag, err := pool.Exec(ctx, `UPDATE `+table+` SET version = $3, data = $4 WHERE id = $1 AND version = $2`, id, was, is, data)
		if err == nil && tag.RowsAffected() != 1 {
			err = errSwap
		}
		return err
	})
	if err != nil {
		y.close()
		return nil, err
	}
	return y, nil
}

var swapScript = goredis.NewScript(`
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then
	return 0
end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
return 1`)

func rawRedis(ctx context.Context, url string, callers, size int) (*yardstick, error) {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	client := goredis.NewClient(options)
	y := &yardstick{name: "EVALSHA of HGET and HSET", close: func() { client.Close() }}
	data := string(make([]byte, size))
	prefix := fmt.Sprintf("raw%d:", callers)
	y.do, err = swaps(func(ids []string) error {
		_, err := client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for _, id := range ids {
				pipe.HSet(ctx, prefix+id, "v", "1", "d", data)
			}
			return nil
		})
		return err
	}, func(ctx context.Context, id string, was, is int64) error {
		n, err := swapScript.Run(ctx, client, []string{prefix + id}, strconv.FormatInt(was, 10), strconv.FormatInt(is, 10), data).Int()
		if err == nil && n != 1 {
			err = errSwap
		}
		return err
	})
	if err != nil {
		y.close()
		return nil, err
	}
	return y, nil
}
