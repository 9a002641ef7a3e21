package rotation_test

import (
	"testing"
	"time"

	"github.com/writ-go/writ/rotation"
)

const (
	window = minute   // the default W
	idle   = 14 * day // the default idle and recovery time
	stamp  = 1_000_000
)

var t0 = time.Date(2030, 1, 2, 3, 4, 5, 678_901_234, time.UTC)

// state is generation 5 begun at t0 from sibling 2 of 4, with siblings 0 to 3 handed out, the last
// after 30 s.
func state(change func(*rotation.State)) rotation.State {
	s := rotation.State{
		Gen: 5, Fork: 3, Prev: 2, PrevMax: 4,
		RotatedAt: t0, HandedAt: t0.Add(30 * sec), Stamp: stamp,
		IdleExp: t0.Add(30*sec + idle), AbsExp: t0.Add(90 * day),
	}
	if change != nil {
		change(&s)
	}
	return s
}

func token(gen uint64, fork uint32) rotation.Token {
	return rotation.Token{Session: session, Gen: gen, Fork: fork}
}

type decision struct {
	name   string
	before func(*rotation.State) // changes to state
	token  rotation.Token
	now    time.Duration // after t0
	want   rotation.Outcome
	after  func(*rotation.State) // changes to the state before; nil: none
}

func check(t *testing.T, p rotation.Policy, decisions []decision) {
	t.Helper()
	for _, tt := range decisions {
		t.Run(tt.name, func(t *testing.T) {
			before := state(tt.before)
			want := before
			if tt.after != nil {
				tt.after(&want)
			}
			got, next := rotation.Decide(p, before, tt.token, 0, false, t0.Add(tt.now))
			if got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if next != want {
				t.Errorf("state\n got %+v\nwant %+v", next, want)
			}
		})
	}
}

func theft(now time.Duration) func(*rotation.State) {
	return func(s *rotation.State) { s.RevokedAt, s.Reason = t0.Add(now), rotation.ReasonTheft }
}

func TestRepeatOrRotate(t *testing.T) {
	rotated := func(now time.Duration, fork uint32) func(*rotation.State) {
		return func(s *rotation.State) {
			*s = rotation.State{
				Gen: 6, Prev: fork, PrevMax: 3, RotatedAt: t0.Add(now), HandedAt: t0.Add(now), Stamp: stamp,
				IdleExp: t0.Add(now + idle), AbsExp: s.AbsExp,
			}
		}
	}
	seen := func(now time.Duration) func(*rotation.State) {
		return func(s *rotation.State) { s.SeenAt = t0.Add(now) }
	}
	const end = 30*sec + window // of the window after the last sibling
	check(t, rotation.Policy{}, []decision{
		// req 57
		{"at once: repeated, nothing to write", nil, token(5, 3), 30 * sec, rotation.Repeat, nil},
		{"an elder sibling: repeated", nil, token(5, 0), 30 * sec, rotation.Repeat, nil},
		{"on a node whose clock is behind: repeated", nil, token(5, 3), -5 * sec, rotation.Repeat, nil},
		{"just before a window has passed since the rotation: the first child is not yet seen", nil, token(5, 0), window - 1, rotation.Repeat, nil},
		{"a window after the rotation: it is seen", nil, token(5, 0), window, rotation.Repeat, seen(window)},
		{"a sibling is as many seconds younger as its number says: not yet seen", nil, token(5, 3), window + 3*sec - 1, rotation.Repeat, nil},
		{"a window after it was handed out: seen", nil, token(5, 3), window + 3*sec, rotation.Repeat, seen(window + 3*sec)},
		{"seen once: not moved", seen(window), token(5, 3), window + 4*sec, rotation.Repeat, nil},
		{"just before the window ends: repeated", seen(window), token(5, 3), end - 1, rotation.Repeat, nil},
		{"as the window ends: rotated", nil, token(5, 3), end, rotation.Rotate, rotated(end, 3)},
		{"just after the window: rotated", nil, token(5, 3), end + 1, rotation.Rotate, rotated(end+1, 3)},
		{"rotation forgets what was seen", seen(window), token(5, 3), end, rotation.Rotate, rotated(end, 3)},
		{"rotation chooses the sibling that was used", nil, token(5, 1), hour, rotation.Rotate, rotated(hour, 1)},
		{"rotation ends what was adopted", func(s *rotation.State) { s.PrevAny = true }, token(5, 0), hour, rotation.Rotate, rotated(hour, 0)},
	})
}

