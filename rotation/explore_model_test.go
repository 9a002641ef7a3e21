package rotation_test

import (
	"cmp"
	"slices"

	"github.com/writ-go/writ/rotation"
)

// honest is a client with one jar that several tabs share, and a network, servers and a store that
// fail it. Nobody else has its tokens, so whatever refuses it is a false logout.
//
//   - Up to flights requests are under way. Each may be answered late, lost, answered twice, and
//     overtaken, but is over, answer stored, latency ticks after it was sent.
//   - A crash brings back what the jar held up to flush ticks ago, and loses the answers under way,
//     not the requests.
//   - Each answer is made by some node; clocks differ by up to skew.
//   - A failover brings back the record before its last write, however long ago that was.
//   - After a crash, and at any other time, it may wait as long as it likes.
type honest struct {
	timing
	rule               rule
	flights            int
	crashes, failovers int8
	ahead              int8 // by how much siblings may outnumber the seconds of their generation
	echo               bool // REPEAT sends the presented token back
	exact              bool // do not rename forks: for a rule that counts them
}

// flight is a request under way, its answer, or both.
type flight struct {
	sent    tok // if pending
	answer  tok // if answered
	age     int8
	used    bool
	pending bool // a copy of the request may still reach a server
	waiting bool // the client waits for an answer
	ready   bool // an answer with a token is on its way
}

// copyOf is a token that the jar held until age ticks ago.
type copyOf struct {
	tok  tok
	age  int8
	used bool
}

type world struct {
	record, before     record // before: without the last write
	canFail            bool   // before is set
	jar                tok
	crashes, failovers int8
	sinceGood          int8 // since the client last had an answer; only with an idle time
	flights            [3]flight
	copies             [8]copyOf
}

func (h honest) start() world {
	w := world{record: record{gen: 1, any: true, idleLeft: h.idle}, jar: tok{gen: 1}, crashes: h.crashes, failovers: h.failovers}
	return h.canonical(w)
}

func (h honest) moves(w world, emit func(move, world)) {
	emit(move{what: "tick"}, h.tick(w))
	for i := range h.flights {
		if !w.flights[i].used {
			n := w
			n.flights[i] = flight{sent: w.jar, used: true, pending: true, waiting: true}
			emit(move{what: "send", i: i}, h.canonical(n))
			break
		}
	}
	for i, f := range w.flights {
		if !f.used {
			continue
		}
		n := w
		n.flights[i] = flight{}
		emit(move{what: "lose", i: i}, h.canonical(n))
		if f.pending {
			for late := range h.skew + 1 {
				h.answer(w, i, late, emit)
			}
		}
		if f.ready {
			n := w
			n.store(f.answer)
			n.flights[i].waiting, n.flights[i].ready = false, false
			n.sinceGood = 0
			emit(move{what: "deliver", i: i}, h.canonical(n))
		}
	}
	if w.crashes > 0 {
		h.crash(w, emit)
	}
	if w.canFail {
		n := w
		n.record, n.canFail = w.before, false
		n.failovers--
		emit(move{what: "failover"}, h.canonical(n))
	}
}

// answer has a server process request i. The request may be seen again, and the answer lost.
func (h honest) answer(w world, i int, late int8, emit func(move, world)) {
	f := w.flights[i]
	outcome, next := w.record.decide(h.timing, h.policy(), h.rule, f.sent, late)
	m := move{what: "answer", i: i, late: int(late), note: outcome.String()}
	switch {
	case outcome == rotation.Expired && h.idle > 0 && w.sinceGood >= h.idle-2*h.window-h.skew:
		return // it was idle for so long
	case outcome == rotation.RetryLater && w.record.rotatedAge < h.window:
		return // it may come back later; refused for good, it is locked out
	case outcome == rotation.Expired && (f.ready || f.sent != w.jar):
		return // nothing was written, and the client has or gets a better token
	case !granted(outcome):
		m.bad = "false logout"
		emit(m, w)
		return
	}
	if outcome == rotation.Recover && next.fork > max(0, next.rotatedAge)+h.ahead {
		return // more duplicates than this search looks at
	}
	n := w
	if next != w.record {
		n.before, n.record, n.canFail = w.record, next, true
	}
	tokens := []tok{}
	if outcome == rotation.Rotate || outcome == rotation.Recover {
		tokens = append(tokens, next.token())
	} else {
		n.sinceGood = 0
		if h.echo {
			tokens = append(tokens, f.sent)
		}
	}
	for _, again := range []bool{false, true} {
		n.flights[i].pending = again
		n.flights[i].answer, n.flights[i].ready = f.answer, f.ready
		emit(m, h.canonical(n))
		for _, t := range tokens {
			if f.waiting {
				n.flights[i].answer, n.flights[i].ready = t, true
				emit(m, h.canonical(n))
			}
		}
	}
}

