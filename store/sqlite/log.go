package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/writ-go/writ/revocation"
)

const (
	// trail is how many transactions a cursor may lie behind before Tail asks for a snapshot.
	trail = 1 << 16
	// pollEvery is how often a Tail looks for what other processes have appended.
	pollEvery = 200 * time.Millisecond
)

// Append implements writ.Store.
func (s *Store) Append(ctx context.Context, entries ...revocation.Entry) error {
	if err := revocation.Check(entries); err != nil {
		return failed("append", err)
	}
	entries = slices.Clone(entries) // see write
	err := s.write(ctx, durable, func(w *writer) error {
		changed, err := w.append(entries)
		if err != nil || changed {
			return err
		}
		// The log has them, but perhaps not on the disk: from a process that was killed before that.
		// Only a commit that writes something brings them there, and all before it.
		_, err = w.exec(mark)
		return err
	})
	if err != nil {
		return failed("append", err)
	}
	return nil
}

// append merges entries into the log, as its next transaction. It reports whether that changed
// anything: what the log knows already makes no transaction of the log, so that it may be appended
// again and again.
func (w *writer) append(entries []revocation.Entry) (changed bool, err error) {
	if len(entries) == 0 {
		return false, nil
	}
	var seq int64
	if err := w.row(`SELECT max(seq) + 1 FROM writ_log`, nil, []any{&seq}); err != nil {
		return false, err
	}
	for _, e := range entries {
		n, err := w.exec(`INSERT INTO writ_entries (kind, id, before, expires, seq) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET
				before = max(before, excluded.before), expires = max(expires, excluded.expires), seq = excluded.seq
			WHERE excluded.before > before OR excluded.expires > expires`,
			int64(e.Kind), e.ID, e.Before, micros(e.Expires), seq)
		if err != nil {
			return false, err
		}
		changed = changed || n > 0
	}
	if !changed {
		return false, nil
	}
	if _, err := w.exec(`INSERT INTO writ_log (seq, tag) VALUES (?, ?)`, seq, int64(randomUint64())); err != nil {
		return false, err
	}
	_, err = w.exec(`DELETE FROM writ_log WHERE seq <= ?`, seq-trail)
	w.appended = true
	return true, err
}

// Snapshot implements revocation.Source. It reads one state of the log into memory before it calls
// add, which may take its time. Two can read at once; the others wait.
func (s *Store) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	var head place
	var entries []revocation.Entry
	err := s.read(ctx, s.snapshots, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT seq, tag FROM writ_log ORDER BY seq DESC LIMIT 1`).Scan(&head.seq, &head.tag)
		if err != nil {
			return err
		}
		entries, err = readEntries(ctx, tx, ``)
		return err
	})
	if err != nil {
		return "", failed("snapshot", err)
	}
	for _, e := range entries {
		add(e)
	}
	return head.cursor(), nil
}

// Tail implements revocation.Source. It waits until something comes, ctx ends or the store is closed.
//
// The log has no heartbeat: that would tell a copy that lags behind, and there is none between this
// process and the file.
func (s *Store) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	from, ok := parse(after)
	if !ok {
		return nil, "", revocation.ErrGap
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for looked := false; ; looked = true {
		woken := *s.woken.Load() // before looking: what comes meanwhile closes it
		entries, next, err := s.since(ctx, from)
		switch {
		case errors.Is(err, revocation.ErrGap):
			return nil, "", err
		case err != nil && looked && ctx.Err() != nil:
			return nil, from.cursor(), nil
		case err != nil:
			return nil, "", failed("tail", err)
		case len(entries) > 0:
			return entries, next.cursor(), nil
		}
		from = next
		select {
		case <-woken:
		case <-poll.C:
		case <-ctx.Done():
			return nil, from.cursor(), nil
		case <-s.closed:
			return nil, "", failed("tail", errClosed)
		}
	}
}

// since returns the entries that changed after a place, oldest change first, and the place after them.
func (s *Store) since(ctx context.Context, from place) (entries []revocation.Entry, next place, err error) {
	err = s.read(ctx, s.short, func(tx *sql.Tx) error {
		var tag sql.NullInt64 // what stands at that place now
		var head place
		err := tx.QueryRowContext(ctx, `SELECT (SELECT tag FROM writ_log WHERE seq = ?), seq, tag
			FROM writ_log ORDER BY seq DESC LIMIT 1`, from.seq).Scan(&tag, &head.seq, &head.tag)
		switch {
		case err != nil:
			return err
		case from.seq > head.seq, tag.Valid && tag.Int64 != from.tag:
			return revocation.ErrRegressed // it is shorter than it was, or has gone another way since
		case !tag.Valid:
			return revocation.ErrGap // it was trimmed
		}
		if next = head; head == from {
			return nil
		}
		entries, err = readEntries(ctx, tx, `WHERE seq > ? ORDER BY seq`, from.seq)
		return err
	})
	return entries, next, err
}

func readEntries(ctx context.Context, tx *sql.Tx, where string, args ...any) (entries []revocation.Entry, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT kind, id, before, expires FROM writ_entries `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e revocation.Entry
		var expires int64
		if err := rows.Scan(&e.Kind, &e.ID, &e.Before, &expires); err != nil {
			return nil, err
		}
		e.Expires = moment(expires)
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// wake ends the waiting of every Tail of this Store.
func (s *Store) wake() {
	next := make(chan struct{})
	close(*s.woken.Swap(&next))
}

// place is where a transaction stands in the log.
type place struct{ seq, tag int64 }

func (p place) cursor() revocation.Cursor {
	return revocation.Cursor(fmt.Sprintf("%x.%x", p.seq, uint64(p.tag)))
}

func parse(c revocation.Cursor) (place, bool) {
	a, b, _ := strings.Cut(string(c), ".")
	seq, err1 := strconv.ParseInt(a, 16, 64)
	tag, err2 := strconv.ParseUint(b, 16, 64)
	return place{seq, int64(tag)}, err1 == nil && err2 == nil
}
