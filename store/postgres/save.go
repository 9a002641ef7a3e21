package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

var errOwner = errors.New("the owner of a row never changes")

// operation is what one Save or Append does in a transaction.
type operation struct {
	row     *writ.Row // nil: Append
	version uint64    // of the row, if it is written
	entries columns
	locks   []advisory

	done   chan struct{} // closed when the two below are set
	cutoff int64
	err    error
}

// columns are entries as arrays, each kind and ID once.
type columns struct {
	kinds           []int16
	ids             []string
	before, expires []int64
}

func newColumns(entries []revocation.Entry) (c columns, err error) {
	at := make(map[revocation.Entry]int, len(entries))
	for _, e := range entries {
		if err := checkText(e.ID); err != nil {
			return columns{}, err
		}
		key := revocation.Entry{Kind: e.Kind, ID: e.ID}
		i, seen := at[key]
		if seen { // one statement cannot change an entry twice
			c.before[i], c.expires[i] = max(c.before[i], e.Before), max(c.expires[i], micros(e.Expires))
			continue
		}
		at[key] = len(c.ids)
		c.kinds, c.ids = append(c.kinds, int16(e.Kind)), append(c.ids, e.ID)
		c.before, c.expires = append(c.before, e.Before), append(c.expires, micros(e.Expires))
	}
	return c, nil
}

// cutoff is the greatest before that is about an owner.
func (c columns) cutoff(owner string) (cutoff int64) {
	for i, kind := range c.kinds {
		if k := revocation.Kind(kind); k == revocation.Everything || k == revocation.Subject && owner != "" && c.ids[i] == owner {
			cutoff = max(cutoff, c.before[i])
		}
	}
	return cutoff
}

// Save implements writ.Store.
//
// Without entries it is one transaction of its own, in one round trip. With entries it is one of those
// that a transaction of the log writes together.
func (s *Store) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	o, err := s.newOperation(&row, entries)
	if err != nil {
		return writ.Row{}, failed("save", err)
	}
	saved := writ.Row{ID: row.ID, Owner: row.Owner, Version: o.version, Expires: moment(micros(row.Expires))}
	saved.Data = append([]byte{}, row.Data...) // never nil: NULL is no data
	row.Data = saved.Data                      // the transaction may go on when the caller has left
	if len(entries) > 0 {
		err = s.appendWith(ctx, o)
	} else {
		err = s.save(ctx, o)
	}
	if err != nil {
		return writ.Row{}, failed("save", err)
	}
	saved.Cutoff = o.cutoff
	return saved, nil
}

func (s *Store) newOperation(row *writ.Row, entries []revocation.Entry) (*operation, error) {
	o := &operation{row: row, done: make(chan struct{})}
	if row != nil {
		if err := errors.Join(row.Check(), checkText(row.Owner)); err != nil {
			return nil, err
		}
		o.version = row.NextVersion()
	}
	if err := revocation.Check(entries); err != nil {
		return nil, err
	}
	var err error
	o.entries, err = newColumns(entries)
	o.locks = s.locksOf(o)
	return o, err
}

// queue adds the operation's statement to a transaction.
func (s *Store) queue(batch *pgx.Batch, o *operation) {
	e := o.entries
	if o.row == nil {
		batch.Queue(s.sql.merge, e.kinds, e.ids, e.before, e.expires)
		return
	}
	r := o.row
	exists, carries := 0, 0
	args := []any{r.ID, r.Owner, int64(o.version), micros(r.Expires), r.Data}
	if r.Version != 0 {
		exists, args = 1, append(args, int64(r.Version), r.Cutoff)
	}
	if len(e.ids) > 0 {
		carries, args = 1, append(args, e.kinds, e.ids, e.before, e.expires)
	}
	batch.Queue(s.sql.saves[exists][carries], args...)
}

// answer reads what the statement has done. Only an error of the database is returned; refused is why
// this operation alone was not done.
func (o *operation) answer(results pgx.BatchResults) (refused, err error) {
	if o.row == nil {
		_, err := results.Exec()
		return nil, err
	}
	var saved, stolen bool
	if err := results.QueryRow().Scan(&saved, &o.cutoff, &stolen); err != nil {
		return nil, err
	}
	switch {
	case stolen:
		return errOwner, nil
	case !saved:
		return writ.ErrConflict, nil
	}
	o.cutoff = max(o.cutoff, o.entries.cutoff(o.row.Owner))
	return nil, nil
}

// save writes a row without entries.
func (s *Store) save(ctx context.Context, o *operation) error {
	var refused error
	err := s.write(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return transact(ctx, conn, func(batch *pgx.Batch) {
			queueLocks(batch, o.locks)
			s.queue(batch, o)
		}, func(results pgx.BatchResults) (err error) {
			if err := skipLocks(results, o.locks); err != nil {
				return err
			}
			refused, err = o.answer(results)
			return err
		})
	})
	return cmp.Or(err, refused)
}

// advisory is a lock that keeps whoever changes one of an owner's rows and whoever ends all of the
// owner's sessions from overlooking each other: the former share it, the latter has it alone.
type advisory struct {
	key   int64
	alone bool
}

// locksOf returns the locks that an operation needs. Rows of nobody need none: no cutoff is about them.
func (s *Store) locksOf(o *operation) (locks []advisory) {
	if s.skipLocks {
		return nil
	}
	if o.row != nil && o.row.Owner != "" {
		locks = append(locks, advisory{lockKey(s.schema, "everything", ""), false}, advisory{lockKey(s.schema, "owner", o.row.Owner), false})
	}
	for i, kind := range o.entries.kinds {
		switch revocation.Kind(kind) {
		case revocation.Subject:
			locks = append(locks, advisory{lockKey(s.schema, "owner", o.entries.ids[i]), true})
		case revocation.Everything:
			locks = append(locks, advisory{lockKey(s.schema, "everything", ""), true})
		}
	}
	return locks
}

// lockKey is a lock's number. Another database has other locks; that of another schema or owner has
// another number most likely, and if not, they wait for each other now and then.
func lockKey(schema, kind, owner string) int64 {
	sum := sha256.Sum256([]byte("writ\x00" + schema + "\x00" + kind + "\x00" + owner))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// queueLocks has a transaction take its locks, each once and all in the same order, so that no two
// wait for each other.
func queueLocks(batch *pgx.Batch, locks []advisory) {
	if len(locks) == 0 {
		return
	}
	slices.SortFunc(locks, func(a, b advisory) int { return cmp.Compare(a.key, b.key) })
	var keys []int64
	var alone []bool
	for _, l := range locks {
		if last := len(keys) - 1; last >= 0 && keys[last] == l.key {
			alone[last] = alone[last] || l.alone
			continue
		}
		keys, alone = append(keys, l.key), append(alone, l.alone)
	}
	batch.Queue(lock, keys, alone)
}

func skipLocks(results pgx.BatchResults, locks []advisory) error {
	if len(locks) == 0 {
		return nil
	}
	_, err := results.Exec()
	return err
}
