package keys_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// req 39, req 40: one rotation, seen by two processes.
func TestAKeyLivesByItsTimeline(t *testing.T) {
	f := newFleet(t, nil)
	a, b := f.open(t), f.open(t)
	first, start := signs(t, a), f.now()
	if k := a.Timeline()[0]; k.State != keys.Active || !k.RetireAt.IsZero() || !k.WipeAt.IsZero() || !k.RemoveAt.IsZero() {
		t.Errorf("without a successor: %+v", k)
	}
	if next := a.NextChange(f.now()); !next.Equal(start.Add(period - lead)) {
		t.Errorf("the set will change at %v, want when a successor is published", next)
	}

	f.stepped(t, period-lead-time.Millisecond, a, b)
	if f.saves != 1 || len(a.Publics()) != 1 {
		t.Fatal("a successor too early")
	}
	f.stepped(t, time.Millisecond, a, b)
	takesOver := start.Add(period)
	for _, r := range []*keys.Ring{a, b} {
		list := r.Timeline()
		if len(list) != 2 || f.saves != 2 || signs(t, r) != first {
			t.Fatalf("%d keys after %d documents", len(list), f.saves)
		}
		old, next := list[0], list[1]
		if old.State != keys.Active || !old.RetireAt.Equal(takesOver) || !old.WipeAt.Equal(takesOver.Add(stale)) || !old.RemoveAt.Equal(takesOver.Add(leaves)) {
			t.Errorf("the active key: %+v", old)
		}
		if next.State != keys.Pending || !next.CreatedAt.Equal(f.now()) || !next.ActivateAt.Equal(takesOver) || !next.RetireAt.IsZero() {
			t.Errorf("the pending key: %+v", next)
		}
		if change := r.NextChange(f.now()); !change.Equal(takesOver.Add(leaves)) {
			t.Errorf("the set will change at %v, want when the old key leaves", change)
		}
	}
	second := a.Timeline()[1].Public.ID()

	f.stepped(t, lead-time.Millisecond, a, b)
	if signs(t, a) != first {
		t.Error("the successor signs too early")
	}
	f.stepped(t, time.Millisecond, a, b)
	if signs(t, a) != second || signs(t, b) != second || f.saves != 2 || !slices.Equal(states(a), []keys.State{keys.Retired, keys.Active}) {
		t.Errorf("at its time the successor signs, and nothing is written: %v", states(a))
	}
	f.stepped(t, stale, a, b)
	if k := a.Timeline()[0]; !k.Wiped || f.saves != 3 {
		t.Error("the private half of the old key is there")
	}
	f.stepped(t, leaves-stale-time.Millisecond, a, b)
	if _, err := b.Public(issuer, first); err != nil {
		t.Errorf("the last token of the old key: %v", err)
	}
	if next := a.NextChange(f.now().Add(time.Second)); !next.Equal(f.now().Add(time.Second)) {
		t.Errorf("a change that is due is at %v, want now", next)
	}
	f.stepped(t, time.Millisecond, a, b)
	for _, r := range []*keys.Ring{a, b, f.open(t)} {
		if _, err := r.Public(issuer, first); !errors.Is(err, keys.ErrUnknown) || len(r.Publics()) != 1 {
			t.Errorf("the old key: %v, want ErrUnknown", err)
		}
		if gone := r.Removed(); len(gone) != 1 || gone[0].KID != first || gone[0].Compromised || !gone[0].At.Equal(f.now()) {
			t.Errorf("removed: %+v", gone)
		}
	}
	info, err := keys.Inspect(t.Context(), f.memory, f.now())
	check(t, err)
	if len(info.Keys) != 1 || info.Keys[0] != a.Timeline()[0] && info.Keys[0].ActivateAt != takesOver || len(info.Removed) != 1 || info.Data != 1 || info.MACs != 1 {
		t.Errorf("Inspect: %+v", info)
	}
}