func TestRecoverOrTheft(t *testing.T) {
	recovered := func(now time.Duration) func(*rotation.State) {
		return func(s *rotation.State) {
			// The number is the age of the generation, in seconds begun.
			s.Fork, s.HandedAt, s.IdleExp = max(4, uint32((now+sec-1)/sec)), t0.Add(now), t0.Add(now+idle)
		}
	}
	seen := func(s *rotation.State) { s.SeenAt = t0.Add(80 * sec) }
	any := func(s *rotation.State) { s.Prev, s.PrevAny, s.PrevMax = 0, true, 0 }
	live := func(s *rotation.State) { s.IdleExp = s.AbsExp } // recovery ends before idle does
	check(t, rotation.Policy{}, []decision{
		{"the chosen parent at once: recovers", nil, token(4, 2), 0, rotation.Recover, recovered(0)},
		{"a sibling within the seconds of its elders is numbered next", nil, token(4, 2), 4 * sec, rotation.Recover, recovered(4 * sec)},
		{"a later one by the second it begins in", nil, token(4, 2), 4*sec + 1, rotation.Recover, recovered(4*sec + 1)},
		{"the chosen parent much later: recovers", nil, token(4, 2), 13 * day, rotation.Recover, recovered(13 * day)},
		{"a sibling beyond those the store knew of: recovers", nil, token(4, 5), hour, rotation.Recover, recovered(hour)},
		{"any parent after an adoption: recovers", any, token(4, 0), hour, rotation.Recover, recovered(hour)},
		{"any other parent after an adoption: recovers", any, token(4, 9), hour, rotation.Recover, recovered(hour)},
		{"just before recovery ends: recovers", live, token(4, 2), idle - 1, rotation.Recover, recovered(idle - 1)},
		{"as recovery ends: expired", live, token(4, 2), idle, rotation.Expired, nil},
		{"after recovery: expired", live, token(4, 2), idle + 1, rotation.Expired, nil},
		{"just before a window has passed since the child was seen: recovers", seen, token(4, 2), 80*sec + window - 1, rotation.Recover, recovered(80*sec + window - 1)},
		// req 46
		{"a window after the child was seen: theft", seen, token(4, 2), 80*sec + window, rotation.Theft, theft(80*sec + window)},
		{"the child seen counts before the end of recovery", func(s *rotation.State) { seen(s); live(s) }, token(4, 2), idle, rotation.Theft, theft(idle)},
		{"an adopted parent after the child was seen: theft", func(s *rotation.State) { any(s); seen(s) }, token(4, 7), hour, rotation.Theft, theft(hour)},
		{"an elder sibling that was not chosen: theft", nil, token(4, 1), sec, rotation.Theft, theft(sec)},
		{"a younger sibling that was not chosen: theft", nil, token(4, 3), sec, rotation.Theft, theft(sec)},
		{"the youngest sibling that was not chosen: theft", nil, token(4, 4), sec, rotation.Theft, theft(sec)},
		{"a grandparent: theft", nil, token(3, 2), sec, rotation.Theft, theft(sec)},
		{"a grandparent after an adoption: theft", any, token(3, 0), sec, rotation.Theft, theft(sec)},
		{"the first token, in a later generation: theft", nil, token(0, 0), sec, rotation.Theft, theft(sec)}, // req 48
		{"a generation that would wrap is ahead, not behind", func(s *rotation.State) { s.Gen = 0 }, token(1<<64-1, 0), 0, rotation.Adopt, func(s *rotation.State) {
			s.Gen, s.Fork, s.HandedAt, s.IdleExp = 1<<64-1, 0, t0, t0.Add(idle)
			any(s)
		}},
	})
}

