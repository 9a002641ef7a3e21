package main

// event is something that happens at a time. Those of one time happen in the order in which they were
// planned, so that a run can be repeated.
type event struct {
	at   int64 // ns
	seq  uint64
	what what
	who  int32 // a node or an issuer
	turn int32 // of a node: an event of a turn that has passed does not count
	is   int32 // an issuer, of a node's event
}

type what uint8

const (
	logout what = iota // somebody signs out
	looks              // an issuer looks into the store
	hears              // and hears what is there
	idles              // and has waited for long enough
	shows              // an issuer shows what has come since the last time
	signed             // an issuer has signed
	moves              // a link has sent something whole
	asks               // a node begins a poll
	comes              // its request is there
	waited             // and has waited for long enough
	gets               // the answer is there
	late               // something large should be there by now
	lost               // it will not be
	starts             // it asks for a snapshot
	begins             // that request is there
	page               // its request for a page is there
	pageIn             // the page is there
	back               // the node goes on with what comes after the snapshot
	samples
	turns // something of the scenario
)

// queue is a heap of events.
type queue struct {
	all []event
	seq uint64
}

func (q *queue) before(i, j int) bool {
	a, b := &q.all[i], &q.all[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (q *queue) push(e event) {
	q.seq++
	e.seq = q.seq
	q.all = append(q.all, e)
	for i := len(q.all) - 1; i > 0; {
		above := (i - 1) / 2
		if !q.before(i, above) {
			break
		}
		q.all[i], q.all[above] = q.all[above], q.all[i]
		i = above
	}
}

func (q *queue) pop() (e event, ok bool) {
	if len(q.all) == 0 {
		return e, false
	}
	e = q.all[0]
	last := len(q.all) - 1
	q.all[0] = q.all[last]
	q.all = q.all[:last]
	for i := 0; ; {
		least := i
		for _, below := range [2]int{2*i + 1, 2*i + 2} {
			if below < last && q.before(below, least) {
				least = below
			}
		}
		if least == i {
			return e, true
		}
		q.all[i], q.all[least] = q.all[least], q.all[i]
		i = least
	}
}
