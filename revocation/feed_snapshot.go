package revocation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"
)

const (
	// readers is how many pages are fetched at a time.
	readers = 4
	// behind is how often a node that is behind another is asked whether it is not any more.
	behind      = 5
	behindPause = time.Second
)

// collected is what is known of a snapshot of which not all pages are there yet. They may come from
// several nodes, and the whole is as of the one that is furthest behind.
type collected struct {
	first   claims
	key     *blinding
	missing map[int]bool
	asOf    int64
	time    string // the part of a cursor that says as of when
	place   string // at the node that all are from; empty: they are from several
	count   int
}

func collect(first claims, limit int) (*collected, error) {
	key, err := first.blinding()
	switch {
	case err != nil:
		return nil, err
	case first.Pages < 1 || first.Pages > maxPages:
		return nil, fmt.Errorf("it has %d pages, 1 to %d allowed", first.Pages, maxPages)
	case first.Count > limit:
		return nil, fmt.Errorf("it has %d entries, %d allowed: see to MaxEntries", first.Count, limit)
	}
	c := &collected{first: first, key: key, missing: map[int]bool{}, asOf: first.AsOf}
	c.place, c.time = cutTime(first.Cursor)
	for page := range first.Pages {
		c.missing[page] = true
	}
	return c, nil
}

// page takes one, each once.
func (c *collected) page(p claims, records []byte, limit int) error {
	switch {
	case p.Pages != c.first.Pages || !c.missing[p.Page]:
		return errors.New("it is another page")
	case p.KeyID != c.key.id:
		return errors.New("its key of digests is another now")
	case p.Count > len(records):
		return errRecord
	case c.count+p.Count > limit:
		return fmt.Errorf("it has over %d entries: see to MaxEntries", limit)
	}
	delete(c.missing, p.Page)
	c.count += p.Count
	place, when := cutTime(p.Cursor)
	c.place = earlier(c.place, place) // a node may have made its snapshot anew meanwhile
	if p.AsOf < c.asOf {
		c.asOf, c.time = p.AsOf, when
	}
	return nil
}

// stand is where one stands who has all pages.
func (c *collected) stand() stand {
	s := stand{c.key, time.UnixMicro(c.asOf), c.time}
	if c.place != "" {
		s.cursor = c.place + "." + c.time
	}
	return s
}

// whole takes a snapshot, and what came since it was made.
func (f *Feed) whole(ctx context.Context, add func(Entry)) (stand, error) {
	body, err := f.get(ctx, nil, 0, maxHead)
	if err != nil {
		return stand{}, err
	}
	first, records, err := f.verifier.open(body, snapshotBegins)
	if err == nil && len(records) > 0 {
		err = errRecord
	}
	if err != nil {
		return stand{}, err
	}
	c, err := collect(first, f.config.MaxEntries)
	if err != nil {
		return stand{}, err
	}
	draft := f.draft(body)
	defer draft.discard()
	if err := f.pages(ctx, c, draft, add); err != nil {
		return stand{}, err
	}
	f.keep(draft.commit(c.stand()))
	return f.catchUp(ctx, c.stand(), add)
}

// catchUp has the list know no less than it did before the snapshot.
func (f *Feed) catchUp(ctx context.Context, at stand, add func(Entry)) (stand, error) {
	_, last := f.told()
	for try := 0; ; try++ {
		c, entries, err := f.changes(ctx, at, 0)
		switch {
		case errors.Is(err, errPassed) && try < asksOthers-1:
			if err := pause(ctx, rand.N(firstRetry)); err != nil {
				return stand{}, err
			}
			continue
		case errors.Is(err, ErrGap):
			return stand{}, errUnfollowed
		case err != nil && at.asOf.Before(last):
			return stand{}, err
		case err != nil:
			return at, nil // the snapshot is good, and what follows is asked for again
		}
		for _, e := range entries {
			add(e)
		}
		if at = at.after(c); !at.asOf.Before(last) {
			return at, nil
		}
		if try == behind {
			return stand{}, errRollback
		}
		if err := pause(ctx, behindPause); err != nil {
			return stand{}, err
		}
	}
}

// pages fetches those that are missing, and adds their entries.
func (f *Feed) pages(ctx context.Context, c *collected, draft *draft, add func(Entry)) error {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		body []byte
		err  error
	}
	wanted, results := make(chan int), make(chan result)
	var fetching sync.WaitGroup
	defer fetching.Wait()
	defer cancel()
	for range min(readers, c.first.Pages) {
		fetching.Go(func() {
			for page := range wanted {
				body, err := f.get(ctx, url.Values{"page": {pageText(page, c.first.Pages)}}, 0, maxHead+maxPageSize)
				select {
				case results <- result{body, err}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	fetching.Go(func() {
		defer close(wanted)
		for page := range c.first.Pages {
			select {
			case wanted <- page:
			case <-ctx.Done():
				return
			}
		}
	})
	for len(c.missing) > 0 {
		var r result
		select {
		case r = <-results:
		case <-ctx.Done():
			return ctx.Err()
		}
		if r.err != nil {
			return r.err
		}
		if err := f.takePage(c, r.body, add); err != nil {
			return err
		}
		draft.add(r.body)
	}
	return nil
}

// takePage checks a page and adds its entries. Which of those that are missing it is does not matter.
func (f *Feed) takePage(c *collected, body []byte, add func(Entry)) error {
	p, records, err := f.verifier.open(body, snapshotPage)
	if err != nil {
		return err
	}
	if err := c.page(p, records, f.config.MaxEntries); err != nil {
		return err
	}
	return cutRecords(records, p.Count, func(r *record) { add(r.entry()) })
}
