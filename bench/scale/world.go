package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// world is a simulation. Times are in ns from its beginning.
type world struct {
	setup
	costs
	random *rand.Rand
	now    int64
	events queue
	all    []*issuer
	nodes  []node
	log    []commit
	begin  int64 // of what is measured
	end    int64
	cache  cache

	probes               []int64 // when each was written
	knows                [][]bool
	result               result
	delays, loads, added []float64

	rekeyed        bool   // who has no snapshot from then on has to take one
	base, atReturn totals // when measuring began, and when the issuers came back
	last           struct {
		at int64
		totals
	}
}

type commit struct {
	at    int64
	is    int32
	probe int32 // -1: none
}

// node is an API node that follows, with what its Feed and its List do.
type node struct {
	places   []placed // the latest first
	asOf     int64
	asked    int64
	deadline int64
	turn     int32
	waits    bool
	open     bool // it has a connection
	phase    phase
	oneWay   int64
	rate     float64
	in       reply

	jobs []*job

	// of a snapshot
	count, pages    int
	wanted, missing int // pages: not asked for, not there yet
	reached         int // requests for pages that got there
	tries           int // to go on from it
	from            int32
	at              part // where it leads to at the issuer from, if all of it is from there
	snapAsOf        int64
	since           int64 // when the node began to try
	renewed         bool  // it has taken one

	fails, passed int // in a row: requests that failed, and those that were answered with 410
}

type phase uint8

const (
	follows phase = iota
	manifests
	pages
	catches
)

// of what issuer pages are.
const (
	none    = -1
	several = -2
)

type placed struct {
	is, instance int32
	position     int64
}

// reply is what is on its way to a node.
type reply struct {
	status         int // 200, 410, 503
	is, instance   int32
	from, position int64
	asOf           int64
	after          time.Duration // Retry-After of a 503
}

// result is what a run has shown.
type result struct {
	setup
	delay, load, added quantiles // s: from logout to refusal, of each node; until a snapshot was there; how old it was in a cache
	requests           float64   // a second and issuer node, as are these
	bytes              float64
	encodes            float64
	cores              float64
	wasted             float64 // bytes a second
	signing            float64 // part of the time in which an issuer node encodes and signs
	reconnects         float64 // TLS handshakes a second
	nodeBytes          float64 // a second that a node takes in
	peak               float64 // requests in the worst second, all issuer nodes
	ages               series  // of the oldest list
	fresh              series  // part of the nodes within MaxStale
	traffic            series  // bytes a second, all issuer nodes
	recovered          float64 // s after the issuers came back until 99 % are fresh; -1: not
	taken              int     // snapshots that were taken
	failed             int     // that were given up
	minute             float64 // bytes in the minute after they came back
	gone               int64
	refused            int64
	hits, missed       int64
}

type series struct{ x, y []float64 }

func (s *series) add(x, y float64) { s.x, s.y = append(s.x, x), append(s.y, y) }

func newWorld(s setup, c costs) *world {
	w := &world{
		setup: s, costs: c, random: rand.New(rand.NewPCG(s.seed, 0)), nodes: make([]node, s.nodes),
		begin: int64(s.first), end: int64(s.first + s.length),
	}
	if w.pause == 0 {
		w.pause = feedPause
	}
	if w.round == 0 {
		w.round = together
	}
	if w.admit == 0 {
		w.admit = maxSnapshots
	}
	for i := range s.issuers {
		is := &issuer{instance: int32(i), answers: map[part]*answer{}, began: math.MinInt64 / 2}
		is.link.rate = min(s.network.issuer, s.cores*1e9/c.sent) / 1e9
		w.all = append(w.all, is)
		w.plan(w.random.Int64N(int64(pollPause)), looks, int32(i))
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		n.oneWay, n.rate = int64(s.near)+w.random.Int64N(int64(s.far-s.near)+1), s.own/1e9
		if float64(i) < s.slow*float64(s.nodes) {
			n.oneWay, n.rate = int64(s.slowTime), s.slowOwn/1e9
		}
		n.open = true
		for j := range w.all {
			n.places = append(n.places, placed{int32(j), int32(j), 0})
		}
		w.planNode(w.random.Int64N(int64(time.Second)), asks, i, 0)
	}
	if s.rate > 0 {
		w.plan(w.gap(), logout, 0)
	}
	w.plan(w.begin, turns, 0)
	w.plan(w.begin, samples, 0)
	return w
}

