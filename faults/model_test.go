package faults_test

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// modelChecks is how many sequences of actions each store gets. A server answers more slowly.
func modelChecks(store string) int {
	switch store {
	case "memory":
		return rounds(100, 5_000)
	case "sqlite":
		return rounds(40, 1_000)
	case "redis":
		return rounds(60, 1_000)
	}
	return rounds(10, 250)
}

// TestModel lets two nodes of one issuer do what programs and their clients do, in any order, and
// compares everything they answer with a model. A failure prints the shortest sequence that rapid
// finds; its seed goes into WRIT_FAULTS_SEED.
func TestModel(t *testing.T) { // req 44, 49, 51, 57, 58, 60, 61, 66
	eachBackend(t, func(t *testing.T, b backend) {
		setRapid(t, modelChecks(b.name), rounds(60, 80))
		reached := map[verdict]int{}
		defer func() { t.Logf("reached: %v", reached) }()
		rapid.Check(t, func(r *rapid.T) {
			scope := &modelScope{TB: t}
			defer scope.close()
			m := newMachine(r, b.shared(scope), scope)
			m.reached = reached
			m.run(r)
		})
	})
}

// givenFlags are those of the command line.
var givenFlags = sync.OnceValue(func() map[string]bool {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
})

// setRapid sets what the command line does not.
func setRapid(t *testing.T, checks, steps int) {
	t.Helper()
	settings := map[string]string{
		"rapid.checks":     fmt.Sprint(checks),
		"rapid.steps":      fmt.Sprint(steps),
		"rapid.nofailfile": "true",
		"rapid.shrinktime": "10s",
	}
	if seed := os.Getenv("WRIT_FAULTS_SEED"); seed != "" {
		settings["rapid.seed"] = seed
	}
	given := givenFlags()
	for name, value := range settings {
		if given[name] {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
}

// modelScope ends what one sequence has opened with the sequence, not with the test.
type modelScope struct {
	testing.TB
	ends []func()
}

func (s *modelScope) Cleanup(end func()) { s.ends = append(s.ends, end) }

func (s *modelScope) TempDir() string {
	dir, err := os.MkdirTemp("", "writ-model-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (s *modelScope) close() {
	for len(s.ends) > 0 {
		last := len(s.ends) - 1
		end := s.ends[last]
		s.ends = s.ends[:last]
		end()
	}
}

// pace is how long everything lasts: one sequence cannot see both a retry window and a key of months
// end often.
type pace struct {
	name                                               string
	access, idle, recovery, absolute, stale, keyPeriod time.Duration
}

const (
	modelWindow = time.Minute // the default
	modelSkew   = 5 * time.Second
	modelFlush  = 30 * time.Second
	modelDelay  = 10 * time.Second
	modelDay    = 24 * time.Hour
)

var paces = []pace{
	{"minutes", 2 * time.Minute, 10 * time.Minute, 5 * time.Minute, 40 * time.Minute, time.Minute, -1},
	{"hours", 10 * time.Minute, 4 * time.Hour, time.Hour, 12 * time.Hour, 10 * time.Minute, 3 * time.Hour},
	{"months", time.Hour, 60 * modelDay, 60 * modelDay, 400 * modelDay, time.Hour, 30 * modelDay},
}
