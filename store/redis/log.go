package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/writ-go/writ/revocation"
)

const (
	// tailMost is how many entries one Tail reads at most: the script that reads them holds up the
	// server for some 20 ms.
	tailMost = 20_000
	// pageSize is how many entries of a Snapshot are read at a time, in a millisecond or two.
	pageSize = 2000
	// beatEvery is how old in seconds, by the server's clock, the log's beat may be.
	beatEvery = 5
)

// Append implements writ.Store, in one round trip, whatever the number of entries. The server answers
// nobody else meanwhile: see the package documentation.
func (s *Store) Append(ctx context.Context, entries ...revocation.Entry) error {
	err := revocation.Check(entries)
	if err == nil {
		_, err = s.write(ctx, entries, "", "", "", "", "")
	}
	if err != nil {
		return failed("append", err)
	}
	return nil
}

// Snapshot implements revocation.Source. It reads pages of 2,000 entries in the order of their last
// change, and others are served between them. So one that changes meanwhile comes again, and a page
// means the same on the server that a failover has put in this one's place. add may have been called
// when an error is returned.
func (s *Store) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	cursor, err := s.snapshot(ctx, add)
	if err != nil {
		return "", failed("snapshot", err)
	}
	return cursor, nil
}

func (s *Store) snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	head, err := s.start(ctx)
	if err != nil {
		return "", err
	}
	for after := "0"; ; {
		word, answer, err := s.run(ctx, pageScript, after, pageSize)
		if err == nil && (word != "ok" || len(answer) == 0) {
			err = errAnswer
		}
		if err != nil {
			return "", err
		}
		after = answer[0]
		if err := unpackEntries(answer[1:], add); err != nil {
			return "", err
		}
		if len(answer) <= pageSize {
			return head.cursor(), nil
		}
	}
}

// start returns the head of the log, which it makes if there is none.
func (s *Store) start(ctx context.Context) (place, error) {
	word, answer, err := s.run(ctx, startScript, newTag())
	if err == nil && (word != "ok" || len(answer) != 2) {
		err = errAnswer
	}
	if err != nil {
		return place{}, err
	}
	return place{answer[0], answer[1]}, nil
}

// Tail implements revocation.Source. It waits until something comes, ctx ends or the store is closed.
func (s *Store) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	from, ok := parse(after)
	if !ok {
		return nil, "", revocation.ErrGap
	}
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
		switch err := s.wait(ctx, woken); {
		case errors.Is(err, errClosed):
			return nil, "", failed("tail", err)
		case err != nil: // of ctx
			return nil, from.cursor(), nil
		}
	}
}

// since returns the entries that changed after a place, oldest change first, and the place after them.
func (s *Store) since(ctx context.Context, from place) ([]revocation.Entry, place, error) {
	word, answer, err := s.run(ctx, tailScript, from.seq, from.tag, tailMost, beatEvery)
	switch {
	case errors.Is(err, errGone):
		return nil, place{}, revocation.ErrRegressed
	case err != nil:
		return nil, place{}, err
	case word == "regressed":
		return nil, place{}, revocation.ErrRegressed
	case word == "gap":
		return nil, place{}, revocation.ErrGap
	case word != "ok" || len(answer) < 2:
		return nil, place{}, errAnswer
	}
	var entries []revocation.Entry
	err = unpackEntries(answer[2:], func(e revocation.Entry) { entries = append(entries, e) })
	return entries, place{answer[0], answer[1]}, err
}

// wake ends the waiting of every Tail of this Store.
func (s *Store) wake() {
	next := make(chan struct{})
	close(*s.woken.Swap(&next))
}

// place is where a write stands in the log: the number of its last change, and a random tag.
type place struct{ seq, tag string }

func (p place) cursor() revocation.Cursor { return revocation.Cursor(p.seq + "." + p.tag) }

// parse returns no place that the server would stumble over.
func parse(c revocation.Cursor) (place, bool) {
	seq, tag, _ := strings.Cut(string(c), ".")
	n, err := strconv.ParseUint(seq, 10, 53)
	p := place{strconv.FormatUint(n, 10), tag}
	_, notHex := hex.DecodeString(tag)
	return p, err == nil && n > 0 && notHex == nil && len(tag) == tagLen && p.cursor() == c
}

const tagLen = 16

func newTag() string {
	var b [tagLen / 2]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
