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
	// together is for how long changes are answered as they were, so that a flood of them does not
	// make everybody's answer another one.
	together = 50 * time.Millisecond
	// slack is for a log that shows an entry to one node a little earlier than to another.
	slack = time.Second
	// young is for how long one who has just been somewhere else is sent there again, by a node that
	// has begun later. A list that is older than that is not behind a node that answers.
	young = 20 * time.Second

	maxAnswers = 16 << 20 // bytes that are kept, of all answers together
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
		more := e.changes.more() // before the position is read
		from, part, err := e.locate(after)
		if err != nil {
			return nil, err
		}
		if over == nil || e.changes.position() > from {
			return e.answer(ctx, from, part, asOf)
		}
		select {
		case <-more:
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
// later, and taken in here later still, by this clock no earlier than Skew before.
func (e *edition) locate(c cursor) (position uint64, part string, err error) {
	for _, p := range c.places {
		if p.instance == e.instance && e.changes.has(p.position) {
			return p.position, e.handler.cursors.place(p), nil
		}
	}
	now, overlap := e.handler.list.now().UnixMicro(), (e.handler.config.Skew + slack).Microseconds()
	if c.asOf > now+overlap {
		return 0, "", errNotYet // the clocks differ by more than they may
	}
	position, ok, began := e.changes.since(c.asOf - overlap)
	switch {
	case ok:
		return position, e.handler.cursors.time(c.asOf), nil
	case began && now-c.asOf < young.Microseconds():
		return 0, "", errNotYet
	}
	return 0, "", errGone
}

// answer is what came after a position, made now or by somebody else a moment ago.
func (e *edition) answer(ctx context.Context, from uint64, part string, asOf time.Time) (a *signed, err error) {
	key, err := e.handler.config.Keys.Signing()
	if err != nil {
		return nil, err
	}
	if a := e.answered(from, part, asOf, key.ID()); a != nil {
		return a, nil
	}
	err = e.signing.wait(ctx, func() error {
		if a = e.answered(from, part, asOf, key.ID()); a != nil {
			return nil
		}
		made, err := e.encode(key, from, part, asOf)
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
func (e *edition) answered(from uint64, part string, asOf time.Time, kid string) *signed {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.answers[part]
	if a == nil || a.kid != kid { // the key may have left the key set
		return nil
	}
	if a.position == e.changes.position() && asOf.Sub(a.asOf) < anew || a.position > from && e.handler.list.now().Sub(a.made) < together {
		return a.signed
	}
	return nil
}

func (e *edition) encode(key *keys.Private, from uint64, part string, asOf time.Time) (*answer, error) {
	records, next, ok := e.changes.from(from)
	if !ok {
		return nil, errGone
	}
	encoded := make([]byte, 0, len(records)*maxRecord)
	for i := range records {
		encoded = records[i].append(encoded)
	}
	s, err := e.sign(key, claims{
		Answer: laterChanges, AsOf: asOf.UnixMicro(), After: part, Cursor: e.handler.cursors.text(e.at(next), asOf.UnixMicro()), Count: len(records),
	}, encoded)
	if err != nil {
		return nil, err
	}
	return &answer{s, next, asOf, e.handler.list.now()}, nil
}

func (e *edition) keep(part string, a *answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	size := len(a.records)
	maps.DeleteFunc(e.answers, func(_ string, old *answer) bool {
		size += len(old.records)
		return a.made.Sub(old.made) > 2*anew
	})
	if size > maxAnswers {
		clear(e.answers)
	}
	e.answers[part] = a
}