// TestARingTellsWhatHappensToIt, on every node, whichever did it.
func TestARingTellsWhatHappensToIt(t *testing.T) {
	f := newFleet(t, nil)
	var told [2][]string
	var rings [2]*keys.Ring
	var first string
	for i := range rings {
		f.Observe = func(e keys.RingEvent) {
			who := "successor"
			if e.KID == first {
				who = "first"
			}
			told[i] = append(told[i], fmt.Sprint(e.Use, " ", who, " ", e.Kind))
			if !e.At.Equal(f.now()) || e.KID == "" || e.Err != nil {
				t.Errorf("%+v", e)
			}
		}
		rings[i] = f.open(t)
	}
	first = signs(t, rings[0])
	for _, d := range []time.Duration{0, period - lead, time.Minute, lead, stale, leaves} {
		f.stepped(t, d, rings[:]...)
	}
	_, err := rings[0].Replace(t.Context(), signs(t, rings[0]))
	check(t, err)
	check(t, rings[1].Reload(t.Context()))
	want := []string{
		"sig successor staged", "sig first retired", "sig first wiped", "sig successor activated", "sig first removed",
		"sig successor activated", "sig successor replaced",
	}
	for i := range told {
		slices.Sort(want)
		slices.Sort(told[i])
		if !slices.Equal(told[i], want) {
			t.Errorf("node %d was told %q, want %q", i, told[i], want)
		}
	}
}

func TestStagePromoteAndRetire(t *testing.T) {
	f := newFleet(t, func(c *keys.Config) { c.Period = -1 })
	r := f.open(t)
	ctx, first := t.Context(), signs(t, r)
	f.stepped(t, 10*period, r)
	if f.saves != 2 || len(r.Publics()) != 1 { // the other is the MAC key's successor
		t.Errorf("%d documents: keys rotate by themselves", f.saves)
	}
	if !r.NextChange(f.now()).IsZero() {
		t.Error("a change is expected")
	}

	staged, err := r.Stage(ctx)
	check(t, err)
	again, err := r.Stage(ctx)
	check(t, err)
	if again.ID() != staged.ID() || staged.ID() == first || len(r.Publics()) != 2 {
		t.Error("a second key was staged")
	}
	if err := r.Promote(ctx, staged.ID()); err == nil || !strings.Contains(err.Error(), f.now().Add(lead).Format(time.RFC3339)) {
		t.Errorf("promoted at once: %v, want when it may be", err)
	}
	if k := r.Timeline()[1]; !k.ActivateAt.Equal(f.now().Add(lead)) {
		t.Errorf("a key staged by hand signs at %v", k.ActivateAt)
	}
	f.stepped(t, lead, r)
	if signs(t, r) != staged.ID() {
		t.Error("the staged key does not sign")
	}
	check(t, r.Promote(ctx, staged.ID())) // it signs already
	check(t, r.Retire(ctx, first))        // it has retired already
	if err := r.Promote(ctx, first); err == nil || !strings.Contains(err.Error(), "stage another") {
		t.Errorf("a retired key was promoted: %v", err)
	}

	check(t, r.Retire(ctx, staged.ID())) // which needs a successor
	list := r.Timeline()
	third := list[len(list)-1]
	if third.State != keys.Pending || !third.ActivateAt.Equal(f.now().Add(lead)) {
		t.Errorf("the successor: %+v", third)
	}
	saves := f.saves
	f.add(time.Minute)
	check(t, r.Retire(ctx, staged.ID()))
	if f.saves != saves {
		t.Error("retiring a key twice changes something")
	}
	if err := r.Retire(ctx, third.Public.ID()); err == nil || !strings.Contains(err.Error(), "does not sign yet") {
		t.Errorf("a pending key was retired: %v", err)
	}
	_, replace := r.Replace(ctx, "unknown")
	for _, err := range []error{r.Promote(ctx, "unknown"), r.Retire(ctx, "unknown"), replace} {
		if !errors.Is(err, keys.ErrUnknown) {
			t.Errorf("an unknown kid: %v", err)
		}
	}
}

