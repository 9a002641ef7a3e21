package revocation

import (
	"hash/maphash"
	"strconv"
	"sync"
	"testing"
)

// What this is about only the race detector sees.
func TestWhoSeesASlotSeesItsKey(t *testing.T) {
	seed := maphash.MakeSeed()
	keys := make([]text, 40)
	for i := range keys {
		keys[i] = text(strconv.Itoa(i))
	}
	for range 100 {
		p := &part[text]{filter: newFilter(64), slots: make([]slot[text], 64), expires: make([]second, 64)}
		var group sync.WaitGroup
		stop := make(chan struct{})
		group.Go(func() {
			for {
				for i, k := range keys {
					if _, before := p.at(k.hash(seed), k); before != 0 && before != int64(i+1) {
						t.Errorf("key %d: before %d", i, before)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
		for i, k := range keys {
			p.insert(k.hash(seed), k, int64(i+1), never)
		}
		close(stop)
		group.Wait()
	}
}

func TestPartsHaveRoomAndAreWellFilled(t *testing.T) {
	for _, number := range []int{0, 1, parts / 2, parts - 1} {
		for n := 1; n < 30_000; n += 1 + n/50 {
			slots := slotsFor(n, number)
			if limit := limitOf(slots); limit < n || limit >= slots {
				t.Fatalf("part %d: %d slots for %d entries", number, slots, n)
			}
			if n > 100 && float64(n) < 0.65*float64(slots) {
				t.Errorf("part %d: %d slots for %d entries are too many", number, slots, n)
			}
		}
	}
}
