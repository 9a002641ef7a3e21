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
	n.tries, n.deadline = 0, w.now+int64(timeout)
	w.planNode(w.now, starts, i, 0)
}

// latest is Handler.latestSnapshot: when it is there.
func (w *world) latest(to int) (ready int64) {
	is := w.all[to]
	s := &is.snapshot
	age := math.Inf(1)
	if s.count > 0 {
		age = max(2*float64(is.shown-s.position)/maxChanges, float64(w.now-s.made)/float64(snapshotAge))
		for _, since := range []time.Duration{skew + slack, skew + slack + skew} { // of a node that has just begun
			if s.asOf-int64(since) <= is.began && is.asOf-int64(since) > is.began {
				age = 1
			}
		}
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

// refuses reports whether an issuer is down, or has no list that is fresh, or no place for one more
// snapshot, and says so.
func (w *world) refuses(i, to int) bool {
	is := w.all[to]
	if is.down {
		return true
	}
	n := &w.nodes[i]
	in := reply{status: 503, after: time.Second}
	if w.now-is.asOf <= int64(maxStale) {
		if n.phase != manifests || w.cached || is.admits(w.now, w.pagesOf(), w.admit) {
			return false
		}
		in.after += time.Duration(w.random.IntN(3)) * time.Second
	}
	is.refused++
	n.in = in
	w.planNode(w.work(to, w.reuse)+w.nodes[i].oneWay, gets, i, int32(to))
	return true
}

// admits is admission.admit.
func (is *issuer) admits(now int64, pages, most int) bool {
	is.looks(now)
	if is.sending == 0 && now-is.last > int64(absent) {
		is.due = 0
	}
	is.due = min(is.due, (is.viewed[0]+is.viewed[1])*pages)
	if is.due+is.sending > (most-1)*pages {
		return false
	}
	is.due += pages
	is.viewed[0]++
	is.last = now
	return true
}

// looks is admission.turn. No page is on its way here for so long that it counts no longer.
func (is *issuer) looks(now int64) {
	switch age := now - is.looked; {
	case age >= 2*int64(inSight):
		is.viewed, is.looked = [2]int{}, now
	case age >= int64(inSight):
		is.viewed, is.looked = [2]int{0, is.viewed[0]}, now
	}
}

// sends is when a page is asked for, and sent when it has gone, or nobody wants it any more.
func (is *issuer) sends(now int64) {
	is.looks(now)
	is.viewed[0]++
	is.due = max(0, is.due-1)
	is.sending++
}

func (is *issuer) sentPage(now int64) {
	is.sending = max(0, is.sending-1)
	is.last = now
}

// pagesOf is how many pages a snapshot has.
func (w *world) pagesOf() int { return int(pagesOf(float64(w.live))) }

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
	n.wanted, n.reached = n.missing, 0
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
	case n.from == c.is: // which has made it anew meanwhile
		n.at.at = min(n.at.at, at.at)
	default:
		n.from, n.at = several, part{}
	}
	size := w.answerBytes + float64(n.count)*w.recordBytes/float64(n.pages)
	w.result.nodeBytes += size
	if !hit {
		w.work(to, w.reuse+w.costs.sent*size)
	}
	if !w.cached {
		w.all[to].sends(w.now)
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
