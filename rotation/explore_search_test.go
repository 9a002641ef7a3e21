package rotation_test

import (
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
	"time"
)

// A move leads from one state of a model to the next. A bad move is what must not happen.
type move struct {
	what string
	i    int    // which request, jar copy or token
	late int    // how far the clock of the node that answers is ahead
	note string // what came of it
	bad  string
}

func (m move) String() string {
	text := fmt.Sprintf("%s %d", m.what, m.i)
	if m.late > 0 {
		text += fmt.Sprintf(", clock +%d", m.late)
	}
	if m.note != "" {
		text += ": " + m.note
	}
	if m.bad != "" {
		text += "  <- " + m.bad
	}
	return text
}

// A model gives the moves from a state. States are in canonical form.
type model[S comparable] interface {
	start() S
	moves(s S, emit func(move, S))
}

// space holds every state once, in the order of their discovery.
type space[S comparable] struct {
	chunks [][]S
	from   []uint32 // the state from which each was first reached
	table  []uint32 // open addressing: number of the state + 1
	seed   maphash.Seed
}

const chunk = 1 << 12

func newSpace[S comparable]() *space[S] {
	return &space[S]{table: make([]uint32, 1<<12), seed: maphash.MakeSeed()}
}

func (sp *space[S]) len() int      { return len(sp.from) }
func (sp *space[S]) at(i uint32) S { return sp.chunks[i/chunk][i%chunk] }
func (sp *space[S]) slot(s S) (slot uint64, found bool) {
	mask := uint64(len(sp.table) - 1)
	for h := maphash.Comparable(sp.seed, s) & mask; ; h = (h + 1) & mask {
		if n := sp.table[h]; n == 0 || sp.at(n-1) == s {
			return h, n != 0
		}
	}
}

func (sp *space[S]) add(s S, from uint32) {
	slot, found := sp.slot(s)
	if found {
		return
	}
	n := len(sp.from)
	if n%chunk == 0 {
		sp.chunks = append(sp.chunks, make([]S, 0, chunk))
	}
	last := &sp.chunks[n/chunk]
	*last = append(*last, s)
	sp.from = append(sp.from, from)
	sp.table[slot] = uint32(n) + 1
	if 2*len(sp.from) > len(sp.table) {
		sp.table = make([]uint32, 2*len(sp.table))
		for i := range sp.len() {
			slot, _ := sp.slot(sp.at(uint32(i)))
			sp.table[slot] = uint32(i) + 1
		}
	}
}

// result is what a search found.
type result struct {
	states   int
	complete bool     // every reachable state was visited
	trace    []string // a shortest way to a bad move; nil: none
}

// search visits states breadth first, at most limit of them, until a bad move.
func search[S comparable](t *testing.T, m model[S], limit int) result {
	t.Helper()
	sp, began := newSpace[S](), time.Now()
	sp.add(m.start(), 0)
	var r result
	i := 0
	for ; i < sp.len() && i < limit && r.trace == nil; i++ {
		m.moves(sp.at(uint32(i)), func(mv move, s S) {
			if mv.bad == "" {
				sp.add(s, uint32(i))
			} else if r.trace == nil {
				r.trace = append(sp.trace(m, uint32(i)), mv.String())
			}
		})
	}
	r.states, r.complete = i, i == sp.len() && r.trace == nil
	t.Logf("%d states visited of %d found in %v, complete: %v", i, sp.len(), time.Since(began).Round(time.Millisecond), r.complete)
	return r
}

// trace is the way to a state.
func (sp *space[S]) trace(m model[S], i uint32) []string {
	if i == 0 {
		return nil
	}
	from := sp.from[i]
	way, to := sp.trace(m, from), sp.at(i)
	found := false
	m.moves(sp.at(from), func(mv move, s S) {
		if !found && mv.bad == "" && s == to {
			way, found = append(way, mv.String()), true
		}
	})
	return way
}

func (r result) String() string { return "\n\t" + strings.Join(r.trace, "\n\t") }
