package main

import (
	"container/heap"
	"slices"
	"time"
)

// link sends several things at a time. Each gets a share by its weight, as TCP gives more to those who are
// near.
type link struct {
	rate   float64 // bytes a ns
	level  float64 // bytes that a thing of weight 1 would have got so far
	at     int64   // as of when
	weight float64 // of all that is on its way
	jobs   jobs
	sent   float64 // bytes
	wasted float64 // of those, what nobody took in the end
	busy   int     // how many jobs
	turn   int32   // of what is planned
	free   int64   // when the small answers are sent, which go one after the other
}

// job is something on its way to a node.
type job struct {
	node, turn int32
	is         int
	begun      int64
	deadline   int64 // for the node
	size       float64
	weight     float64
	until      float64 // the level at which it is there
	since      float64 // the level when it began
	dropped    bool
	page       bool // of a snapshot
}

type jobs []*job

func (j jobs) Len() int           { return len(j) }
func (j jobs) Less(a, b int) bool { return j[a].until < j[b].until }
func (j jobs) Swap(a, b int)      { j[a], j[b] = j[b], j[a] }
func (j *jobs) Push(x any)        { *j = append(*j, x.(*job)) }
func (j *jobs) Pop() any {
	last := len(*j) - 1
	x := (*j)[last]
	*j = (*j)[:last]
	return x
}

func (l *link) move(now int64) {
	if l.weight > 1e-9 {
		l.level += float64(now-l.at) * l.rate / l.weight
		l.sent += float64(now-l.at) * l.rate
	}
	l.at = now
}

func (l *link) begin(now int64, j *job) {
	l.move(now)
	j.since, j.until = l.level, l.level+j.size/j.weight
	l.weight += j.weight
	l.busy++
	heap.Push(&l.jobs, j)
}

// drop ends a job that nobody waits for any more.
func (l *link) drop(now int64, j *job) {
	if j.dropped || j.until <= j.since {
		return
	}
	l.move(now)
	j.dropped = true
	l.busy--
	l.weight -= j.weight
	got := min(j.size, (l.level-j.since)*j.weight)
	l.wasted += got
}

// next is when the next job is done; not ok: there is none.
func (l *link) next() (at int64, ok bool) {
	for len(l.jobs) > 0 && l.jobs[0].dropped {
		heap.Pop(&l.jobs)
	}
	if len(l.jobs) == 0 {
		l.weight = 0
		return 0, false
	}
	return l.at + int64(max(0, (l.jobs[0].until-l.level)*l.weight/l.rate)) + 1, true
}

// done is a job that is done now; nil: none.
func (l *link) done(now int64) *job {
	l.move(now)
	if _, ok := l.next(); !ok || l.jobs[0].until > l.level+1e-6 {
		return nil
	}
	j := heap.Pop(&l.jobs).(*job)
	l.weight -= j.weight
	l.busy--
	j.until = j.since // so that it is not dropped any more
	return j
}

// transfer sends a node something large.
func (w *world) transfer(i, to int, size float64, deadline int64) {
	n, is := &w.nodes[i], w.all[to]
	j := &job{
		node: int32(i), turn: n.turn, is: to, begun: w.now, deadline: deadline, page: n.phase == pages,
		size: size, weight: 1e6 / float64(n.oneWay+int64(time.Millisecond)),
	}
	is.link.begin(w.now, j)
	n.jobs = append(n.jobs, j)
	w.planNode(deadline, late, i, int32(to))
	w.watch(to)
}

// watch plans when a link has sent the next thing.
func (w *world) watch(to int) {
	is := w.all[to]
	if at, ok := is.link.next(); ok {
		is.link.turn++
		w.events.push(event{at: at, what: moves, who: int32(to), turn: is.link.turn})
	}
}

// sent is when a link has sent something.
func (w *world) sent(e event) {
	is := w.all[e.who]
	if e.turn != is.link.turn {
		return
	}
	for j := is.link.done(w.now); j != nil; j = is.link.done(w.now) {
		n := &w.nodes[j.node]
		if j.page {
			is.sentPage(w.now)
			j.page = false
		}
		if n.turn != j.turn {
			continue
		}
		// It is there no sooner than the node's own link can take it, beside the others.
		at := max(w.now, j.begun+int64(j.size*float64(len(n.jobs))/n.rate)) + n.oneWay
		n.jobs = slices.DeleteFunc(n.jobs, func(o *job) bool { return o == j })
		e := gets
		if n.phase == pages {
			e = pageIn
		}
		if at > j.deadline {
			e, at = lost, max(w.now, j.deadline)
		}
		w.planNode(at, e, int(j.node), int32(j.is))
	}
	w.watch(int(e.who))
}

// drop ends what is on its way to a node.
func (w *world) drop(n *node) {
	for _, j := range n.jobs {
		w.all[j.is].link.drop(w.now, j)
		if j.page {
			w.all[j.is].sentPage(w.now)
			j.page = false
		}
		w.watch(j.is)
	}
	n.jobs = n.jobs[:0]
}

// tooLate is when the time for something has passed.
func (w *world) tooLate(i int) {
	n := &w.nodes[i]
	if slices.ContainsFunc(n.jobs, func(j *job) bool { return j.deadline <= w.now }) {
		w.lose(i)
	}
}

func (w *world) lose(i int) {
	w.nodes[i].open, w.nodes[i].in = false, reply{status: 503}
	w.fails(i)
}