// TestRetireAndPromoteAreSoonerThanTheSchedule, but never sooner than is safe.
func TestRetireAndPromoteAreSoonerThanTheSchedule(t *testing.T) {
	const skew = 5 * time.Second
	for name, c := range map[string]struct {
		wait time.Duration // between staging and the order
		do   func(r *keys.Ring, active, pending string) error
		want time.Duration // when the pending key signs, after it was staged
	}{
		"retired at once":   {0, func(r *keys.Ring, active, _ string) error { return r.Retire(context.Background(), active) }, lead},
		"retired later":     {time.Minute, func(r *keys.Ring, active, _ string) error { return r.Retire(context.Background(), active) }, lead},
		"retired when safe": {2 * lead, func(r *keys.Ring, active, _ string) error { return r.Retire(context.Background(), active) }, 2*lead + skew},
		"promoted":          {lead, func(r *keys.Ring, _, pending string) error { return r.Promote(context.Background(), pending) }, lead + skew},
		"left alone":        {0, func(*keys.Ring, string, string) error { return nil }, period - time.Hour},
	} {
		f := newFleet(t, nil)
		r := f.open(t)
		f.stepped(t, time.Hour, r)
		active, staged := signs(t, r), f.now()
		pending, err := r.Stage(t.Context())
		check(t, err)
		f.add(c.wait)
		check(t, r.Reload(t.Context()))
		check(t, c.do(r, active, pending.ID()))
		if got := r.Timeline()[1].ActivateAt.Sub(staged); got != c.want {
			t.Errorf("%s: signs %v after it was staged, want %v", name, got, c.want)
		}
	}
}

// req 41
func TestReplaceTakesACompromisedKeyAwayAtOnce(t *testing.T) {
	f := newFleet(t, nil)
	here, there := f.open(t), f.open(t)
	f.stepped(t, period-lead, here, there) // there is a pending key now
	stolen, pending := signs(t, here), here.Timeline()[1].Public.ID()
	next, err := here.Replace(t.Context(), stolen)
	check(t, err)
	check(t, there.Reload(t.Context()))
	for _, r := range []*keys.Ring{here, there, f.open(t)} {
		if signs(t, r) != next.ID() || len(r.Publics()) != 1 {
			t.Error("the new key must sign, and be the only one")
		}
		for _, kid := range []string{stolen, pending} {
			if _, err := r.Public(issuer, kid); !errors.Is(err, keys.ErrUnknown) {
				t.Errorf("a replaced key: %v, want ErrUnknown", err)
			}
		}
		var marked []string
		for _, gone := range r.Removed() {
			if gone.Compromised {
				marked = append(marked, gone.KID)
			}
		}
		if len(marked) != 2 || !slices.Contains(marked, stolen) || !slices.Contains(marked, pending) {
			t.Errorf("%d keys are marked, want the stolen one and the pending one", len(marked))
		}
	}
	again, err := there.Replace(t.Context(), stolen)
	check(t, err)
	if again.ID() != next.ID() || len(there.Publics()) != 1 {
		t.Error("what is replaced twice has two successors")
	}
	f.stepped(t, 20*period, here)
	if gone := here.Removed(); len(gone) == 0 || gone[0].KID != stolen && gone[1].KID != stolen {
		t.Error("the mark was forgotten")
	}
}

func TestReplaceOfAKeyThatDoesNotSign(t *testing.T) {
	f := newFleet(t, nil)
	r := f.open(t)
	first := signs(t, r)
	f.stepped(t, period-lead, r)
	f.stepped(t, lead, r)
	second := signs(t, r)
	next, err := r.Replace(t.Context(), first)
	check(t, err)
	f.add(5*time.Second - time.Millisecond)
	if signs(t, r) != second {
		t.Error("while that is being written, another node may still sign with the old key")
	}
	f.add(time.Millisecond)
	if signs(t, r) != next.ID() {
		t.Error("a new key must sign")
	}
	if _, err := r.Public(issuer, second); err != nil {
		t.Errorf("the one that signed before: %v, want that it verifies", err)
	}
	f.stepped(t, 2*leaves, r)
	if _, err := r.Public(issuer, second); !errors.Is(err, keys.ErrUnknown) {
		t.Fatal(err)
	}
	active, err := r.Replace(t.Context(), second) // it has left in time, and is found out later
	check(t, err)
	if gone := r.Removed(); active.ID() != next.ID() || !gone[1].Compromised || len(gone) != 2 {
		t.Errorf("%+v: a key that has left must be marked", gone)
	}
}

