package main

import "time"

// pick is the issuer that a request goes to; -1: none is there.
func (w *world) pick(i int) int {
	home := i % len(w.all)
	if w.spread {
		home = w.random.IntN(len(w.all))
	}
	for range w.all {
		if !w.all[home].down {
			return home
		}
		home = (home + 1) % len(w.all)
	}
	return -1
}

// send has a request arrive at an issuer, over a new connection if need be.
func (w *world) send(i int, e what, connections int) {
	n := &w.nodes[i]
	is := w.pick(i)
	if is < 0 {
		n.in = reply{status: 503}
		at := w.now + 2*n.oneWay
		if w.outage.silent {
			at = n.deadline
		}
		w.planNode(at, gets, i, 0)
		return
	}
	at := w.now + n.oneWay
	if !n.open || connections > 0 {
		at += 4 * n.oneWay // TCP and TLS 1.3
		w.connect(is, max(1, connections))
		n.open = true
	}
	w.planNode(at, e, i, int32(is))
}

// connect is a balancer's work where there is one.
func (w *world) connect(is, n int) {
	if w.spread {
		return
	}
	w.all[is].handshakes += int64(n)
	w.work(is, w.handshake*float64(n))
}

// work is done by the cores of an issuer, one thing after the other; it returns when.
func (w *world) work(is int, ns float64) int64 {
	s := w.all[is]
	s.busy += ns
	s.ready = max(w.now, s.ready) + int64(ns/w.setup.cores)
	return s.ready
}

// ask begins a poll.
func (w *world) ask(i int) {
	n := &w.nodes[i]
	n.turn++
	n.asked, n.deadline, n.waits = w.now, w.now+int64(feedWait+timeout), w.tails == waits && n.fails == 0
	n.phase = follows
	w.send(i, comes, 0)
}

// again plans the next poll.
func (w *world) again(i int, pause time.Duration) {
	n := &w.nodes[i]
	n.turn++
	w.planNode(max(w.now, n.asked+int64(pause)), asks, i, 0)
}

// serve is Handler.changes.
func (w *world) serve(i, to int) {
	n, is := &w.nodes[i], w.all[to]
	if is.down {
		return // the connection has gone with it
	}
	status, p, from := is.locate(w, n)
	switch {
	case w.now-is.asOf > int64(maxStale):
		status = 503
	case status == 200 && n.waits && is.shown <= from:
		if len(is.waits) >= maxWaiting {
			is.clean(w)
		}
		if len(is.waits) < maxWaiting {
			is.waits = append(is.waits, waiter{int32(i), n.turn})
			w.planNode(n.asked+n.oneWay+int64(feedWait), waited, i, int32(to))
			return
		}
		status = 503
	}
	if status != 200 {
		if status == 410 {
			is.gone++
		} else {
			is.refused++
		}
		n.in = reply{status: status}
		w.planNode(w.work(to, w.reuse)+n.oneWay, gets, i, int32(to))
		return
	}
	n.waits = false
	from = min(from, is.shown)
	if a := is.answered(p); a != nil {
		w.reply(i, to, a, from)
		return
	}
	is.turn = append(is.turn, request{int32(i), n.turn, p, from})
	if is.making != nil {
		w.planNode(n.deadline, lost, i, int32(to))
	}
	if is.making == nil {
		w.sign(to)
	}
}

func (is *issuer) clean(w *world) {
	kept := is.waits[:0]
	for _, x := range is.waits {
		if n := &w.nodes[x.node]; n.turn == x.turn && n.waits {
			kept = append(kept, x)
		}
	}
	is.waits = kept
}

// locate is edition.locate.
func (is *issuer) locate(w *world, n *node) (status int, p part, from int64) {
	asOf := n.asOf
	if w.rekeyed && !n.renewed && n.phase == follows {
		return 410, p, 0
	}
	if w.tails == rounds {
		asOf -= asOf % int64(time.Second)
	}
	if n.phase == catches {
		asOf = n.snapAsOf
		if n.at.place && w.all[n.from] == is && is.has(n.at.at) {
			return 200, n.at, n.at.at
		}
	} else if w.tails != rounds {
		for _, at := range n.places {
			if at.instance == is.instance && is.has(at.position) {
				return 200, part{true, at.position}, at.position
			}
		}
	}
	if from, ok := is.since(asOf - int64(skew+slack)); ok {
		return 200, part{false, asOf}, from
	}
	return 410, p, 0
}

// sign makes the next answer that is not there yet.
func (w *world) sign(to int) {
	is := w.all[to]
	for len(is.turn) > 0 {
		r := is.turn[0]
		is.turn = is.turn[1:]
		if w.nodes[r.node].turn != r.turn {
			continue
		}
		if a := is.answered(r.part); a != nil {
			w.reply(int(r.node), to, a, r.from)
			continue
		}
		a := &answer{part: r.part, from: r.from, position: is.shown, asOf: is.shownOf, by: r}
		is.making = a
		took := w.costs.sign + w.record*float64(a.position-a.from)
		is.busy += took
		is.signing += took
		is.encodes++
		w.plan(w.now+int64(took), signed, int32(to))
		return
	}
}

func (w *world) signed(to int) {
	is := w.all[to]
	a := is.making
	is.making = nil
	if is.down || a == nil {
		return
	}
	a.made = w.now
	is.keep(a, w.recordBytes)
	if w.nodes[a.by.node].turn == a.by.turn {
		w.reply(int(a.by.node), to, a, a.from)
	}
	w.sign(to)
}

