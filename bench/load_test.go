package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEveryDoorHasATurnBesideNone(t *testing.T) {
	s, err := newSuite(algorithms[0])
	if err != nil {
		t.Fatal(err)
	}
	h := &host{}
	defer h.close()
	doors, _, err := doors(t.Context(), h, s)
	if err != nil {
		t.Fatal(err)
	}
	c := openClients(t)
	const rounds = 2
	servers, err := load(t.Context(), c, doors, rounds, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(servers) != len(doors)+1 {
		t.Errorf("%d doors are measured, want %d and the first once more", len(servers), len(doors))
	}
	for i, s := range servers {
		if i > 0 && len(s.ratios) != rounds || s.same != "" && len(s.sames) != rounds || s.answers == 0 {
			t.Errorf("%s: %d ratios, %d to the same answer, %d answers", s.name, len(s.ratios), len(s.sames), s.answers)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := load(stopped, c, doors, rounds, time.Millisecond); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted, it gives %v", err)
	}
}

func TestATargetIsMetByTheMedian(t *testing.T) {
	bare := &server{door: door{name: "bare"}, rates: []float64{100}, answers: 1}
	guard := &server{door: door{name: "guard", goal: &goal{}, same: "alike"}, rates: []float64{90}, answers: 1,
		ratios: []float64{0.90, 0.94, 0.99}, sames: []float64{0.93, 0.96, 0.97}}
	var out strings.Builder
	writeLoad(&out, []*server{bare, guard})
	for _, want := range []string{
		"| bare | guard | 0.940 | 0.900–0.940 | **missed** |",
		"| alike | guard | 0.960 | 0.930–0.960 | met |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
}

func TestAGoalMayBeMeasuredAgainstAnotherDoor(t *testing.T) {
	table := &table{
		rows:  []row{{name: "raw"}, {name: "first"}, {name: "second"}, {name: "third"}},
		cells: []cell{{ns: 5000}, {ns: 300, allocs: 1}, {ns: 400}, {ns: 401, allocs: 2}},
	}
	var out strings.Builder
	writeGoals(&out, table, []door{
		{name: "first", goal: &goal{ns: 300}}, {name: "second", goal: &goal{100, "first", 0}}, {name: "third", goal: &goal{100, "first", 2}}})
	for _, want := range []string{
		"| first | at most 300 ns: met | at most 0 allocs: **missed** |",
		"| second | at most 100 ns more than first: met | at most 0 allocs: met |",
		"| third | at most 100 ns more than first: **missed** | at most 2 allocs: met |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
}

func TestWithoutRedisItsDoorIsLeftOutAndNamed(t *testing.T) {
	t.Setenv("PATH", "")
	t.Setenv("CI", "")
	h := &host{}
	defer h.close()
	doors, absent, err := scsDoors(t.Context(), h)
	if err != nil || len(doors) != 1 || len(absent) != 1 || !strings.Contains(absent[0], "scs, Redis, cookie: not measured: redis-server is not installed") {
		t.Errorf("%d doors, absent %q, error %v", len(doors), absent, err)
	}
}
