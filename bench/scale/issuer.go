package main

import "sort"

// issuer is a node of the issuer, with what its Handler and its List do.
type issuer struct {
	instance int32
	down     bool
	began    int64
	asOf     int64
	ring     []int64 // when each change came; a position is an index, and those that fell out stay here
	shown    int64   // the position of the latest round
	shownAt  int64   // when that began
	length   int64   // for how long no other does
	shownOf  int64   // as of when
	planned  bool
	seen     int // how much of the log it has from the store
	asked    int64
	former   int  // changes in the ring that were in the list before, in place of others that have expired
	waiting  bool // for the store
	look     int32
	probes   []probeAt

	answers map[part]*answer
	order   []kept // oldest first
	held    int64  // bytes
	turn    []request
	making  *answer
	waits   []waiter

	snapshot struct {
		position, asOf, made, ready int64
		count                       int
	}
	due, sending int    // pages of snapshots
	viewed       [2]int // in the latest window of admission, and in the one before
	looked       int64  // when the latest began
	last         int64  // when one was begun, or a page sent
	swept        int64  // when old answers were dropped

	ready int64 // when its cores have done what they have to do
	link  link

	requests, encodes, handshakes, refused, gone int64
	snapshots                                    int64
	busy, signing                                float64 // ns of its cores, and of those for answers to ?after
}

type probeAt struct {
	position int64
	probe    int32
}

// part is what an answer follows: a place here, or a time.
type part struct {
	place bool
	at    int64
}

type answer struct {
	part
	from, position int64
	asOf, made     int64
	by             request
}

type kept struct {
	part
	made int64
}

type request struct {
	node, turn int32
	part
	from int64
}

type waiter struct{ node, turn int32 }

// since is changes.since.
func (is *issuer) since(at int64) (position int64, ok bool) {
	reach := is.began
	if out := len(is.ring) - maxChanges; out > 0 {
		reach = max(reach, is.ring[out-1])
	}
	if at <= reach {
		return 0, false
	}
	return int64(sort.Search(len(is.ring), func(i int) bool { return is.ring[i] >= at })), true
}

func (is *issuer) has(position int64) bool {
	return position <= is.shown && int64(len(is.ring))-position <= maxChanges
}

// answered is edition.answered.
func (is *issuer) answered(p part) *answer {
	a := is.answers[p]
	if a == nil {
		return nil
	}
	if a.position == is.shown && is.shownOf-a.asOf < int64(anew) {
		return a
	}
	return nil
}

// keep is edition.keep. That walks over all of them once a second, which is not counted: it is little.
func (is *issuer) keep(a *answer, recordBytes float64) {
	if a.made-is.swept > int64(anew) {
		is.swept = a.made
		for len(is.order) > 0 && a.made-is.order[0].made > int64(anew) {
			old := is.order[0]
			is.order = is.order[1:]
			if b := is.answers[old.part]; b != nil && b.made == old.made {
				is.forget(b, recordBytes)
			}
		}
	}
	size := int64(float64(a.position-a.from) * recordBytes)
	if is.held+size > maxAnswers {
		is.answers, is.order, is.held = map[part]*answer{}, nil, 0
	}
	if b := is.answers[a.part]; b != nil {
		is.forget(b, recordBytes)
	}
	is.answers[a.part] = a
	is.held += size
	is.order = append(is.order, kept{a.part, a.made})
}

func (is *issuer) forget(a *answer, recordBytes float64) {
	is.held -= int64(float64(a.position-a.from) * recordBytes)
	delete(is.answers, a.part)
}
