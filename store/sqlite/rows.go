package sqlite

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// purgeBatch is how many rows, and how many entries, one Purge removes.
const purgeBatch = 1000

var errOwner = errors.New("the owner of a row never changes")

// selectCutoff is the greatest Before of what revokes all that the owner of a row has.
const selectCutoff = `max(
	ifnull((SELECT before FROM writ_entries WHERE kind = 4 AND id = writ_rows.owner), 0),
	ifnull((SELECT before FROM writ_entries WHERE kind = 5 AND id = ''), 0))`

const (
	selectRows  = `SELECT id, owner, version, expires, data, ` + selectCutoff + ` FROM writ_rows `
	selectRow   = selectRows + `WHERE id = ?`
	selectOwned = selectRows + `WHERE owner = ? AND owner <> '' AND id > ? AND expires > ? ORDER BY id LIMIT ?`
)

// What Purge does. The indexes by expires leave out what never expires; without the second
// condition SQLite could not know that they have all it needs.
const (
	expired      = `expires < ?1 AND expires < 9223372036854775807`
	purgeRows    = `DELETE FROM writ_rows WHERE rowid IN (SELECT rowid FROM writ_rows WHERE ` + expired + ` LIMIT ?2)`
	purgeEntries = `DELETE FROM writ_entries WHERE (kind, id) IN
		(SELECT kind, id FROM writ_entries WHERE ` + expired + ` LIMIT ?2)`
	selectExpired = `SELECT EXISTS (SELECT 1 FROM writ_rows WHERE ` + expired + `)
		OR EXISTS (SELECT 1 FROM writ_entries WHERE ` + expired + `)`
)

// Load implements writ.Store.
func (s *Store) Load(ctx context.Context, id string) (writ.Row, error) {
	if err := s.enter(ctx, s.short); err != nil {
		return writ.Row{}, failed("load", err)
	}
	defer s.short.leave()
	// Without ctx: it would cost several times the reading of one row.
	row, err := scanRow(s.selectRow.QueryRowContext(background, id))
	if errors.Is(err, sql.ErrNoRows) {
		return writ.Row{}, writ.ErrNotFound
	}
	if err != nil {
		return writ.Row{}, failed("load", err)
	}
	return row, nil
}

// List implements writ.Store.
func (s *Store) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	if err := s.enter(ctx, s.lists); err != nil {
		return nil, failed("list", err)
	}
	defer s.lists.leave()
	// Without ctx, as in Load; it is looked at between the rows.
	rows, err := s.selectOwned.QueryContext(background, owner, after, micros(time.Now()), max(limit, 0))
	if err != nil {
		return nil, failed("list", err)
	}
	defer rows.Close()
	var list []writ.Row
	for rows.Next() {
		row, err := scanRow(rows)
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return nil, failed("list", err)
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		return nil, failed("list", err)
	}
	return list, nil
}

// scanRow reads what selectRows selects.
func scanRow(from interface{ Scan(...any) error }) (writ.Row, error) {
	var row writ.Row
	var version, expires int64
	if err := from.Scan(&row.ID, &row.Owner, &version, &expires, &row.Data, &row.Cutoff); err != nil {
		return writ.Row{}, err
	}
	row.Version, row.Expires = uint64(version), moment(expires)
	return row, nil
}

// Save implements writ.Store.
func (s *Store) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if err := errors.Join(row.Check(), revocation.Check(entries)); err != nil {
		return writ.Row{}, failed("save", err)
	}
	d := relaxed
	if len(entries) > 0 || row.Expires.IsZero() { // what is kept for ever, such as the key ring
		d = durable
	}
	expires := micros(row.Expires)
	saved := writ.Row{ID: row.ID, Owner: row.Owner, Expires: moment(expires), Version: row.NextVersion()}
	saved.Data = append([]byte{}, row.Data...) // never nil: NULL is no data
	entries = slices.Clone(entries)            // see write
	err := s.write(ctx, d, func(w *writer) (err error) {
		if row.Version == 0 {
			err = w.row(`INSERT INTO writ_rows (id, owner, version, expires, data) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT DO NOTHING RETURNING `+selectCutoff,
				[]any{row.ID, row.Owner, int64(saved.Version), expires, saved.Data}, []any{&saved.Cutoff})
		} else {
			err = w.row(`UPDATE writ_rows SET version = ?, expires = ?, data = ?
				WHERE id = ? AND version = ? AND owner = ? AND (owner = '' OR `+selectCutoff+` = ?) RETURNING `+selectCutoff,
				[]any{int64(saved.Version), expires, saved.Data, row.ID, int64(row.Version), row.Owner, row.Cutoff}, []any{&saved.Cutoff})
		}
		if errors.Is(err, sql.ErrNoRows) {
			return w.whyNot(row)
		}
		if err != nil || len(entries) == 0 {
			return err
		}
		if _, err = w.append(entries); err != nil {
			return err
		}
		return w.row(`SELECT `+selectCutoff+` FROM writ_rows WHERE id = ?`, []any{row.ID}, []any{&saved.Cutoff})
	})
	if err != nil {
		return writ.Row{}, failed("save", err)
	}
	return saved, nil
}

// whyNot says why a row was not written.
func (w *writer) whyNot(row writ.Row) error {
	var stolen bool
	err := w.row(`SELECT count(*) FROM writ_rows WHERE id = ? AND version = ? AND owner <> ?`,
		[]any{row.ID, int64(row.Version), row.Owner}, []any{&stolen})
	if err != nil {
		return err
	}
	if stolen {
		return errOwner
	}
	return writ.ErrConflict
}

// Purge implements writ.Store. It removes no more than 1,000 rows and 1,000 entries.
func (s *Store) Purge(ctx context.Context, now time.Time) (more bool, err error) {
	before := micros(now)
	err = s.write(ctx, relaxed, func(w *writer) error {
		if _, err := w.exec(purgeRows, before, purgeBatch); err != nil {
			return err
		}
		if _, err := w.exec(purgeEntries, before, purgeBatch); err != nil {
			return err
		}
		return w.row(selectExpired, []any{before}, []any{&more})
	})
	if err != nil {
		return false, failed("purge", err)
	}
	return more, nil
}

func randomUint64() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
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