func (h honest) crash(w world, emit func(move, world)) {
	for i := range w.flights {
		w.flights[i].waiting, w.flights[i].ready = false, false
	}
	w.crashes--
	copies := w.copies
	w.copies = [len(copies)]copyOf{}
	emit(move{what: "crash, the jar as it was,"}, h.canonical(w))
	for i, c := range copies {
		if c.used {
			w.jar = c.tok
			emit(move{what: "crash back to copy", i: i}, h.canonical(w))
		}
	}
}

// store puts a token in the jar.
func (w *world) store(t tok) {
	if t == w.jar {
		return
	}
	old := copyOf{tok: w.jar, used: true}
	w.jar = t
	free := -1
	for i, c := range w.copies {
		switch {
		case !c.used && free < 0:
			free = i
		case c.used && c.tok == old.tok:
			w.copies[i] = old
			return
		}
	}
	w.copies[free] = old // out of range if there are more copies than the model foresees
}

func (h honest) tick(w world) world {
	w.numbers().tick(h.timing)
	for i := range w.flights {
		if w.flights[i].age++; w.flights[i].age > h.latency {
			w.flights[i] = flight{}
		}
	}
	for i := range w.copies {
		if w.copies[i].age++; w.copies[i].age > h.flush {
			w.copies[i] = copyOf{}
		}
	}
	w.sinceGood = min(w.sinceGood+1, h.idle)
	return h.canonical(w)
}

// canonical gives states that behave alike one form.
func (h honest) canonical(w world) world {
	if h.idle == 0 {
		w.sinceGood = 0
	}
	if w.canFail = w.canFail && w.failovers > 0 && w.before != w.record; !w.canFail {
		w.before = record{}
	}
	for i := range w.flights {
		f := &w.flights[i]
		if !f.waiting || !f.ready {
			f.answer, f.ready = tok{}, false
		}
		if !f.pending {
			f.sent, f.waiting = tok{}, f.ready
		}
		if !f.pending && !f.ready {
			*f = flight{}
		}
	}
	for i, c := range w.copies {
		if w.crashes == 0 || c.tok == w.jar {
			w.copies[i] = copyOf{}
		}
	}
	if !h.exact {
		w.numbers().canonical()
	}
	slices.SortFunc(w.flights[:], compareFlights)
	slices.SortFunc(w.copies[:], compareCopies)
	return w
}

// numbers finds all numbers of a canonical state.
func (w *world) numbers() numbers {
	n := numbers{records: []*record{&w.record}, tokens: []*tok{&w.jar}}
	if w.canFail {
		n.records = append(n.records, &w.before)
	}
	for i := range w.flights {
		if w.flights[i].pending {
			n.tokens = append(n.tokens, &w.flights[i].sent)
		}
		if w.flights[i].ready {
			n.tokens = append(n.tokens, &w.flights[i].answer)
		}
	}
	for i := range w.copies {
		if w.copies[i].used {
			n.tokens = append(n.tokens, &w.copies[i].tok)
		}
	}
	return n
}

func compareFlights(a, b flight) int {
	flags := func(f flight) int {
		n := 0
		for i, set := range []bool{!f.used, f.pending, f.waiting, f.ready} { // unused ones last
			if set {
				n += 8 >> i
			}
		}
		return n
	}
	return cmp.Or(flags(a)-flags(b), int(a.age)-int(b.age), compareTokens(a.sent, b.sent), compareTokens(a.answer, b.answer))
}

func compareCopies(a, b copyOf) int {
	if a.used != b.used {
		if a.used {
			return -1
		}
		return 1
	}
	return cmp.Or(compareTokens(a.tok, b.tok), int(a.age)-int(b.age))
}

func compareTokens(a, b tok) int { return cmp.Or(int(a.gen)-int(b.gen), int(a.fork)-int(b.fork)) }
