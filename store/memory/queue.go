package memory

import (
	"container/heap"
	"iter"
	"time"
)

// queue says what may have expired without looking at everything there is. A key may stand in it
// with an earlier time than its own: take then puts it back. So a row that lives longer with every
// refresh costs nothing here until its first expiry comes.
type queue[K comparable] struct{ items items[K] }

type item[K comparable] struct {
	at  time.Time
	key K
}

// add puts key in the queue, unless it never expires.
func (q *queue[K]) add(at time.Time, key K) {
	if !at.IsZero() {
		heap.Push(&q.items, item[K]{at, key})
	}
}

// tidy makes the queue anew from all keys and their times, if it holds more than twice as many: a key
// whose time is put off and brought forward again and again stands in it many times.
func (q *queue[K]) tidy(n int, all iter.Seq2[K, time.Time]) {
	if len(q.items) <= 2*n+100 {
		return
	}
	q.items = nil
	for key, at := range all {
		q.add(at, key)
	}
}

// due reports whether something may have expired before now.
func (q *queue[K]) due(now time.Time) bool {
	return len(q.items) > 0 && q.items[0].at.Before(now)
}

// take calls drop for at most n keys that may have expired before now. drop returns when the key
// really expires, if it stays.
func (q *queue[K]) take(now time.Time, n int, drop func(K) time.Time) {
	for range n {
		if !q.due(now) {
			return
		}
		key := heap.Pop(&q.items).(item[K]).key
		q.add(drop(key), key)
	}
}

// sooner reports whether the expiry a comes before b.
func sooner(a, b time.Time) bool {
	return !a.IsZero() && (b.IsZero() || a.Before(b))
}

type items[K comparable] []item[K]

func (h items[K]) Len() int           { return len(h) }
func (h items[K]) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h items[K]) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *items[K]) Push(x any)        { *h = append(*h, x.(item[K])) }
func (h *items[K]) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = item[K]{}
	*h = (*h)[:last]
	return x
}