// large is from how many bytes on an answer shares the link with others.
const large = 64 << 10

func (w *world) reply(i, to int, a *answer, from int64) {
	n, is := &w.nodes[i], w.all[to]
	n.waits = false
	n.in = reply{status: 200, is: int32(to), instance: is.instance, from: from, position: a.position, asOf: a.asOf}
	size := w.answerBytes + float64(a.position-a.from)*w.recordBytes
	w.toCache(n, size)
	done := w.work(to, w.reuse+w.costs.sent*size)
	w.result.nodeBytes += size
	if size > large {
		w.transfer(i, to, size, n.deadline)
		return
	}
	is.link.sent += size
	is.link.free = max(done, is.link.free) + int64(size/is.link.rate)
	w.arrive(i, is.link.free+n.oneWay+int64(size/n.rate), to)
}

// arrive is the way of a small answer, which the node does not wait for without end.
func (w *world) arrive(i int, at int64, to int) {
	n := &w.nodes[i]
	if at > n.deadline {
		n.in, at = reply{status: 503}, max(w.now, n.deadline)
		n.open = false
	}
	w.planNode(at, gets, i, int32(to))
}

// take is what a node does with an answer: to ?after, or to a request for a snapshot.
func (w *world) take(i int) {
	n := &w.nodes[i]
	w.drop(n)
	switch {
	case n.in.status == 200 && n.phase == manifests:
		w.fetchAll(i)
	case n.in.status == 200:
		w.learns(i, n.in)
		if n.phase == catches {
			w.stands(i)
		}
		n.asOf = max(n.asOf, n.in.asOf)
		n.moves(n.in)
		w.goesOn(i)
	case n.in.status == 410 && n.phase == follows:
		if n.passed++; n.passed < asksOthers {
			w.fails(i)
			return
		}
		n.passed = 0
		w.load(i)
	case n.in.status == 410 && n.phase == catches && n.tries < asksOthers-1:
		n.tries++
		n.turn++
		at := w.now + w.random.Int64N(int64(firstRetry))
		n.asked, n.deadline = at, at+int64(timeout)
		w.planNode(at, back, i, 0)
	case n.phase == catches && n.in.status != 410 && n.asOf <= n.snapAsOf: // the snapshot is good
		w.stands(i)
		w.goesOn(i)
	default:
		w.fails(i)
	}
}

// stands is where a node is that has a snapshot.
func (w *world) stands(i int) {
	n := &w.nodes[i]
	for probe, written := range w.probes {
		switch {
		case written > n.snapAsOf:
		case n.asOf < 0: // it was not ready, and let nothing through
			w.knows[probe][i] = true
		default:
			w.knowsOf(i, probe)
		}
	}
	if n.at.place {
		w.learns(i, reply{is: n.from, position: n.at.at})
	}
	n.asOf, n.renewed = max(n.asOf, n.snapAsOf), true
	n.places = n.places[:0]
	if n.at.place {
		n.places = append(n.places, placed{n.from, w.all[n.from].instance, n.at.at})
	}
}

// goesOn asks for more, after a success.
func (w *world) goesOn(i int) {
	n := &w.nodes[i]
	if n.phase == catches {
		w.result.taken++
		w.loads = append(w.loads, float64(w.now-n.since)/1e9)
		n.since = 0
	}
	n.fails, n.passed = 0, 0
	pause := pollPause
	if n.phase == follows && n.in.position > n.in.from || w.tails != waits {
		pause = w.pause
	}
	n.phase = follows
	w.again(i, pause)
}

func (w *world) fails(i int) {
	n := &w.nodes[i]
	w.drop(n)
	if n.phase != follows {
		w.result.failed++
	}
	if w.pick(i) < 0 {
		n.open = false
	}
	pause := time.Duration(w.random.Int64N(int64(min(firstRetry<<min(n.fails, 8), mostRetry))))
	switch {
	case n.in.status == 410 && n.phase == catches:
		pause = unfollowedPause + time.Duration(w.random.Int64N(int64(retrySpread)))
	case n.in.status == 410:
		pause = time.Duration(w.random.Int64N(int64(firstRetry)))
	case n.in.after > 0 && n.fails == 0:
		pause = min(n.in.after, mostAfter) + time.Duration(w.random.Int64N(int64(retrySpread)))
	}
	n.fails++
	n.phase = follows
	n.turn++
	w.planNode(w.now+int64(pause), asks, i, 0)
}

// moves is where a node stands after an answer.
func (n *node) moves(in reply) {
	for at := range n.places {
		if n.places[at].is == in.is {
			n.places = append(n.places[:at], n.places[at+1:]...)
			break
		}
	}
	n.places = append(n.places, placed{in.is, in.instance, in.position})
}

// learns notes which logouts a node refuses from now on.
func (w *world) learns(i int, in reply) {
	all := w.all[in.is].probes
	for at := len(all) - 1; at >= 0 && all[at].position >= in.from; at-- {
		if p := all[at]; p.position < in.position {
			w.knowsOf(i, int(p.probe))
		}
	}
}

func (w *world) knowsOf(i, probe int) {
	if !w.knows[probe][i] {
		w.knows[probe][i] = true
		w.delays = append(w.delays, float64(w.now-w.probes[probe])/1e9)
	}
}