func TestPruneDoesNothingElse(t *testing.T) {
	f := newFleet(t, nil)
	r := f.open(t)
	f.stepped(t, period-lead, r)
	f.add(lead + leaves)
	check(t, r.Prune(t.Context()))
	if len(r.Publics()) != 1 || len(r.Removed()) != 1 {
		t.Error("the retired key is there")
	}
	f.add(2 * period)
	saves := f.saves
	check(t, r.Prune(t.Context()))
	if f.saves != saves {
		t.Error("it staged a key")
	}
}

// TestAClockThatIsWrongRotatesNothing: the clock of one node is compared with what the others wrote.
func TestAClockThatIsWrongRotatesNothing(t *testing.T) {
	f := newFleet(t, nil)
	right := f.open(t)
	slow := f.Config
	slow.Now = func() time.Time { return f.now().Add(-time.Hour) }
	behind := reopen(t, slow)
	f.stepped(t, period-lead, right)
	for name, err := range map[string]error{
		"Step":    second(behind.Step(t.Context())),
		"Retire":  behind.Retire(t.Context(), signs(t, right)),
		"Promote": behind.Promote(t.Context(), right.Timeline()[1].Public.ID()),
		"Prune":   behind.Prune(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "NTP") {
			t.Errorf("%s: %v, want that a clock is wrong", name, err)
		}
	}
	if f.saves != 2 {
		t.Error("a document was written")
	}
	if _, err := behind.Replace(t.Context(), signs(t, right)); err != nil {
		t.Errorf("an emergency does not wait for clocks: %v", err)
	}
}

// TestANodeWhoseClockIsAheadTakesNothingFromTheOthers while they run: they go on by their own clocks.
func TestANodeWhoseClockIsAheadTakesNothingFromTheOthers(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"it wipes": 10 * time.Minute, "it removes": 500 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, func(c *keys.Config) { c.MACPeriod = time.Hour })
			r := f.open(t)
			mac, err := r.SigningMAC()
			check(t, err)
			sealed, err := r.Seal([]byte("plain"), nil)
			check(t, err)
			f.stepped(t, period-lead, r)
			f.stepped(t, lead-time.Minute, r)
			first := signs(t, r)
			fast := f.Config
			fast.Now = func() time.Time { return f.now().Add(ahead) }
			other := reopen(t, fast)
			for range 3 {
				check(t, second(other.Step(t.Context())))
			}
			goesOn := func() {
				t.Helper()
				if signs(t, r) != first {
					t.Error("another key signs")
				}
				if _, err := r.Public(issuer, first); err != nil || !slices.ContainsFunc(r.Publics(), func(p *keys.Public) bool { return p.ID() == first }) {
					t.Errorf("it does not verify: %v", err)
				}
				if found, ok := r.MAC(kidOf(mac)); !ok || string(found) != string(mac) {
					t.Error("the MAC key was taken away")
				}
				if _, err := r.Unseal(sealed, nil); err != nil {
					t.Errorf("the data key was taken away: %v", err)
				}
			}
			if err := second(r.Step(t.Context())); err == nil || !strings.Contains(err.Error(), "NTP") {
				t.Errorf("%v, want that a clock is wrong", err)
			}
			goesOn()
			old := f.copy()
			check(t, second(r.Replace(t.Context(), r.Timeline()[len(r.Timeline())-1].Public.ID())))
			if _, err := r.Public(issuer, first); err != nil {
				t.Errorf("an operator changes something else: %v", err)
			}
			f.put(old)
			check(t, r.Reload(t.Context()))
			if _, err := r.Public(issuer, first); err != nil {
				t.Errorf("the vault goes back: %v", err)
			}
			// What is compromised goes at once, whatever the clock says.
			if stolen := other.Timeline()[0].Public.ID(); ahead > time.Hour {
				check(t, second(other.Replace(t.Context(), first))) // which left there, and is marked
				check(t, r.Reload(t.Context()))
				if _, err := r.Public(issuer, first); !errors.Is(err, keys.ErrUnknown) || stolen == first {
					t.Errorf("a compromised key: %v, want ErrUnknown", err)
				}
			}
		})
	}
}

