package memory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAnOrderIsAsASortedSet(t *testing.T) {
	var o order
	set := make(map[string]bool)
	random := rand.New(rand.NewPCG(1, 2))
	for step := range 40_000 {
		id := fmt.Sprint(random.IntN(6000))
		if growing := step < 20_000; set[id] != growing || random.IntN(10) == 0 { // some twice, some that are not there
			if growing {
				o, set[id] = o.add(id), true
			} else {
				o = o.remove(id)
				delete(set, id)
			}
		}
		if step%500 != 0 {
			continue
		}
		want := make([]string, 0, len(set))
		for id := range set {
			want = append(want, id)
		}
		slices.Sort(want)
		if got := slices.Collect(o.after("")); !slices.Equal(got, want) {
			t.Fatalf("step %d: %d IDs, want %d in order", step, len(got), len(want))
		}
		from, found := slices.BinarySearch(want, id)
		if found {
			from++
		}
		if got := slices.Collect(o.after(id)); !slices.Equal(got, want[from:]) {
			t.Fatalf("step %d: after %s are %d IDs, want %d", step, id, len(got), len(want)-from)
		}
		for _, ids := range o {
			if len(ids) == 0 || len(ids) > chunk {
				t.Fatalf("step %d: a chunk has %d IDs", step, len(ids))
			}
		}
	}
}

func TestAnOwnerWithoutRowsCostsNoMemory(t *testing.T) {
	var o order
	for i := range 2000 {
		o = o.add(fmt.Sprint(i))
	}
	for i := range 2000 {
		o = o.remove(fmt.Sprint(i))
	}
	if len(o) != 0 {
		t.Errorf("%d chunks are left", len(o))
	}
}
