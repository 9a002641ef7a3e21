package rotation_test

import (
	"testing"
	"time"

	"github.com/writ-go/writ/rotation"
)

// The controls are designs that are known to be wrong. If the search finds nothing in one of them,
// what it does not find in ours means nothing.
func TestExploreControls(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model honest
	}{
		{"a window of 2L", honest{timing: timing{latency: 1, window: 2}, rule: design, flights: 2}},
		{"a window of 2L + skew, and a crash", honest{timing: timing{latency: 1, flush: 1, skew: 1, window: 3}, rule: design, flights: 2, crashes: 1}},
		{"echo on REPEAT with parallel calls", honest{timing: timing{latency: 1, window: 3}, rule: design, flights: 2, echo: true}},
		{"every REPEAT proves arrival, and a crash", honest{timing: clock, rule: seenAlways, flights: 1, crashes: 1}},
		{"any sibling proves arrival a window after the rotation, and a crash", honest{timing: clock, rule: seenByRotation, flights: 1, crashes: 1}},
		{"adoption that rotates at once", honest{timing: clock, rule: adoptRotates, flights: 2, failovers: 1}},
		{"adoption of a sibling that does not move the idle time", honest{timing: timing{window: 3, idle: 12}, rule: adoptStaysIdle, flights: 1, failovers: 1}},
		{"a fixed number of siblings", honest{timing: clock, rule: fixedCap, flights: 1, exact: true}},
		{"strict single use", honest{timing: clock, rule: singleUse, flights: 1}},
		{"a displaced child dies", honest{timing: clock, rule: displaced, flights: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.model.ahead = 2
			r := search(t, tt.model, 3_000_000)
			if r.trace == nil {
				t.Fatal("no false logout found")
			}
			t.Log("false logout:", r)
		})
	}
	t.Run("the parent always gets the current token", func(t *testing.T) {
		d := duel{timing: timing{window: 3}, rule: leapfrog, loot: current, burst: 1, period: 6, bound: 9}
		r := search(t, d, 3_000_000)
		if r.trace == nil {
			t.Fatal("the thief is caught")
		}
		t.Log("undetected:", r)
	})
}

// seenAlways takes the first REPEAT for proof that the client has the child for good.
func seenAlways(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	outcome, next := design(p, s, t, now)
	if outcome == rotation.Repeat && next.SeenAt.IsZero() {
		next.SeenAt = now
	}
	return outcome, next
}

// seenByRotation measures the age of the generation where that of the sibling counts.
func seenByRotation(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	outcome, next := design(p, s, t, now)
	rotated := s.RotatedAt.Add(shift * tick)
	if outcome == rotation.Repeat && next.SeenAt.IsZero() && !now.Before(rotated.Add(p.Window)) {
		next.SeenAt = now
	}
	return outcome, next
}

func adoptRotates(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	outcome, next := design(p, s, t, now)
	if outcome != rotation.Adopt || t.Gen == s.Gen {
		return outcome, next
	}
	next.HandedAt = time.Time{} // no window to wait for
	return design(p, next, t, now)
}

func adoptStaysIdle(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	outcome, next := design(p, s, t, now)
	if outcome == rotation.Adopt && t.Gen == s.Gen {
		next.IdleExp = s.IdleExp
	}
	return outcome, next
}

// fixedCap allows three siblings, ever.
func fixedCap(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	outcome, next := design(p, s, t, now)
	if outcome == rotation.Recover {
		if s.Fork >= shift+3 {
			return rotation.RetryLater, s
		}
		next.Fork = max(s.Fork+1, shift)
	}
	return outcome, next
}

// singleUse is rotation as RFC 9700 describes it: a second use is theft.
func singleUse(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	s.HandedAt = time.Time{}
	if t.Gen != s.Gen {
		return rotation.Theft, s
	}
	return design(p, s, t, now)
}

// displaced gives the parent a new child as long as no child was used, and forgets the one before.
func displaced(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	if t.Gen == s.Gen && t.Fork != s.Fork {
		return rotation.Theft, s
	}
	return design(p, s, t, now)
}

// leapfrog gives the parent the current token, and never asks who has it.
func leapfrog(p rotation.Policy, s rotation.State, t rotation.Token, now time.Time) (rotation.Outcome, rotation.State) {
	outcome, next := design(p, s, t, now)
	if t.Gen+1 == s.Gen {
		return rotation.Recover, s
	}
	return outcome, next
}
