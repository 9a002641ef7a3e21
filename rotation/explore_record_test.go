package rotation_test

import (
	"time"

	"github.com/writ-go/writ/rotation"
)

// The models count time in ticks of a second and keep every time as its age, so that a state does
// not know what time it is, and capped where no rule can tell older ages apart.
const tick = time.Second

var present = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// tok is a token: generation and fork.
type tok struct {
	gen  uint8
	fork int8
}

// record is a rotation.State in ages.
type record struct {
	gen                            uint8
	fork, prev, prevMax            int8
	any, seen                      bool
	rotatedAge, handedAge, seenAge int8
	idleLeft                       int8 // only if the model has an idle time
}

// timing is the part of a Policy that a model knows, in ticks.
type timing struct {
	latency, flush, skew, window, idle int8
}

func (c timing) policy() rotation.Policy {
	p := rotation.Policy{
		Latency: time.Duration(c.latency) * tick, JarFlush: time.Duration(c.flush) * tick, Skew: time.Duration(c.skew) * tick,
		Window: time.Duration(c.window) * tick, Idle: time.Duration(c.idle) * tick,
		Recovery: 1000 * hour,
	}
	if c.idle == 0 {
		p.Idle = 1000 * hour
	}
	return p
}

// rule is Decide, or a variant of it that a control shows to be wrong.
type rule func(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State)

func design(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	return rotation.Decide(p, s, t, 0, false, now)
}

// shift is added to all numbers of known generations and to the age of the current one, which no
// rule can see: a model's numbers may be negative.
const shift = 48

// decide has rule answer t on a node whose clock is late ticks ahead.
func (r record) decide(c timing, p rotation.Policy, rule rule, t tok, late int8) (rotation.Outcome, record) {
	at := func(age int8) time.Time { return present.Add(-time.Duration(age) * tick) }
	s := rotation.State{
		Gen: uint64(r.gen), Fork: uint32(r.fork + shift), Prev: uint32(r.prev + shift), PrevAny: r.any, PrevMax: uint32(r.prevMax + shift),
		RotatedAt: at(r.rotatedAge + shift), HandedAt: at(r.handedAge), AbsExp: present.Add(10_000 * hour), IdleExp: present.Add(5_000 * hour),
	}
	if r.seen {
		s.SeenAt = at(r.seenAge)
	}
	if c.idle > 0 {
		s.IdleExp = at(-r.idleLeft)
	}
	if t.gen <= r.gen {
		t.fork += shift
	}
	outcome, next := rule(p, s, rotation.Token{Gen: uint64(t.gen), Fork: uint32(t.fork)}, at(-late))
	if next == s {
		return outcome, r
	}
	age := func(at time.Time) int8 { return int8(present.Sub(at) / tick) }
	n := record{
		gen: uint8(next.Gen), fork: int8(next.Fork), prev: int8(next.Prev), prevMax: int8(next.PrevMax), any: next.PrevAny,
		rotatedAge: age(next.RotatedAt), handedAge: age(next.HandedAt), seen: !next.SeenAt.IsZero(),
	}
	if n.gen == r.gen {
		n.fork -= shift
		n.rotatedAge -= shift
	}
	if n.gen == r.gen || t.gen == r.gen {
		n.prev -= shift
		n.prevMax -= shift
	}
	if n.seen {
		n.seenAge = age(next.SeenAt)
	}
	if c.idle > 0 {
		n.idleLeft = -age(next.IdleExp)
	}
	return outcome, n
}

// tick lets time pass. Past a Window, ages are equal for every rule.
func (r *record) tick(c timing) {
	r.rotatedAge = min(r.rotatedAge+1, c.window)
	r.handedAge = min(r.handedAge+1, c.window)
	if r.seen {
		r.seenAge = min(r.seenAge+1, c.window)
	}
	if c.idle > 0 {
		r.idleLeft = max(r.idleLeft-1, -c.skew)
	}
}

func (r record) token() tok { return tok{r.gen, r.fork} }

func granted(o rotation.Outcome) bool {
	return o == rotation.Repeat || o == rotation.Adopt || o == rotation.Rotate || o == rotation.Recover
}
