package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

func BenchmarkSave(b *testing.B) {
	b.Run("row", func(b *testing.B) { benchmarkSave(b) })
	b.Run("row with entry", func(b *testing.B) { benchmarkSave(b, entry("")) })
}

// benchmarkSave updates one row per goroutine, 16 goroutines per core, with entries whose ID is new
// every time.
func benchmarkSave(b *testing.B, entries ...revocation.Entry) {
	s := open(b, filepath.Join(b.TempDir(), "sessions.db"))
	defer s.Close()
	ctx := b.Context()
	var id atomic.Int64
	data := make([]byte, 300)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		row := writ.Row{ID: fmt.Sprint("row", id.Add(1)), Owner: "alice", Data: data, Expires: time.Now().Add(time.Hour)}
		mine := append([]revocation.Entry(nil), entries...)
		for pb.Next() {
			for i := range mine {
				mine[i].ID = fmt.Sprint(id.Add(1))
			}
			var err error
			if row, err = s.Save(ctx, row, mine...); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "sessions.db"))
	defer s.Close()
	ctx := b.Context()
	for i := range 1000 {
		if _, err := s.Save(ctx, writ.Row{ID: fmt.Sprint(i), Owner: "alice", Data: make([]byte, 300)}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Load(ctx, fmt.Sprint(i%1000)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