func (w *world) gap() int64 { return int64(w.random.ExpFloat64() / w.rate * 1e9) }

func (w *world) plan(at int64, e what, who int32) {
	w.events.push(event{at: max(at, w.now), what: e, who: who})
}

func (w *world) planNode(at int64, e what, n int, is int32) {
	w.events.push(event{at: max(at, w.now), what: e, who: int32(n), turn: w.nodes[n].turn, is: is})
}

// run is the whole simulation.
func (w *world) run() *result {
	w.result.setup = w.setup
	for {
		e, ok := w.events.pop()
		if !ok || e.at > w.end {
			break
		}
		w.now = e.at
		w.happens(e)
	}
	w.finish()
	return &w.result
}

func (w *world) happens(e event) {
	switch e.what {
	case logout:
		w.logout()
	case looks, hears, idles:
		w.store(e)
	case shows:
		if is := w.all[e.who]; is.planned {
			is.planned = false
			if !is.down {
				w.show(int(e.who))
			}
		}
	case signed:
		w.signed(int(e.who))
	case moves:
		w.sent(e)
	case samples:
		w.sample()
		w.plan(w.now+int64(time.Second)/4, samples, 0)
	case turns:
		w.turns(e)
	default:
		if w.nodes[e.who].turn == e.turn {
			w.node(e)
		}
	}
}

// node is what happens to one who follows.
func (w *world) node(e event) {
	i, is := int(e.who), int(e.is)
	n := &w.nodes[i]
	switch e.what {
	case asks:
		w.ask(i)
	case comes:
		w.all[is].requests++
		if !w.fromCache(i, is) {
			w.serve(i, is)
		}
	case waited:
		if n.waits && n.deadline != 0 {
			n.waits = false
			w.serve(i, is)
		}
	case gets:
		w.take(i)
	case late:
		w.tooLate(i)
	case lost:
		w.lose(i)
	case starts:
		w.send(i, begins, 0)
	case begins:
		w.all[is].requests++
		w.manifest(i, is)
	case page:
		w.all[is].requests++
		w.page(i, is)
	case pageIn:
		w.pageIn(i)
	case back:
		w.send(i, comes, 0)
	}
}

// logout happens at some issuer node, whose list has it at once.
func (w *world) logout() {
	w.plan(w.now+w.gap(), logout, 0)
	i := w.random.IntN(len(w.all))
	if w.all[i].down {
		return // nobody can sign out
	}
	c := commit{w.now, int32(i), -1}
	if measured := w.now >= w.begin && w.now < w.begin+int64(w.probing()); measured && len(w.probes) < 100 &&
		w.random.Float64()*w.rate*w.probing().Seconds() < 100 {
		c.probe = int32(len(w.probes))
		w.probes = append(w.probes, w.now)
		w.knows = append(w.knows, make([]bool, len(w.nodes)))
	}
	w.log = append(w.log, c)
	w.enter(i, c)
	for j, is := range w.all {
		if is.waiting {
			is.waiting = false
			is.look++
			w.events.push(event{at: w.now + int64(w.hint), what: looks, who: int32(j), turn: is.look})
		}
	}
}

// enter puts an entry into an issuer's ring.
func (w *world) enter(i int, c commit) {
	is := w.all[i]
	if c.probe >= 0 {
		is.probes = append(is.probes, probeAt{int64(len(is.ring)), c.probe})
	}
	is.ring = append(is.ring, w.now)
	if !is.planned {
		is.planned = true
		w.plan(max(w.now+int64(gather), is.shownAt+is.length), shows, int32(i))
	}
}

