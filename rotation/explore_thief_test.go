package rotation_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/writ-go/writ/rotation"
)

// What a thief copied.
const (
	current = iota // the victim's token
	parent         // the token that the victim's token was got with
	both
	unchosen // a sibling whose answer the victim lost, of a generation before the current one
)

// duel is a victim that refreshes now and then, and a thief who copied tokens once and uses what he
// has whenever it helps him. It is bad if he gains anything once he has gone too far.
type duel struct {
	timing
	rule   rule
	loot   int
	losses int8 // answers that the victim loses, before the theft or after it
	period int8 // the victim waits at least so long between two calls
	gap    int8 // and at most so long; 0: as long as it likes
	burst  int8 // by how much siblings may outnumber the ticks of their generation
	bound  int8 // too far: more calls of the victim since the thief's first gain; with a gap: more ticks
}

type siege struct {
	record        record
	jar           tok
	parent, stray tok // of the victim; a zero generation is none
	loot          [5]tok
	stolen, begun bool // the thief has copied; he has gained
	wait, far     int8 // since the victim's last call; since the first gain
	losses        int8
}

func (d duel) start() siege {
	return siege{record: record{gen: 1, any: true}, jar: tok{gen: 1}, losses: d.losses}
}

func (d duel) moves(s siege, emit func(move, siege)) {
	if d.gap == 0 || s.wait < d.gap {
		n := s
		n.numbers().tick(d.timing)
		n.wait = min(n.wait+1, max(d.period, d.gap))
		if d.gap > 0 && n.begun {
			n.far = min(n.far+1, d.bound+1)
		}
		emit(move{what: "tick"}, d.canonical(n))
	}
	if s.wait >= d.period {
		for late := range d.skew + 1 {
			d.call(s, late, emit)
		}
	}
	if loot := d.steal(s); !s.stolen && loot[0].gen > 0 {
		n := s
		n.stolen, n.loot = true, loot
		emit(move{what: "theft of token", i: d.loot}, d.canonical(n))
	}
	for i, t := range s.loot {
		if t.gen == 0 {
			continue
		}
		for late := range d.skew + 1 {
			outcome, next := d.answer(s.record, t, late)
			if !granted(outcome) {
				continue // he knows better
			}
			m := move{what: "thief uses token", i: i, late: int(late), note: outcome.String()}
			if d.loot == unchosen || s.far > d.bound {
				m.bad = "the thief goes on"
			}
			n := s
			n.record, n.begun = next, true
			if outcome != rotation.Repeat {
				n.loot[len(n.loot)-1] = next.token()
			}
			emit(m, d.canonical(n))
		}
	}
}

// call is one refresh of the victim, in an instant: latency is much shorter than its period.
func (d duel) call(s siege, late int8, emit func(move, siege)) {
	outcome, next := s.record.decide(d.timing, d.policy(), d.rule, s.jar, late)
	m := move{what: "victim calls", late: int(late), note: outcome.String()}
	n := s
	n.record, n.wait = next, 0
	if n.begun && d.gap == 0 {
		n.far = min(n.far+1, d.bound+1)
	}
	switch outcome {
	case rotation.Repeat:
		emit(m, d.canonical(n))
	case rotation.Rotate, rotation.Recover:
		if n.losses > 0 {
			lost := n
			lost.losses--
			lost.stray = next.token()
			m.note += ", answer lost"
			emit(m, d.canonical(lost))
			m.note = outcome.String()
		}
		if outcome == rotation.Rotate || s.jar.gen < next.gen {
			n.parent = s.jar
		}
		n.jar = next.token()
		emit(m, d.canonical(n))
	default: // the victim is signed out, and so is the thief
		if !s.stolen {
			m.bad = "false logout"
			emit(m, n)
		}
	}
}

func (d duel) steal(s siege) (loot [5]tok) {
	if s.jar.gen != s.record.gen {
		return loot
	}
	hasParent := s.parent.gen > 0 && s.parent.gen+1 == s.jar.gen
	switch {
	case d.loot == current:
		loot[0] = s.jar
	case d.loot == parent && hasParent:
		loot[0] = s.parent
	case d.loot == both && hasParent:
		loot[0], loot[1] = s.jar, s.parent
	case d.loot == unchosen && s.stray.gen > 0 && s.stray.gen < s.jar.gen:
		loot[0] = s.stray
	}
	return loot
}

