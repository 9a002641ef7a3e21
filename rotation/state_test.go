package rotation_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/rotation"
)

func TestCreate(t *testing.T) {
	now := time.Now() // has a monotonic clock and a zone, which must not stay
	s := rotation.Create(rotation.Policy{}, stamp, now, now.Add(90*day))
	u := now.UTC().Round(0)
	want := rotation.State{RotatedAt: u, HandedAt: u, Stamp: stamp, IdleExp: u.Add(idle), AbsExp: u.Add(90 * day)}
	if s != want {
		t.Errorf("got %+v\nwant %+v", s, want)
	}
	if got := s.Token(session); got != token(0, 0) {
		t.Errorf("the first token is %+v", got)
	}
	if s := rotation.Create(rotation.Policy{}, stamp, now, now.Add(hour)); s.IdleExp != u.Add(hour) {
		t.Error("the idle time outlives the session")
	}
	if s := rotation.Create(rotation.Policy{Idle: day}, stamp, now, now.Add(90*day)); s.IdleExp != u.Add(day) { // req 53
		t.Error("the policy's idle time is not used")
	}
}

// req 45: compare-and-swap makes the decisions on one record a sequence; of all uses of one token
// one rotates, and every use leads to the same generation.
func TestManyUsesOfOneTokenRotateOnce(t *testing.T) {
	s := state(nil)
	count := map[rotation.Outcome]int{}
	for range 20 {
		var outcome rotation.Outcome
		outcome, s = rotation.Decide(rotation.Policy{}, s, token(5, 3), 0, false, t0.Add(hour))
		count[outcome]++
		if s.Gen != 6 {
			t.Fatalf("generation %d", s.Gen)
		}
	}
	if count[rotation.Rotate] != 1 || count[rotation.Recover] != 19 {
		t.Errorf("outcomes: %v", count)
	}
}

// req 47, req 55: what is known about reuse is in the record, and no token is.
func TestJSONKeepsTheStateAndNoToken(t *testing.T) {
	s := rotation.Create(rotation.Policy{}, stamp, t0, t0.Add(90*day))
	var issued []rotation.Token
	for i, now := range []time.Duration{0, sec, 2 * minute, 3 * minute, hour, 2 * hour, 2*hour + sec, 2*hour + minute, 30 * hour} {
		issued = append(issued, s.Token(session))
		tok := issued[max(0, len(issued)-1-i%2)]
		_, s = rotation.Decide(rotation.Policy{}, s, tok, 0, false, t0.Add(now))
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, tok := range issued {
			raw := rotation.Format(tok, testKey)
			if strings.Contains(string(text), raw[len(raw)-43:]) {
				t.Error("the record holds a token's MAC")
			}
		}
		var back rotation.State
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Fatalf("%v\n got %+v\nwant %+v", err, back, s)
		}
	}
}

func TestJSONNamesAreStable(t *testing.T) {
	at := func(n time.Duration) time.Time { return t0.Add(n * time.Microsecond) }
	full := rotation.State{
		Gen: 1<<63 - 1, Fork: 1<<32 - 1, Prev: 3, PrevAny: true, PrevMax: 5, RotatedAt: at(1), HandedAt: at(2), SeenAt: at(3),
		Stamp: 1<<62 + 1, IdleExp: at(4), AbsExp: at(5), RevokedAt: at(6), Reason: "theft",
	}
	const want = `{"gen":9223372036854775807,"fork":4294967295,"prev":3,"prev_any":true,"prev_max":5,` +
		`"rotated_at":"2030-01-02T03:04:05.678902234Z","handed_at":"2030-01-02T03:04:05.678903234Z","seen_at":"2030-01-02T03:04:05.678904234Z",` +
		`"stamp":4611686018427387905,"idle_exp":"2030-01-02T03:04:05.678905234Z","abs_exp":"2030-01-02T03:04:05.678906234Z",` +
		`"revoked_at":"2030-01-02T03:04:05.678907234Z","reason":"theft"}`
	if got, err := json.Marshal(full); err != nil || string(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
	var back rotation.State
	if err := json.Unmarshal([]byte(want), &back); err != nil || back != full {
		t.Errorf("%v\n got %+v\nwant %+v", err, back, full)
	}
	got, err := json.Marshal(rotation.State{})
	if err != nil || strings.Contains(string(got), "seen_at") || strings.Contains(string(got), "revoked_at") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestOutcomeNames(t *testing.T) {
	for o, want := range map[rotation.Outcome]string{
		rotation.Revoked: "REVOKED", rotation.Expired: "EXPIRED", rotation.Repeat: "REPEAT", rotation.Adopt: "ADOPT",
		rotation.Rotate: "ROTATE", rotation.Recover: "RECOVER", rotation.RetryLater: "RETRY_LATER", rotation.Theft: "THEFT", 99: "Outcome(99)",
	} {
		if o.String() != want {
			t.Errorf("%d is %q, want %q", o, o.String(), want)
		}
	}
	if rotation.Outcome(0) != rotation.Revoked {
		t.Error("the zero Outcome must refuse")
	}
}

// Whatever is stored and presented: no panic, no absolute expiry that moves (req 52), no write
// without a grant or a theft, no generation that goes back (req 48).
func TestDecideIsTotal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	times := []time.Time{{}, t0, t0.Add(1), t0.Add(window), t0.Add(-window), t0.Add(hour), time.Unix(1<<62, 0), time.Unix(-1<<62, 0), time.Unix(0, 0)}
	numbers := []uint64{0, 1, 2, 63, 64, 65, 1<<32 - 1, maxGen - 1, maxGen} // as Parse returns them
	durations := []time.Duration{0, 1, -1, minute, hour, 1<<63 - 1, -1 << 63}
	at := func() time.Time { return times[r.IntN(len(times))] }
	number := func() uint64 { return numbers[r.IntN(len(numbers))] }
	d := func() time.Duration { return durations[r.IntN(len(durations))] }
	for range 50_000 {
		p := rotation.Policy{Window: d(), Recovery: d(), Idle: d()}
		s := rotation.State{Gen: number(), Fork: uint32(number()), Prev: uint32(number()), PrevAny: r.IntN(2) == 0, PrevMax: uint32(number()),
			RotatedAt: at(), HandedAt: at(), SeenAt: at(), Stamp: int64(number()), IdleExp: at(), AbsExp: at(), RevokedAt: at()}
		if r.IntN(4) > 0 {
			s.RevokedAt = time.Time{}
		}
		tok := rotation.Token{Gen: number(), Fork: uint32(number())}
		got, next := rotation.Decide(p, s, tok, int64(number()), r.IntN(8) == 0, at())
		silent := got == rotation.Revoked || got == rotation.Expired || got == rotation.RetryLater
		switch {
		case silent && next != s:
			t.Fatalf("%v writes", got)
		case next.AbsExp != s.AbsExp || next.Stamp != s.Stamp:
			t.Fatalf("%v moves the absolute expiry or the sign-in", got)
		case next.Gen < s.Gen:
			t.Fatalf("%v goes back from generation %d to %d", got, s.Gen, next.Gen)
		case got != rotation.Theft && next.RevokedAt != s.RevokedAt:
			t.Fatalf("%v revokes", got)
		}
	}
}
