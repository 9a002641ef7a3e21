package main

import (
	"math"
	"time"
)

// load begins to take a snapshot.
func (w *world) load(i int) {
	n := &w.nodes[i]
	n.turn++
	if n.since == 0 {
		n.since = w.now
	}
	n.phase, n.snapAsOf, n.from, n.at = manifests, math.MaxInt64, none, part{}
	at := w.now
	if w.jitter > 0 {
		at += w.random.Int64N(int64(w.jitter))
	}
	n.deadline = at + int64(timeout)
	w.planNode(at, starts, i, 0)
}

// latest is Handler.latestSnapshot: when it is there.
func (w *world) latest(to int) (ready int64) {
	is := w.all[to]
	s := &is.snapshot
	age := math.Inf(1)
	if s.count > 0 {
		age = max(2*float64(is.shown-s.position)/maxChanges, float64(w.now-s.made)/float64(snapshotAge))
	}
	if age < 0.5 || s.ready > w.now {
		return max(w.now, s.ready)
	}
	// What has expired since the beginning is left in: it is little, in these minutes.
	s.count = w.live + len(is.ring) - is.former
	took := w.build * float64(s.count)
	is.snapshots++
	is.busy += took
	s.position, s.asOf, s.made, s.ready = is.shown, is.asOf, w.now, w.now+int64(took)
	return s.ready
}

// cache is between nodes and issuers. While it has an answer it asks nobody, and while it asks, one
// question is enough.
type cache struct {
	manifest cached
	tails    map[string]tail
	pages    [maxPages]cached
}

type cached struct {
	until          int64
	is             int32
	count          int
	position, asOf int64
}

// part is what an answer about a snapshot says, from the cache if there is one.
func (w *world) part(of *cached, age time.Duration, to int) (c cached, hit bool, ready int64) {
	if w.cached && w.now < of.until {
		w.result.hits++
		w.all[to].requests-- // it did not get there
		return *of, true, w.now
	}
	ready = w.latest(to)
	s := &w.all[to].snapshot
	c = cached{ready + int64(age), int32(to), s.count, s.position, s.asOf}
	if w.cached {
		w.result.missed++
		*of = c
	}
	return c, false, ready
}

// refuses reports whether an issuer is down, or has no list that is fresh, and says so.
func (w *world) refuses(i, to int) bool {
	is := w.all[to]
	if is.down {
		return true
	}
	early := w.patient && is.asOf-int64(skew+slack) <= is.began
	full := w.admit > 0 && w.nodes[i].phase == manifests && is.link.busy >= w.admit
	if w.now-is.asOf <= int64(maxStale) && !early && !full {
		return false
	}
	is.refused++
	w.nodes[i].in = reply{status: 503}
	w.planNode(w.work(to, w.reuse)+w.nodes[i].oneWay, gets, i, int32(to))
	return true
}

// manifest is the answer to no query.
func (w *world) manifest(i, to int) {
	if w.refuses(i, to) {
		return
	}
	n, is := &w.nodes[i], w.all[to]
	c, hit, ready := w.part(&w.cache.manifest, changesAge*time.Second, to)
	if !hit {
		ready = max(ready, w.work(to, w.reuse))
		is.link.sent += w.answerBytes
	}
	n.count, n.pages = c.count, 1
	for n.pages < maxPages && n.count > n.pages*pageRecords {
		n.pages *= 2
	}
	n.in = reply{status: 200}
	w.planNode(ready+n.oneWay, gets, i, int32(to))
}

// fetchAll asks for the first pages, of which one goes over the connection that is there.
func (w *world) fetchAll(i int) {
	n := &w.nodes[i]
	n.phase = pages
	n.missing = n.pages
	if w.keep {
		n.missing = max(0, n.pages-n.got)
	}
	n.wanted, n.reached = n.missing, n.pages-n.missing
	if n.missing == 0 {
		w.whole(i)
	}
	for k := range min(readers, n.missing) {
		n.wanted--
		w.send(i, page, min(k, 1))
	}
}

// page is the answer to a request for one.
func (w *world) page(i, to int) {
	if w.refuses(i, to) {
		return
	}
	n := &w.nodes[i]
	c, hit, ready := w.part(&w.cache.pages[n.reached], pageAge*time.Second, to)
	n.reached++
	n.snapAsOf = min(n.snapAsOf, c.asOf)
	switch at := (part{true, c.position}); {
	case n.from == none:
		n.from, n.at = c.is, at
	case n.from != c.is || n.at != at:
		n.from, n.at = several, part{}
	}
	size := w.answerBytes + float64(n.count)*w.recordBytes/float64(n.pages)
	w.result.nodeBytes += size
	if !hit {
		w.work(to, w.reuse+w.costs.sent*size)
	}
	if !w.cached {
		w.transfer(i, to, size, w.now-n.oneWay+int64(timeout))
		return
	}
	if !hit {
		w.all[to].link.sent += size
	}
	// A cache is as fast as the node's own link.
	took := int64(size * float64(min(readers, n.missing)) / n.rate)
	if e := pageIn; took < int64(timeout) {
		w.planNode(ready+n.oneWay+took, e, i, int32(to))
	} else {
		w.planNode(w.now+int64(timeout), lost, i, int32(to))
	}
}

// pageIn is when a page is there.
func (w *world) pageIn(i int) {
	n := &w.nodes[i]
	n.missing--
	n.got++
	switch {
	case n.wanted > 0:
		n.wanted--
		w.send(i, page, 0)
	case n.missing == 0:
		w.whole(i)
	}
}

// whole is a node that has all pages, and asks what came since. It has put the others into its list while
// it waited for the last.
func (w *world) whole(i int) {
	n := &w.nodes[i]
	n.turn++
	n.phase, n.waits = catches, false
	at := w.now + int64(w.costs.take*float64(n.count)/float64(n.pages))
	n.asked, n.deadline = at, at+int64(timeout)
	w.planNode(at, back, i, 0)
}
