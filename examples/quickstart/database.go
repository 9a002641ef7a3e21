package main

import (
	"context"
	"database/sql"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver
)

// database is what the application itself keeps: notes, and the name that tokens are issued under.
// Sessions are none of its business.
type database struct{ db *sql.DB }

const schema = `
CREATE TABLE IF NOT EXISTS notes (username TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS issuer (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), url TEXT NOT NULL);`

func openDatabase(ctx context.Context, path string) (*database, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would let others read it
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		db.Close()
		return nil, err
	}
	return &database{db}, nil
}

func (d *database) Close() error { return d.db.Close() }

// issuer remembers the name that the first start issued tokens under: a later start on another port
// must not turn them away.
func (d *database) issuer(ctx context.Context, first string) (known string, err error) {
	if _, err := d.db.ExecContext(ctx, `INSERT INTO issuer VALUES (1, ?) ON CONFLICT DO NOTHING`, first); err != nil {
		return "", err
	}
	err = d.db.QueryRowContext(ctx, `SELECT url FROM issuer`).Scan(&known)
	return known, err
}