// answer is the rule for the thief, with the budget of siblings at the scale of the model. The
// victim is not refused for it: 503 is no answer, so it asks again.
func (d duel) answer(r record, t tok, late int8) (rotation.Outcome, record) {
	outcome, next := r.decide(d.timing, d.policy(), d.rule, t, late)
	if outcome == rotation.Recover && next.fork > max(0, next.rotatedAge)+d.burst {
		return rotation.RetryLater, r
	}
	return outcome, next
}

// canonical drops what does not help the thief: tokens that are refused for good, and of the
// siblings that only he has all but his first and his last.
func (d duel) canonical(s siege) siege {
	var keep []tok
	slices.SortFunc(s.loot[:], compareTokens)
	for i, t := range s.loot {
		if t.gen == 0 || i > 0 && t == s.loot[i-1] {
			continue
		}
		if d.loot != unchosen {
			if outcome, _ := s.record.decide(d.timing, d.policy(), d.rule, t, 0); outcome == rotation.Theft {
				continue
			}
		}
		own := func(t tok) bool { return t.gen == s.record.gen && t != s.jar }
		if n := len(keep); own(t) && n > 1 && own(keep[n-1]) && (own(keep[n-2]) || n > 2 && own(keep[n-3])) {
			keep = keep[:n-1]
		}
		keep = append(keep, t)
	}
	s.loot = [5]tok{}
	copy(s.loot[:], keep)
	if s.stolen || s.parent.gen+1 < s.jar.gen {
		s.parent = tok{}
	}
	if s.stolen || d.loot != unchosen || s.stray.gen+1 < s.record.gen {
		s.stray = tok{}
	}
	if s.jar.gen+2 < s.record.gen { // old is old
		s.jar = tok{gen: s.record.gen - 2}
	}
	s.numbers().canonical()
	return s
}

func (s *siege) numbers() numbers {
	n := numbers{records: []*record{&s.record}}
	tokens := []*tok{&s.jar, &s.parent, &s.stray}
	for i := range s.loot {
		tokens = append(tokens, &s.loot[i])
	}
	for _, t := range tokens {
		if t.gen > 0 {
			n.tokens = append(n.tokens, t)
		}
	}
	return n
}

// req 46
func TestExploreThief(t *testing.T) {
	for _, tt := range []struct {
		name    string
		loot    int
		burst   int8
		calls   int8 // of a victim that calls every two windows or less often
		windows int8 // that pass, with a victim that calls within every window
	}{
		{"the current token", current, 1, 2, 7},
		{"the parent", parent, 1, 1, 5},
		{"both", both, 1, 3, 10},
		{"both, spending the budget of siblings", both, 4, 4, 10}, // 64 s when a window of 3 ticks is 60 s
		{"an unchosen sibling", unchosen, 1, 0, 0},
	} {
		for losses := range int8(3) {
			t.Run(fmt.Sprintf("%s, %d answers lost", tt.name, losses), func(t *testing.T) {
				if !full && losses > 1 {
					t.Skip("in the full search")
				}
				d := duel{timing: timing{window: 3}, rule: design, loot: tt.loot, losses: losses, burst: tt.burst, period: 6, bound: tt.calls + losses}
				if r := search(t, d, all); r.trace != nil || !r.complete {
					t.Errorf("more than %d calls of the victim between his first gain and his last:%v", d.bound, r)
				}
				if d.bound = tt.calls - 1; losses == 0 && tt.calls > 0 && search(t, d, all).trace == nil {
					t.Errorf("%d calls is not the least bound", tt.calls)
				}
			})
		}
		t.Run(tt.name+", a victim that calls within every window", func(t *testing.T) {
			if !full && tt.burst > 1 {
				t.Skip("in the full search")
			}
			d := duel{timing: timing{window: 3}, rule: design, loot: tt.loot, burst: tt.burst, period: 1, gap: 2, bound: 3 * tt.windows}
			if r := search(t, d, all); r.trace != nil || !r.complete {
				t.Errorf("more than %d windows between his first gain and his last:%v", tt.windows, r)
			}
		})
	}
}