func TestForkBudgetRefills(t *testing.T) {
	at := func(fork uint32) func(*rotation.State) { return func(s *rotation.State) { s.Fork = fork } }
	recovered := func(fork uint32, now time.Duration) func(*rotation.State) {
		return func(s *rotation.State) { s.Fork, s.HandedAt, s.IdleExp = fork, t0.Add(now), t0.Add(now+idle) }
	}
	check(t, rotation.Policy{}, []decision{
		{"64 siblings at once", at(63), token(4, 2), 0, rotation.Recover, recovered(64, 0)},
		{"and no more", at(64), token(4, 2), 0, rotation.RetryLater, nil},
		{"until a second has passed", at(64), token(4, 2), sec - 1, rotation.RetryLater, nil},
		{"then one more", at(64), token(4, 2), sec, rotation.Recover, recovered(65, sec)},
		{"and no more than one", at(65), token(4, 2), 2*sec - 1, rotation.RetryLater, nil},
		{"a clock that is behind has the burst", at(63), token(4, 2), -hour, rotation.Recover, recovered(64, -hour)},
		{"the highest fork number is not passed", at(1<<32 - 1), token(4, 2), day, rotation.RetryLater, nil},
		{"an exhausted budget does not hide a theft", at(64), token(4, 3), 0, rotation.Theft, theft(0)},
		{"the current generation does not need it", at(64), token(5, 3), 0, rotation.Repeat, nil},
	})
}

func TestAdoptWhatTheStoreLost(t *testing.T) {
	adopted := func(gen uint64, fork uint32, now time.Duration) func(*rotation.State) {
		return func(s *rotation.State) {
			at := t0.Add(now)
			*s = rotation.State{Gen: gen, Fork: fork, PrevAny: true, RotatedAt: at, HandedAt: at, Stamp: stamp, IdleExp: at.Add(idle), AbsExp: s.AbsExp}
			if s.IdleExp.After(s.AbsExp) {
				s.IdleExp = s.AbsExp
			}
		}
	}
	seen := func(s *rotation.State) { s.SeenAt = t0.Add(80 * sec) }
	check(t, rotation.Policy{}, []decision{
		{"the next generation", nil, token(6, 0), hour, rotation.Adopt, adopted(6, 0, hour)},
		{"a sibling of the next generation", nil, token(6, 7), hour, rotation.Adopt, adopted(6, 7, hour)},
		{"the last sibling of a burst", nil, token(6, 64), hour, rotation.Adopt, adopted(6, 64, hour)},
		{"a sibling whose number tells that its generation is older", nil, token(6, 100), hour, rotation.Adopt, func(s *rotation.State) {
			adopted(6, 100, hour)(s)
			s.RotatedAt = t0.Add(hour - 36*sec)
		}},
		{"a generation far ahead", seen, token(60, 0), hour, rotation.Adopt, adopted(60, 0, hour)},
		{"after the idle time, which the lost write had moved", nil, token(6, 0), 20 * day, rotation.Adopt, adopted(6, 0, 20*day)},
		{"a younger sibling after the idle time, which the lost write had moved", nil, token(5, 6), 20 * day, rotation.Adopt, func(s *rotation.State) {
			s.Fork, s.HandedAt, s.IdleExp = 6, t0.Add(20*day), t0.Add(20*day+idle)
		}},
		{"not beyond the absolute time", nil, token(6, 0), 89 * day, rotation.Adopt, adopted(6, 0, 89*day)},
		{"a younger sibling of the same generation", seen, token(5, 6), hour, rotation.Adopt, func(s *rotation.State) {
			s.Fork, s.HandedAt, s.IdleExp = 6, t0.Add(hour), t0.Add(hour+idle)
		}},
		{"as the absolute time ends: expired", nil, token(6, 0), 90 * day, rotation.Expired, nil}, // req 52
	})
}

