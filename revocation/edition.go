package revocation

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/writ-go/writ/keys"
)

// edition is the feed under one key of digests. Where the list is a copy of another feed whose key
// changes, a new edition begins, and nobody goes on with the old one's cursors.
type edition struct {
	handler  *Handler
	naming   *naming
	blinding *blinding
	instance [8]byte
	changes  *changes
	rounds   *rounds

	signing  turn
	catching turn // answers with many changes take longer,
	paging   turn // there are many pages,
	sorting  turn // and snapshots take longest

	mu      sync.Mutex
	answers map[string]*answer // by the part of a cursor that they follow
	kept    int                // bytes of their records
	swept   time.Time          // when the old ones were dropped
	latest  *snapshot          // nil: none
}

func newEdition(h *Handler, n *naming, b *blinding) *edition {
	e := &edition{
		handler: h, naming: n, blinding: b,
		signing: make(turn, 1), catching: make(turn, 1), paging: make(turn, 1), sorting: make(turn, 1), answers: map[string]*answer{},
	}
	rand.Read(e.instance[:]) // never fails
	e.rounds = &rounds{edition: e}
	e.changes = newChanges(h.list.now, h.sizes.changes, e.rounds.came, e.pass)
	return e
}

// pass is how an entry goes to those who follow.
func (e *edition) pass(entry Entry) (r record, ok bool) {
	r = record{entry.Kind, raw{}, entry.Before, secondOf(entry.Expires)}
	switch {
	case entry.Kind == Everything:
		ok = true
	case e.naming.blinded: // the digest stands there already
		r.digest, ok = parseRaw(entry.ID)
	default:
		r.digest, ok = e.blinding.digest(entry.Kind, entry.ID), true
	}
	return r, ok && e.handler.ends(&r)
}

// at is the place of one who has all changes before a position.
func (e *edition) at(position uint64) place { return place{e.instance, position} }

func (e *edition) sign(key *keys.Private, c claims, records []byte) (*signed, error) {
	c.Issuer, c.KeyID = e.handler.config.Issuer, e.blinding.id
	return c.sign(key, records)
}

// turn is held by one at a time.
type turn chan struct{}

// wait calls f in its turn, unless ctx ends before that.
func (t turn) wait(ctx context.Context, f func() error) error {
	select {
	case t <- struct{}{}:
		defer func() { <-t }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try calls f if it is nobody's turn.
func (t turn) try(f func()) {
	select {
	case t <- struct{}{}:
		defer func() { <-t }()
		f()
	default:
	}
}
