package keys_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// simulate runs a world under a seed that is logged, or that of WRIT_RINGS_SEED.
func simulate(t *testing.T, p plan) *world {
	seed := rand.Uint64()
	if text := os.Getenv("WRIT_RINGS_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		check(t, err)
	}
	began := time.Now()
	w := newWorld(t, p, seed)
	w.run()
	t.Logf("WRIT_RINGS_SEED=%d: %d keys signed in %v of the fleet's time, %.1f s of ours: %v",
		seed, len(w.signed), w.now.Sub(w.start).Round(time.Minute), time.Since(began).Seconds(), w.counts)
	return w
}

// req 39, req 40, req 41, req 44: a fleet whose processes die, whose vault fails and goes back, whose
// clocks are as far apart as they may be, and whose operators have emergencies.
func TestAFleetRotatesItsKeysAndNobodyNotices(t *testing.T) {
	t.Parallel()
	rotations := 50
	if os.Getenv("WRIT_RINGS") == "full" {
		rotations = 1000
	}
	w := simulate(t, plan{rotations: rotations})
	for _, fault := range w.faults {
		t.Error(fault)
	}
}

// The simulation must find what is wrong with a fleet: each of these breaks one rule.
func TestTheSimulationFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan plan
		want string
	}{
		"Propagation is shorter than key sets are kept": {plan{propagation: time.Minute, calm: true}, "a valid token is refused"},
		"tokens outlive the max_ttl of their key":       {plan{lifetime: 4 * fleetTTL, calm: true}, "a valid token is refused"},
		"a key is removed when it retires":              {plan{rogue: removeRetired, calm: true}, "a valid token is refused"},
		"a key is wiped when its successor is staged":   {plan{rogue: wipeEarly, calm: true}, "a valid token is refused"},
		"a removed key is let in again":                 {plan{rogue: resurrect, calm: true}, "a removed key came back"},
		"nobody remembers what the vault has lost":      {plan{forgetful: true}, ""},
		"a clock is an hour ahead":                      {plan{ahead: time.Hour, calm: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.plan.rotations = 200
			w := simulate(t, c.plan)
			if len(w.faults) == 0 || !strings.Contains(w.faults[0], c.want) {
				t.Errorf("found %q, want %q", w.faults, c.want)
			}
		})
	}
}

// removeRetired ignores how long tokens live.
func removeRetired(w *world, ring object) bool {
	list := ring["keys"].([]any)
	if len(list) < 2 || !at(list[1]).Add(fleetStale).Before(w.now) {
		return false
	}
	kid := list[0].(object)["kid"]
	removed, _ := ring["removed"].([]any)
	ring["removed"] = append(removed, object{"kid": kid, "removed_at": w.now.Format(time.RFC3339)})
	ring["keys"] = list[1:]
	return true
}

// wipeEarly takes the private half of a key that still signs.
func wipeEarly(w *world, ring object) bool {
	list := ring["keys"].([]any)
	if len(list) < 2 || !at(list[len(list)-1]).After(w.now.Add(fleetPeriod/4)) {
		return false
	}
	key := list[len(list)-2].(object)
	if key["private_in_clear"] == nil {
		return false
	}
	delete(key, "private_in_clear")
	return true
}

// resurrect forgets tombstones and brings back a key.
func resurrect(w *world, ring object) bool {
	if removed, ok := ring["removed"].([]any); !ok || len(removed) == 0 {
		return false
	}
	old := object{}
	check(w.t, json.Unmarshal(w.vault.history[0].doc, &old))
	delete(ring, "removed")
	ring["keys"] = append(old["ring"].(object)["keys"].([]any), ring["keys"].([]any)...)
	return true
}

func at(key any) time.Time {
	t, err := time.Parse(time.RFC3339, key.(object)["activate_at"].(string))
	if err != nil {
		panic(err)
	}
	return t
}