// show begins a round: those who wait hear of what came.
func (w *world) show(i int) {
	is := w.all[i]
	is.clean(w)
	is.shown, is.shownOf, is.shownAt = int64(len(is.ring)), is.asOf, w.now
	is.length = max(int64(w.round), min(int64(longest), int64(len(is.waits))*int64(eachTakes)))
	all := is.waits
	is.waits = nil
	for _, x := range all {
		if n := &w.nodes[x.node]; n.turn == x.turn && n.waits {
			w.serve(int(x.node), i)
		}
	}
}

// store is the loop of an issuer's List.
func (w *world) store(e event) {
	is := w.all[e.who]
	if e.turn != is.look || is.down {
		return
	}
	next := func(at int64, what what) {
		is.look++
		w.events.push(event{at: at, what: what, who: e.who, turn: is.look})
	}
	switch e.what {
	case looks:
		if !is.waiting && is.asked <= is.asOf {
			is.asked = w.now // a poll begins
		}
		if len(w.log) > is.seen {
			next(w.now+int64(w.network.store), hears)
			return
		}
		is.waiting = true
		next(is.asked+int64(pollWait), idles)
	case hears, idles:
		is.waiting = false
		pause := pollPause
		if len(w.log) > is.seen {
			pause = newsPause
		}
		for _, c := range w.log[is.seen:] {
			if c.is != e.who {
				w.enter(int(e.who), c)
			}
		}
		is.seen = len(w.log)
		is.asOf = is.asked
		if is.shown == int64(len(is.ring)) {
			is.shownOf = is.asOf
		}
		next(max(w.now, is.asked+int64(pause)), looks)
	}
}

// turns is what the scenario has happen.
func (w *world) turns(e event) {
	switch {
	case e.who == 1:
		w.comeBack()
		return
	case e.who == 2:
		w.restarts(int(e.turn))
		return
	}
	w.base = w.totals()
	w.result.nodeBytes, w.result.hits, w.result.missed, w.added = 0, 0, 0, nil
	w.delays = w.delays[:0]
	w.rekeyed = w.resnap
	for i := range w.nodes {
		switch {
		case w.resnap:
			w.drop(&w.nodes[i])
			w.nodes[i].turn++
			w.nodes[i].asked = w.now
			w.load(i)
		case float64(i) < w.restart*float64(len(w.nodes)):
			at := w.now + w.random.Int64N(int64(w.length)/2)
			w.events.push(event{at: at, what: turns, who: 2, turn: int32(i)})
		}
	}
	if w.outage.length > 0 {
		w.goDown()
		w.plan(w.begin+int64(w.outage.shown()), turns, 1)
	}
}

// shown is how much of an outage is simulated. The rest of it is more of the same.
func (o outage) shown() time.Duration { return min(o.length, shown) }

const shown = 75 * time.Second

func (w *world) goDown() {
	for _, is := range w.all {
		is.down, is.waits, is.turn, is.making, is.planned = true, nil, nil, nil, false
		is.look++
		is.waiting = false
	}
	for i := range w.nodes {
		n := &w.nodes[i]
		if w.outage.silent {
			n.turn++
			n.open = false
			n.in = reply{status: 503}
			w.planNode(max(n.deadline, w.now), gets, i, 0)
			continue
		}
		n.turn++
		n.open = false
		n.in = reply{status: 503} // the connection is closed
		w.planNode(w.now+n.oneWay, gets, i, 0)
	}
}