// TestWhatWasKeptBecauseAClockIsAheadGoesInTime.
func TestWhatWasKeptBecauseAClockIsAheadGoesInTime(t *testing.T) {
	const ahead = 10 * time.Hour
	f := newFleet(t, nil)
	r := f.open(t)
	f.stepped(t, period-lead, r)
	f.stepped(t, lead-time.Minute, r)
	first := signs(t, r)
	fast := f.Config
	fast.Now = func() time.Time { return f.now().Add(ahead) }
	check(t, second(reopen(t, fast).Step(t.Context())))
	f.add(2 * time.Minute)
	check(t, r.Reload(t.Context()))
	if _, err := r.Public(issuer, first); err != nil || signs(t, r) == first {
		t.Errorf("by its own clock it has retired, and verifies: %v", err)
	}
	f.add(ahead)
	check(t, r.Reload(t.Context()))
	if _, err := r.Public(issuer, first); !errors.Is(err, keys.ErrUnknown) {
		t.Errorf("%v, want ErrUnknown", err)
	}
}

func second[T any](_ T, err error) error { return err }

// req 42: goroutines instead of processes, which TestManyProcessesStepOneRing has.
func TestOfManyStepsAtOnceOneSucceeds(t *testing.T) {
	f := newFleet(t, nil)
	rings := make([]*keys.Ring, 50)
	for i := range rings {
		rings[i] = f.open(t)
	}
	f.add(period - lead)
	var all sync.WaitGroup
	var mu sync.Mutex
	wrote := 0
	for _, r := range rings {
		all.Go(func() {
			changed, err := r.Step(context.Background())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if changed {
				wrote++
			}
		})
	}
	all.Wait()
	if wrote != 1 || f.saves != 2 {
		t.Errorf("%d steps wrote, and there are %d documents", wrote, f.saves)
	}
	for _, r := range rings {
		check(t, r.Reload(t.Context()))
		if list := r.Timeline(); len(list) != 2 || list[1].Public.ID() != rings[0].Timeline()[1].Public.ID() {
			t.Fatal("they do not agree on one new key")
		}
	}
}

// TestManyOperatorsAtOnce: every order is carried out, and nothing is lost.
func TestManyOperatorsAtOnce(t *testing.T) {
	f := newFleet(t, nil)
	f.open(t)
	var all sync.WaitGroup
	for range 4 {
		r := f.open(t)
		all.Go(func() {
			for range 5 {
				kid := r.Timeline()[0].Public.ID()
				if _, err := r.Replace(context.Background(), kid); err != nil && !errors.Is(err, keys.ErrUnavailable) {
					t.Error(err)
				}
				if err := r.Reload(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	r := f.open(t)
	if n := len(r.Publics()); n != 1 {
		t.Errorf("%d keys, want the last", n)
	}
	signs(t, r)
	if len(r.Removed()) != f.saves-1 {
		t.Errorf("%d keys were replaced in %d documents", len(r.Removed()), f.saves)
	}
}

func TestTheZeroRingCannotBeChanged(t *testing.T) {
	r := new(keys.Ring)
	ctx := t.Context()
	_, sealErr := r.Seal(nil, nil)
	_, unsealErr := r.Unseal(nil, nil)
	for _, err := range []error{
		second(r.Step(ctx)), second(r.Stage(ctx)), r.Promote(ctx, "kid"), second(r.Replace(ctx, "kid")), r.Retire(ctx, "kid"), r.Prune(ctx),
		r.Run(ctx), sealErr, unsealErr,
	} {
		if !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
	}
	if r.Timeline() != nil || r.Removed() != nil || !r.NextChange(time.Now()).IsZero() {
		t.Error("the zero ring has a past or a future")
	}
}
