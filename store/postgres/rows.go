package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/writ-go/writ"
)

// Load implements writ.Store.
func (s *Store) Load(ctx context.Context, id string) (row writ.Row, err error) {
	row.ID = id
	if row.Check() != nil { // no row can have it, and some such IDs could not be sent
		if err := s.usable(ctx); err != nil {
			return writ.Row{}, failed("load", err)
		}
		return writ.Row{}, writ.ErrNotFound
	}
	err = s.with(ctx, s.timeout, func(ctx context.Context, conn *pgx.Conn) error {
		var standby, found bool
		var owner *string
		var version, expires *int64
		err := conn.QueryRow(ctx, s.sql.selectRow, id).Scan(&standby, &found, &owner, &version, &expires, &row.Data, &row.Cutoff)
		switch {
		case err != nil:
			return err
		case standby:
			return errStandby
		case !found:
			return writ.ErrNotFound
		}
		row.Owner, row.Version, row.Expires = *owner, uint64(*version), moment(*expires)
		return nil
	})
	if errors.Is(err, writ.ErrNotFound) {
		return writ.Row{}, writ.ErrNotFound
	}
	if err != nil {
		return writ.Row{}, failed("load", err)
	}
	return row, nil
}

// List implements writ.Store.
func (s *Store) List(ctx context.Context, owner, after string, limit int) (list []writ.Row, err error) {
	if limit < 1 {
		return nil, failed("list", errors.New("the limit must be 1 or more"))
	}
	if err := errors.Join(checkText(owner), checkText(after)); err != nil {
		return nil, failed("list", err)
	}
	err = s.with(ctx, s.timeout, func(ctx context.Context, conn *pgx.Conn) error {
		list = nil
		batch := &pgx.Batch{}
		batch.Queue(inRecovery)
		batch.Queue(s.sql.selectOwned, owner, after, limit)
		results := conn.SendBatch(ctx, batch)
		defer results.Close()
		if err := refuseStandby(results); err != nil {
			return err
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row := writ.Row{Owner: owner}
			var version, expires int64
			if err := rows.Scan(&row.ID, &version, &expires, &row.Data, &row.Cutoff); err != nil {
				return err
			}
			row.Version, row.Expires = uint64(version), moment(expires)
			list = append(list, row)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, failed("list", err)
	}
	return list, nil
}

// refuseStandby reads the answer to inRecovery.
func refuseStandby(results pgx.BatchResults) error {
	var standby bool
	if err := results.QueryRow().Scan(&standby); err != nil {
		return err
	}
	if standby {
		return errStandby
	}
	return nil
}

// Purge implements writ.Store. It removes no more than 1,000 rows and 1,000 entries, and passes over
// what another transaction is at.
func (s *Store) Purge(ctx context.Context, now time.Time) (more bool, err error) {
	before := micros(now)
	err = s.write(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return transact(ctx, conn, func(batch *pgx.Batch) {
			batch.Queue(s.sql.purgeRows, before)
			batch.Queue(s.sql.purgeEntries, before)
			batch.Queue(s.sql.selectExpired, before)
		}, func(results pgx.BatchResults) error {
			for range 2 {
				if _, err := results.Exec(); err != nil {
					return err
				}
			}
			return results.QueryRow().Scan(&more)
		})
	})
	if err != nil {
		return false, failed("purge", err)
	}
	return more, nil
}

// checkText refuses what PostgreSQL's text cannot hold, and what its indexes cannot. Nothing of it
// stands in the error.
func checkText(text string) error {
	const most = 2048
	switch {
	case len(text) > most:
		return errors.New("an owner or an entry's ID has more than 2,048 bytes")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return errors.New("an owner or an entry's ID is not UTF-8 without NUL, which is all that PostgreSQL can keep")
	}
	return nil
}

func randomInt64() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return int64(binary.NativeEndian.Uint64(b[:]))
}

const never = math.MaxInt64

// micros is how the database keeps a time; the zero time is never.
func micros(t time.Time) int64 {
	switch {
	case t.IsZero(), t.Year() > 200_000: // beyond what microseconds can count
		return never
	case t.Year() < -200_000:
		return math.MinInt64
	}
	return t.UnixMicro()
}

func moment(micros int64) time.Time {
	if micros == never {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