func (w *world) comeBack() {
	skipped := int64(w.outage.length - w.outage.shown())
	for i := range w.nodes {
		w.nodes[i].asOf -= skipped
	}
	for i, is := range w.all {
		for at := range is.ring {
			is.ring[at] -= skipped
		}
		is.down, is.asOf, is.asked, is.began = false, w.now, w.now, is.began-skipped
		is.snapshot.count = 0
		is.answers, is.order, is.held = map[part]*answer{}, nil, 0
		if w.outage.forgotten {
			is.instance += int32(len(w.all))
			is.ring, is.shown, is.probes, is.began = nil, 0, nil, w.now
			is.shownAt, is.due, is.sending, is.planned = 0, 0, 0, false
		} else if n := int(w.outage.rate * w.outage.length.Seconds()); n > 0 { // people went on signing out
			for at := range n {
				is.ring = append(is.ring, w.now-int64(w.outage.length)*int64(n-at)/int64(n))
			}
			is.former = n
			is.shown = int64(len(is.ring))
		}
		is.shownOf = is.asOf
		is.seen = len(w.log)
		w.events.push(event{at: w.now, what: looks, who: int32(i), turn: is.look})
	}
	w.atReturn = w.totals()
}

// restarts is a node that knows nothing any more.
func (w *world) restarts(i int) {
	n := &w.nodes[i]
	w.drop(n)
	n.turn++
	n.asOf, n.open, n.places, n.asked = math.MinInt64/2, false, n.places[:0], w.now
	for probe := range w.knows {
		w.knows[probe][i] = true // what it does not know it refuses, until it is ready
	}
	w.load(i)
}

// totals are counted from the beginning.
type totals struct{ requests, bytes, wasted, encodes, handshakes, busy, signing float64 }

func (w *world) totals() (t totals) {
	for _, is := range w.all {
		t.requests += float64(is.requests)
		t.bytes += is.link.sent
		t.wasted += is.link.wasted
		t.encodes += float64(is.encodes)
		t.handshakes += float64(is.handshakes)
		t.busy += is.busy
		t.signing += is.signing
	}
	return t
}

// sample is taken four times a second.
func (w *world) sample() {
	for _, is := range w.all {
		is.link.move(w.now)
	}
	at := float64(w.now-w.begin) / 1e9
	fresh, oldest, now := 0, int64(math.MaxInt64), w.totals()
	for i := range w.nodes {
		if asOf := w.nodes[i].asOf; w.now-asOf <= int64(maxStale) {
			fresh++
		} else if asOf < 0 {
			continue
		}
		oldest = min(oldest, w.nodes[i].asOf)
	}
	r := &w.result
	part := float64(fresh) / float64(len(w.nodes))
	r.fresh.add(at, part)
	r.ages.add(at, float64(w.now-oldest)/1e9)
	if w.last.at < w.now {
		dt := float64(w.now-w.last.at) / 1e9
		r.traffic.add(at, (now.bytes-w.last.bytes)/dt)
		r.peak = max(r.peak, (now.requests-w.last.requests)/dt)
	}
	w.last.at, w.last.totals = w.now, now
	if back := w.begin + int64(w.outage.shown()); w.outage.length > 0 && w.now >= back {
		if part >= 0.99 && r.recovered == 0 {
			r.recovered = float64(w.now-back) / 1e9
		}
		if w.now <= back+int64(time.Minute) {
			r.minute = now.bytes - w.atReturn.bytes
		}
	}
}

func (w *world) finish() {
	r, t := &w.result, w.totals()
	each := w.length.Seconds() * float64(len(w.all))
	r.requests = (t.requests - w.base.requests) / each
	r.bytes = (t.bytes - w.base.bytes) / each
	r.wasted = (t.wasted - w.base.wasted) / each
	r.encodes = (t.encodes - w.base.encodes) / each
	r.reconnects = (t.handshakes - w.base.handshakes) / each
	r.signing = (t.signing - w.base.signing) / 1e9 / each
	r.cores = (t.busy - w.base.busy) / 1e9 / each
	r.nodeBytes /= w.length.Seconds() * float64(len(w.nodes))
	for _, is := range w.all {
		r.gone += is.gone
		r.refused += is.refused
	}
	unseen := 0
	for probe := range w.knows {
		for i := range w.nodes {
			if !w.knows[probe][i] {
				unseen++
			}
		}
	}
	r.delay = quantilesOf(w.delays, unseen)
	r.load = quantilesOf(w.loads, 0)
	r.added = quantilesOf(w.added, 0)
}