func TestExpiry(t *testing.T) {
	early := func(s *rotation.State) { s.AbsExp, s.IdleExp = t0.Add(hour), t0.Add(hour) }
	end := 30*sec + idle
	check(t, rotation.Policy{}, []decision{
		// req 52, req 53
		{"just before the idle time ends: rotated", nil, token(5, 3), end - 1, rotation.Rotate, func(s *rotation.State) {
			now := t0.Add(end - 1)
			*s = rotation.State{Gen: 6, Prev: 3, PrevMax: 3, RotatedAt: now, HandedAt: now, Stamp: stamp, IdleExp: now.Add(idle), AbsExp: s.AbsExp}
		}},
		{"as the idle time ends: expired", nil, token(5, 3), end, rotation.Expired, nil},
		{"a parent as the idle time ends: expired", nil, token(4, 2), end, rotation.Expired, nil},
		{"an old token as the idle time ends: expired", nil, token(1, 0), end, rotation.Expired, nil},
		{"as the absolute time ends: expired", early, token(5, 3), hour, rotation.Expired, nil},
		{"just before the absolute time ends: rotated, and it does not move", early, token(5, 3), hour - 1, rotation.Rotate, func(s *rotation.State) {
			now := t0.Add(hour - 1)
			*s = rotation.State{Gen: 6, Prev: 3, PrevMax: 3, RotatedAt: now, HandedAt: now, Stamp: stamp, IdleExp: s.AbsExp, AbsExp: s.AbsExp}
		}},
		{"a sibling does not move it either", early, token(4, 2), hour - 1, rotation.Recover, func(s *rotation.State) {
			s.Fork, s.HandedAt = 3600, t0.Add(hour-1)
		}},
	})
	p := rotation.Policy{Idle: hour}
	check(t, p, []decision{
		{"a policy's idle time counts from the refresh", nil, token(4, 2), minute, rotation.Recover, func(s *rotation.State) { // req 53
			s.Fork, s.HandedAt, s.IdleExp = 60, t0.Add(minute), t0.Add(minute+hour)
		}},
		{"and is the recovery time", nil, token(4, 2), hour, rotation.Expired, nil},
	})
}

func TestRevocationComesFirst(t *testing.T) {
	tokens := map[string]rotation.Token{
		"current": token(5, 3), "parent": token(4, 2), "unchosen": token(4, 3), "old": token(0, 0), "ahead": token(6, 0), "younger": token(5, 4),
	}
	for _, tt := range []struct {
		name   string
		change func(*rotation.State)
		cutoff int64
		listed bool
		want   bool
	}{
		{"nothing revoked", nil, 0, false, false},
		{"the record is revoked", func(s *rotation.State) { s.RevokedAt = t0 }, 0, false, true},
		{"the record is revoked by a reason alone", func(s *rotation.State) { s.Reason = "logout" }, 0, false, true},
		{"the record is revoked and expired", func(s *rotation.State) { s.RevokedAt, s.AbsExp = t0, t0 }, 0, false, true},
		{"the session is in the local list", nil, 0, true, true},
		// Signed in at or before the cutoff.
		{"a cutoff before the sign-in", nil, stamp - 1, false, false},
		{"a cutoff at the sign-in", nil, stamp, false, true},
		{"a cutoff after the sign-in", nil, stamp + 1, false, true},
		{"no cutoff, and no stamp", func(s *rotation.State) { s.Stamp = 0 }, 0, false, false},
		{"a cutoff, and no stamp", func(s *rotation.State) { s.Stamp = 0 }, 1, false, true},
	} {
		for what, tok := range tokens {
			s := state(tt.change)
			got, next := rotation.Decide(rotation.Policy{}, s, tok, tt.cutoff, tt.listed, t0.Add(hour))
			if (got == rotation.Revoked) != tt.want {
				t.Errorf("%s, %s token: %v", tt.name, what, got)
			}
			if tt.want && next != s {
				t.Errorf("%s, %s token: the state was changed", tt.name, what)
			}
		}
	}
}
