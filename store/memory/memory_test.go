package memory_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) func() writ.Store {
		s := memory.Open()
		return func() writ.Store { return s }
	})
}

func TestACursorOfAnotherInstanceIsAGap(t *testing.T) {
	ctx := t.Context()
	first, second := memory.Open(), memory.Open()
	cursor, err := first.Snapshot(ctx, func(revocation.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := second.Tail(ctx, cursor); err != revocation.ErrGap {
		t.Errorf("error %v, want ErrGap: what the first knew is lost", err)
	}
}

func TestACursorTooFarBehindIsAGap(t *testing.T) { // req 61
	ctx := t.Context()
	s := memory.Open()
	cursor, err := s.Snapshot(ctx, func(revocation.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	const many = 200_000
	for i := range many {
		e := revocation.Entry{Kind: revocation.Session, ID: fmt.Sprint(i), Before: revocation.Ended}
		if err := s.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Tail(ctx, cursor); err != revocation.ErrGap {
		t.Errorf("error %v, want ErrGap", err)
	}
	n := 0
	if _, err := s.Snapshot(ctx, func(revocation.Entry) { n++ }); err != nil || n != many {
		t.Errorf("snapshot has %d entries of %d, error %v: only the order may be forgotten", n, many, err)
	}
}

func BenchmarkSave(b *testing.B) {
	b.Run("row", func(b *testing.B) { benchmarkSave(b) })
	b.Run("row with entry", func(b *testing.B) {
		benchmarkSave(b, revocation.Entry{Kind: revocation.Session, Before: revocation.Ended})
	})
}

// benchmarkSave updates one row per goroutine, with entries whose ID is new every time.
func benchmarkSave(b *testing.B, entries ...revocation.Entry) {
	s := memory.Open()
	var id atomic.Int64
	data := make([]byte, 300)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		row := writ.Row{ID: fmt.Sprint("row", id.Add(1)), Owner: "alice", Data: data}
		mine := append([]revocation.Entry(nil), entries...)
		for pb.Next() {
			for i := range mine {
				mine[i].ID = fmt.Sprint(id.Add(1))
			}
			var err error
			if row, err = s.Save(context.Background(), row, mine...); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	s := memory.Open()
	ctx := b.Context()
	for i := range 1000 {
		if _, err := s.Save(ctx, writ.Row{ID: fmt.Sprint(i), Owner: "alice", Data: make([]byte, 300)}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Load(ctx, fmt.Sprint(i%1000)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
