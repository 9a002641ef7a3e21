package revocation

import (
	"math/rand/v2"
	"testing"
)

func TestTheFilterForgetsNoName(t *testing.T) {
	for _, slots := range []int{2, 3, 50, 5000} {
		f := newFilter(slots)
		hashes := make([]uint64, slots)
		for i := range hashes {
			hashes[i] = rand.Uint64()
			f.add(hashes[i])
		}
		for _, h := range hashes {
			if !f.has(h) {
				t.Fatalf("%d slots: a name that was added is not there", slots)
			}
		}
	}
}

// What passes costs a search: it is about speed alone, and the bound is generous.
func TestTheFilterPassesFewOthers(t *testing.T) {
	const slots = 10_000
	f := newFilter(slots)
	for range limitOf(slots) {
		f.add(rand.Uint64())
	}
	passed := 0
	for range 100_000 {
		if f.has(rand.Uint64()) {
			passed++
		}
	}
	t.Logf("%d of 100,000 passed", passed)
	if passed > 1000 {
		t.Errorf("%d of 100,000 names that are not there passed", passed)
	}
}
