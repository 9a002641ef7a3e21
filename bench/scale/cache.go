package main

import (
	"strconv"
	"time"
)

// tail is an answer to ?after in a cache.
type tail struct {
	reply
	at, until int64
	size      float64
}

// url is what a cache knows a question by: the cursor's whole text.
func (w *world) url(n *node) string {
	if w.tails == rounds {
		return strconv.FormatInt(n.asOf/int64(time.Second), 10)
	}
	var b []byte
	for _, p := range n.places {
		b = strconv.AppendInt(b, int64(p.instance), 36)
		b = strconv.AppendInt(append(b, ','), p.position, 36)
		b = append(b, '.')
	}
	return string(strconv.AppendInt(b, n.asOf, 36))
}

// fromCache answers from a cache, if it can.
func (w *world) fromCache(i, to int) bool {
	n := &w.nodes[i]
	if w.tails == waits || n.phase != follows {
		return false
	}
	t, ok := w.cache.tails[w.url(n)]
	if !ok || w.now >= t.until {
		w.result.missed++
		return false
	}
	w.result.hits++
	w.all[to].requests-- // it did not get there
	w.result.nodeBytes += t.size
	w.added = append(w.added, float64(w.now-t.at)/1e9)
	n.in = t.reply
	w.arrive(i, w.now+n.oneWay+int64(t.size/n.rate), to)
	return true
}

// toCache keeps the answer that a node is about to get.
func (w *world) toCache(n *node, size float64) {
	if w.tails == waits || n.phase != follows {
		return
	}
	if w.cache.tails == nil || len(w.cache.tails) > 1<<16 {
		w.cache.tails = map[string]tail{}
	}
	w.cache.tails[w.url(n)] = tail{n.in, w.now, w.now + int64(changesAge*time.Second), size}
}
