package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/writ-go/writ/revocation"
)

// beatEvery is how old the log's beat gets before a new one is written.
const beatEvery = 5 * time.Second

var errStale = errors.New("the log's heartbeat is old and does not come through: this server is behind, or its clock is off")

// Snapshot implements revocation.Source. It reads one state of the log into memory before it calls
// add, which may take its time. Two can read at once; the others wait.
func (s *Store) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	head, entries, err := s.snapshot(ctx)
	if err != nil {
		return "", failed("snapshot", err)
	}
	for _, some := range entries {
		for _, e := range some {
			add(e)
		}
	}
	return head.cursor(), nil
}

// snapshot returns the entries in parts: one slice that grows to millions would be copied again and again.
func (s *Store) snapshot(ctx context.Context) (head place, entries [][]revocation.Entry, err error) {
	if err := s.usable(ctx); err != nil {
		return place{}, nil, err
	}
	select {
	case s.snapshots <- struct{}{}:
	case <-ctx.Done():
		return place{}, nil, ctx.Err()
	case <-s.closing.Done():
		return place{}, nil, errClosed
	}
	defer func() { <-s.snapshots }()
	if _, err := s.head(ctx, place{}); err != nil {
		return place{}, nil, err
	}
	err = s.with(ctx, patience*s.timeout, func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		batch := &pgx.Batch{}
		batch.Queue(beginSnapshot)
		batch.Queue(s.sql.selectPlace)
		batch.Queue(s.sql.selectEntries)
		batch.Queue(commit)
		results := conn.SendBatch(ctx, batch)
		defer results.Close()
		if _, err := results.Exec(); err != nil {
			return err
		}
		if err := results.QueryRow().Scan(&head.seq, &head.tag); err != nil {
			return err
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		var some []revocation.Entry
		err = scanEntries(rows, func(e revocation.Entry) {
			if some = append(some, e); len(some) == cap(some) {
				entries, some = append(entries, some), make([]revocation.Entry, 0, 4096)
			}
		})
		entries = append(entries, some)
		return err
	})
	return head, entries, err
}

// Tail implements revocation.Source. It waits until something comes, ctx ends or the store is closed.
func (s *Store) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	from, ok := parsePlace(after)
	if !ok {
		return nil, "", revocation.ErrGap
	}
	polled := false
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
			s.listener.judge(from.seq, next.seq, polled)
			return entries, next.cursor(), nil
		}
		from = next
		if !looked {
			defer s.attend()() // until Tail returns
		}
		select {
		case <-woken:
			polled = false
		case <-time.After(s.listener.pause()):
			polled = true
		case <-ctx.Done():
			return nil, from.cursor(), nil
		case <-s.closing.Done():
			return nil, "", failed("tail", errClosed)
		}
	}
}

// since returns the entries that changed after a place, oldest change first, and the place after them.
func (s *Store) since(ctx context.Context, from place) (entries []revocation.Entry, next place, err error) {
	head, err := s.head(ctx, from)
	switch {
	case err != nil:
		return nil, place{}, err
	case from.seq > head.seq, head.hasSeq && !head.hasPlace:
		return nil, place{}, revocation.ErrRegressed
	case !head.hasPlace:
		return nil, place{}, revocation.ErrGap
	case head.place == from:
		return nil, from, nil
	}
	// Entries that change from here on come as well, and come again: that does not matter.
	err = s.with(ctx, s.timeout, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, s.sql.selectChanged, from.seq)
		if err != nil {
			return err
		}
		return scanEntries(rows, func(e revocation.Entry) { entries = append(entries, e) })
	})
	return entries, head.place, err
}

// head is what the log's head says, and what the log knows of a place.
type head struct {
	place
	hasSeq, hasPlace bool
}

// head reads the log's head, and what the log knows of a place, on a server that is the primary now.
//
// That it is, the beat shows: by the server's own clock it is not old, or a new one can be written. A
// server that was cut off with an old state, or may only be read, fails, and never looks fresh.
func (s *Store) head(ctx context.Context, of place) (h head, err error) {
	for wrote := false; ; wrote = true {
		var age int64 // microseconds
		err = s.with(ctx, s.timeout, func(ctx context.Context, conn *pgx.Conn) error {
			var standby bool
			err := conn.QueryRow(ctx, s.sql.selectHead, of.seq, of.tag).Scan(&standby, &h.seq, &h.tag, &age, &h.hasSeq, &h.hasPlace)
			if err == nil && standby {
				err = errStandby
			}
			return err
		})
		if limit := s.beatEvery.Microseconds(); err != nil || -limit <= age && age <= limit {
			return h, err
		}
		if wrote {
			return h, errStale
		}
		err = s.write(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return transact(ctx, conn, func(batch *pgx.Batch) {
				batch.Queue(s.sql.writeBeat, s.beatEvery.Microseconds())
			}, func(results pgx.BatchResults) error {
				_, err := results.Exec()
				return err
			})
		})
		if err != nil {
			return h, fmt.Errorf("the log's heartbeat cannot be written: %w", err)
		}
	}
}

func scanEntries(rows pgx.Rows, add func(revocation.Entry)) error {
	defer rows.Close()
	for rows.Next() {
		var e revocation.Entry
		var kind int16
		var expires int64
		if err := rows.Scan(&kind, &e.ID, &e.Before, &expires); err != nil {
			return err
		}
		e.Kind, e.Expires = revocation.Kind(kind), moment(expires)
		add(e)
	}
	return rows.Err()
}

// wake ends the waiting of every Tail of this Store.
func (s *Store) wake() {
	next := make(chan struct{})
	close(*s.woken.Swap(&next))
}

// place is where a transaction stands in the log.
type place struct{ seq, tag int64 }

func (p place) cursor() revocation.Cursor {
	return revocation.Cursor(fmt.Sprintf("%x.%016x", p.seq, uint64(p.tag)))
}

// parsePlace takes a cursor as place.cursor writes it, and no other.
func parsePlace(c revocation.Cursor) (place, bool) {
	a, b, _ := strings.Cut(string(c), ".")
	seq, err1 := strconv.ParseInt(a, 16, 64)
	tag, err2 := strconv.ParseUint(b, 16, 64)
	p := place{seq, int64(tag)}
	return p, err1 == nil && err2 == nil && seq >= 0 && p.cursor() == c
}
