package revocation

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"iter"
	"runtime"
	"sync"
	"time"
)

const (
	// buckets is into how many parts a snapshot is sorted, by the first 12 bits of digests. A page is
	// some of them in a row.
	buckets     = 1 << 12
	maxPages    = buckets
	pageRecords = 24 << 10
	// maxPageSize is in bytes. A page is half as long at most when a snapshot is made.
	maxPageSize = 1 << 20

	// snapshotAge is when a snapshot is made anew, if anybody asks. The changes of a node that began
	// later than the snapshot cannot follow it.
	snapshotAge = time.Minute
)

// snapshot is the list as it was, in one piece of memory.
type snapshot struct {
	records []byte
	bucket  [buckets + 1]int // where each begins in records; the last is their length
	count   [buckets + 1]int // of the records before each
	at      place
	asOf    int64 // when at was read
	made    time.Time
	pages   int // it is on so many
	former  int // the one before it was on so many; 0: there was none

	mu     sync.Mutex
	signed map[string]*signed // by page; the empty one is for how many there are
}

// snapshot is the answer to no query.
func (h *Handler) snapshot(ctx context.Context) (a *signed, pages int, err error) {
	e, s, err := h.latestSnapshot(ctx)
	if err != nil {
		return nil, 0, err
	}
	a, err = s.answer(ctx, e, "", claims{
		Answer: snapshotBegins, Pages: s.pages, Count: s.count[buckets], Key: base64.RawURLEncoding.EncodeToString(e.blinding.key[:]),
	}, nil)
	return a, s.pages, err
}

// paginate is how many pages s takes: a power of two. The key of the digests is in the feed, so who ends
// sessions of his own can choose which page they are on: the longest counts, too.
func (s *snapshot) paginate(records int) int {
	pages := 1
	for pages < maxPages && (s.count[buckets] > pages*records || s.longest(pages) > maxPageSize/2) {
		pages *= 2
	}
	return pages
}

// longest is how many bytes the longest of so many pages has.
func (s *snapshot) longest(pages int) (size int) {
	for page := range pages {
		from, to := bucketsOf(page, pages)
		size = max(size, s.bucket[to]-s.bucket[from])
	}
	return size
}

func bucketsOf(page, pages int) (from, to int) {
	return page * buckets / pages, (page + 1) * buckets / pages
}

// serves reports whether there are pages of s for one who was told how many there are: by this node lately, or
// by another, whose list is nearly as long. Each costs a signature, so there are none of other numbers.
func (s *snapshot) serves(pages int) bool {
	return pages == s.former || pages >= s.pages/2 && pages <= 2*s.pages
}

// page is the answer to ?page.
func (h *Handler) page(ctx context.Context, page, pages int) (*signed, error) {
	e, s, err := h.latestSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	if !s.serves(pages) {
		return nil, errGone
	}
	from, to := bucketsOf(page, pages)
	records := s.records[s.bucket[from]:s.bucket[to]:s.bucket[to]]
	if len(records) > maxPageSize { // the list has grown since somebody was told how many pages there are
		return nil, errGone
	}
	return s.answer(ctx, e, pageText(page, pages), claims{
		Answer: snapshotPage, Page: page, Pages: pages, Count: s.count[to] - s.count[from],
	}, records)
}

// answer signs each answer once, and again if the issuer signs with another key: the one before may
// leave the key set before the snapshot is made anew.
func (s *snapshot) answer(ctx context.Context, e *edition, name string, c claims, records []byte) (a *signed, err error) {
	key, err := e.handler.config.Keys.Signing()
	if err != nil {
		return nil, err
	}
	if a := s.answered(name, key.ID()); a != nil {
		return a, nil
	}
	err = e.paging.wait(ctx, func() error {
		if a = s.answered(name, key.ID()); a != nil {
			return nil
		}
		c.AsOf, c.Cursor = s.asOf, e.handler.cursors.text(s.at, s.asOf)
		if a, err = e.sign(key, c, records); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.signed[name] = a
		return nil
	})
	return a, err
}

