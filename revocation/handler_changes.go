package revocation

import (
	"context"
	"maps"
	"time"

	"github.com/writ-go/writ/keys"
)

const (
	// anew is how often at most an answer without changes is made again to be as of later.
	anew = time.Second
	// slack is for a log that shows an entry to one node a little earlier than to another.
	slack = time.Second

	maxAnswers = 16 << 20 // bytes that are kept, of all answers together

	// manyChanges is for how many an answer is made in another turn, so that those who are up to date do not
	// wait for one who is not. It takes some 0.4 ms.
	manyChanges = 1 << 13
)

// answer is what came after a part of a cursor.
type answer struct {
	*signed
	position uint64 // that it leads to
	asOf     time.Time
	made     time.Time
}

// changes is the answer to ?after.
func (h *Handler) changes(ctx context.Context, after cursor, wait time.Duration) (*signed, error) {
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
		if h.waiting.Add(1) > int64(h.config.MaxWaiting) {
			h.waiting.Add(-1)
			return nil, errNotYet
		}
		defer h.waiting.Add(-1)
	}
	for {
		e, asOf, err := h.fresh()
		if err != nil {
			return nil, err
		}
		from, part, err := e.locate(after)
		if err != nil {
			return nil, err
		}
		shown, next := e.rounds.latest(asOf)
		if over == nil || shown.position > from {
			return e.answer(ctx, min(from, shown.position), part, shown)
		}
		select {
		case <-next:
		case <-over:
			over = nil
		case <-h.drained:
			over = nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// locate is from which position on one has to hear what came who is at a cursor, and the part of it from
// which that follows.
//
// Where no place of it is of this instance its time counts. Some other list was complete as of then: it
// had all that was in the log by that clock. So whatever is in this list and not in that one was written
// later, and taken in here later still, by this clock no earlier than Skew before. A node that began after
// that does not know what it was: another may.
func (e *edition) locate(c cursor) (position uint64, part string, err error) {
	for _, p := range c.places {
		if p.instance == e.instance && e.changes.has(p.position) {
			return p.position, e.handler.cursors.place(p), nil
		}
	}
	overlap := e.handler.overlap()
	if c.asOf > e.handler.list.now().UnixMicro()+overlap {
		return 0, "", errNotYet // the clocks differ by more than they may
	}
	position, ok := e.changes.since(c.asOf - overlap)
	if !ok {
		return 0, "", errGone
	}
	return position, e.handler.cursors.time(c.asOf), nil
}

// overlap is in microseconds.
func (h *Handler) overlap() int64 { return (h.config.Skew + slack).Microseconds() }

// answer is what came from a position on and is shown, made now or by somebody else a moment ago.
func (e *edition) answer(ctx context.Context, from uint64, part string, shown round) (a *signed, err error) {
	key, err := e.handler.config.Keys.Signing()
	if err != nil {
		return nil, err
	}
	if a := e.answered(part, shown, key.ID()); a != nil {
		return a, nil
	}
	turn := e.signing
	if shown.position-from > manyChanges {
		turn = e.catching
	}
	err = turn.wait(ctx, func() error {
		if a = e.answered(part, shown, key.ID()); a != nil {
			return nil
		}
		made, err := e.encode(key, from, part, shown)
		if err != nil {
			return err
		}
		a = made.signed
		e.keep(part, made)
		return nil
	})
	return a, err
}

// answered is an answer that need not be made again.
func (e *edition) answered(part string, shown round, kid string) *signed {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.answers[part]
	if a == nil || a.kid != kid { // the key may have left the key set
		return nil
	}
	if a.position == shown.position && shown.asOf.Sub(a.asOf) < anew {
		return a.signed
	}
	return nil
}

func (e *edition) encode(key *keys.Private, from uint64, part string, shown round) (*answer, error) {
	records, ok := e.changes.between(from, shown.position)
	if !ok {
		return nil, errGone
	}
	encoded := make([]byte, 0, len(records)*maxRecord)
	for i := range records {
		encoded = records[i].append(encoded)
	}
	asOf := shown.asOf.UnixMicro()
	s, err := e.sign(key, claims{
		Answer: laterChanges, AsOf: asOf, After: part, Cursor: e.handler.cursors.text(e.at(shown.position), asOf), Count: len(records),
	}, encoded)
	if err != nil {
		return nil, err
	}
	return &answer{s, shown.position, shown.asOf, e.handler.list.now()}, nil
}

// keep keeps an answer for those who ask the same, and drops old ones now and then.
func (e *edition) keep(part string, a *answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	drop := func(old *answer) { e.kept -= len(old.records) }
	if old := e.answers[part]; old != nil {
		drop(old)
	}
	e.answers[part] = a
	e.kept += len(a.records)
	if a.made.Sub(e.swept).Abs() > anew {
		e.swept = a.made
		maps.DeleteFunc(e.answers, func(_ string, old *answer) bool {
			gone := a.made.Sub(old.made).Abs() > anew
			if gone {
				drop(old)
			}
			return gone
		})
	}
	if e.kept > maxAnswers { // few ask for the long ones
		maps.DeleteFunc(e.answers, func(_ string, old *answer) bool {
			long := len(old.records) > manyChanges*maxRecord
			if long {
				drop(old)
			}
			return long
		})
	}
	if e.kept > maxAnswers {
		clear(e.answers)
		e.kept = 0
	}
}
