package redis

import (
	"context"
	"errors"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

const (
	// purgeBatch is how many rows, and how many entries, one Purge removes.
	purgeBatch = 1000
	// listBatch is how many rows one script reads.
	listBatch = 500
)

// Load implements writ.Store, in one round trip. With Replicas it waits for them too: it tells nobody
// of a state that a failover could take back.
func (s *Store) Load(ctx context.Context, id string) (writ.Row, error) {
	word, answer, err := s.runSafe(ctx, loadScript, id)
	switch {
	case err != nil:
		return writ.Row{}, failed("load", err)
	case word == "none":
		return writ.Row{}, writ.ErrNotFound
	case word != "ok" || len(answer) != 2:
		return writ.Row{}, failed("load", errAnswer)
	}
	row, err := unpackRow(id, answer[0], answer[1])
	if err != nil {
		return writ.Row{}, failed("load", err)
	}
	return row, nil
}

// Save implements writ.Store, in one round trip. A Save whose answer is lost on the way is tried
// again under the same new version, and then answered as the first would have been.
func (s *Store) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	err := errors.Join(row.Check(), revocation.Check(entries))
	if err == nil && len(row.Owner) > maxOwner {
		err = errors.New("the owner's name is too long")
	}
	if err != nil {
		return writ.Row{}, failed("save", err)
	}
	saved := writ.Row{ID: row.ID, Owner: row.Owner, Version: row.NextVersion(), Expires: moment(micros(row.Expires))}
	saved.Data = append([]byte{}, row.Data...)
	expected := ""
	if row.Version != 0 {
		expected = number(row.Version)
	}
	cutoff, err := s.write(ctx, entries, row.ID, expected, pack(saved), ownerPrefix(row.Owner)+row.ID, digits(row.Cutoff))
	if err != nil {
		return writ.Row{}, failed("save", err)
	}
	before, ok := parseDigits(cutoff)
	if !ok {
		return writ.Row{}, failed("save", errAnswer)
	}
	saved.Cutoff = before
	return saved, nil
}

// write runs the one script that writes. about is what it wants to know of a row.
func (s *Store) write(ctx context.Context, entries []revocation.Entry, about ...any) (cutoff string, err error) {
	args := append(make([]any, 0, len(about)+1+3*len(entries)), about...)
	args = append(args, newTag())
	for _, e := range entries {
		args = append(args, field(e), digits(e.Before), digits(micros(e.Expires)))
	}
	word, answer, err := s.runSafe(ctx, writeScript, args...)
	switch {
	case err != nil:
		return "", err
	case word == "conflict":
		return "", writ.ErrConflict
	case word == "owner":
		return "", errOwner
	case word != "ok" || len(answer) != 2:
		return "", errAnswer
	}
	if answer[1] == "1" {
		s.wake()
	}
	return answer[0], nil
}

// List implements writ.Store. A round trip reads at most 500 rows, those that have expired among them.
func (s *Store) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	var list []writ.Row
	now := time.Now()
	for n := min(limit, listBatch); len(list) < limit; {
		word, answer, err := s.run(ctx, listScript, ownerPrefix(owner), owner, after, n)
		if err == nil && (word != "ok" || len(answer)%2 != 1) {
			err = errAnswer
		}
		if err != nil {
			return nil, failed("list", err)
		}
		cutoff, page := answer[0], answer[1:]
		for i := 0; i < len(page) && len(list) < limit; i += 2 {
			after = page[i]
			row, err := unpackRow(after, page[i+1], cutoff)
			if err != nil {
				return nil, failed("list", err)
			}
			if row.Expires.IsZero() || row.Expires.After(now) {
				list = append(list, row)
			}
		}
		if len(page) < 2*n {
			break
		}
	}
	return list, nil
}

// Purge implements writ.Store. It removes no more than 1,000 rows and 1,000 entries, also when memory
// is full.
func (s *Store) Purge(ctx context.Context, now time.Time) (more bool, err error) {
	word, answer, err := s.run(ctx, purgeScript, digits(micros(now)), purgeBatch)
	if err == nil && (word != "ok" || len(answer) != 1) {
		err = errAnswer
	}
	if err != nil {
		return false, failed("purge", err)
	}
	return answer[0] == "1", nil
}
