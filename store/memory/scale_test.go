package memory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
)

// BenchmarkScale shows what stays as fast with a million rows as with ten thousand. A half of all rows
// is alice's.
func BenchmarkScale(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d rows", n), func(b *testing.B) { scale(b, n) })
	}
}

func scale(b *testing.B, n int) {
	ctx := b.Context()
	s := memory.Open()
	defer s.Close()
	number := func(i int) string { return fmt.Sprintf("%08x", uint32(i)*2654435761) } // in no order
	save := func(i int, life time.Duration) {
		row := writ.Row{ID: number(i), Owner: fmt.Sprint("u", i/10), Data: make([]byte, 100), Expires: time.Now().Add(life)}
		if i%2 == 1 {
			row.Owner = "alice"
		}
		if _, err := s.Save(ctx, row); err != nil {
			b.Fatal(err)
		}
	}
	for i := range n {
		save(i, time.Hour)
	}
	id := n
	b.Run("Load", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Load(ctx, number(rand.IntN(n))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("List of 500 of many", func(b *testing.B) {
		for b.Loop() {
			if rows, err := s.List(ctx, "alice", fmt.Sprintf("%08x", rand.Uint32N(1<<31)), 500); err != nil || len(rows) != 500 {
				b.Fatalf("%d rows, error %v", len(rows), err)
			}
		}
	})
	b.Run("Save of a new row", func(b *testing.B) {
		for b.Loop() {
			id++
			save(id|1, time.Hour)
			id++
		}
	})
	b.Run("Purge of a batch", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			for range 1000 {
				id += 2
				save(id|1, -time.Hour)
			}
			b.StartTimer()
			if _, err := s.Purge(ctx, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