func (s *snapshot) answered(name, kid string) *signed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.signed[name]; a != nil && a.kid == kid {
		return a
	}
	return nil
}

// latestSnapshot is one that changes can follow. Where that will soon be too old, one request makes the
// next, while the others take what is there.
func (h *Handler) latestSnapshot(ctx context.Context) (*edition, *snapshot, error) {
	e, _, err := h.fresh()
	if err != nil {
		return nil, nil, err
	}
	s, age := e.held()
	switch {
	case age >= 1:
		err = e.sorting.wait(ctx, func() error { s, err = e.renew(1); return err })
	case age >= 0.5:
		e.sorting.try(func() {
			if next, err := e.renew(0.5); err == nil { // else the one that is there is good for a while
				s = next
			}
		})
	}
	return e, s, err
}

// held is the latest snapshot and how much of its time it has used up; from 1 on it is too old.
func (e *edition) held() (s *snapshot, age float64) {
	e.mu.Lock()
	s = e.latest
	e.mu.Unlock()
	if s == nil {
		return nil, 1
	}
	// Other nodes that began when this one did cannot go on from its first snapshot. All can from one that is
	// made a while later, and if their clocks differ, from one a while after that.
	began, asOf := e.changes.beganAfter, e.handler.list.AsOf().UnixMicro()
	for _, since := range []int64{e.handler.overlap(), e.handler.overlap() + e.handler.config.Skew.Microseconds()} {
		if began(s.asOf-since) && !began(asOf-since) {
			return s, 1
		}
	}
	// Half the ring is left to those who still read it.
	changed := 2 * float64(e.changes.position()-s.at.position) / float64(e.handler.sizes.changes)
	since := e.handler.list.now().Sub(s.made)
	return s, max(changed, float64(since.Abs())/float64(snapshotAge))
}

// renew makes a snapshot, unless somebody just has.
func (e *edition) renew(age float64) (*snapshot, error) {
	if s, used := e.held(); used < age {
		return s, nil
	}
	now, asOf, err := e.handler.fresh()
	if err != nil {
		return nil, err
	}
	if now != e { // a new key came meanwhile
		return nil, errNotYet
	}
	shown, _ := e.rounds.latest(asOf)
	s := &snapshot{at: e.at(shown.position), asOf: asOf.UnixMicro(), made: e.handler.list.now(), signed: map[string]*signed{}}
	e.sort(s)
	s.pages = s.paginate(e.handler.sizes.page)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.latest != nil {
		s.former = e.latest.pages
	}
	e.latest = s
	return s, nil
}

// sort puts what is in the list into the snapshot. Most of the time goes into digests, so all processors
// help.
func (e *edition) sort(s *snapshot) {
	all := make([]sorted, min(runtime.GOMAXPROCS(0), 4))
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			all[i].take(e, e.handler.list.set.items(i*parts/len(all), (i+1)*parts/len(all)))
		})
	}
	group.Wait()
	size := 0
	for i := range all {
		size += all[i].size
	}
	s.records = make([]byte, 0, size)
	for at := range buckets {
		s.count[at+1] = s.count[at]
		for i := range all {
			s.records = append(s.records, all[i].records[at]...)
			s.count[at+1] += all[i].count[at]
		}
		s.bucket[at+1] = len(s.records)
	}
}

// sorted is a part of a snapshot in the making.
type sorted struct {
	records [buckets][]byte
	count   [buckets]int
	size    int
}

func (s *sorted) take(e *edition, items iter.Seq[*item]) {
	for i := range items {
		r := record{i.kind, i.raw, i.before, i.expires}
		if !e.handler.ends(&r) {
			continue
		}
		if !e.naming.blinded && i.kind != Everything {
			r.digest = e.blinding.digest(i.kind, i.id())
		}
		at := binary.BigEndian.Uint16(r.digest[:]) >> 4 // Everything has none, and stands in the first
		before := len(s.records[at])
		s.records[at] = r.append(s.records[at])
		s.size += len(s.records[at]) - before
		s.count[at]++
	}
}
