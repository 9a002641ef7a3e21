package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/sqlite"
)

// BenchmarkSave updates one row for each caller: as a refresh does, with a revocation as a logout
// does (on the disk before it is acknowledged), and both mixed as a busy site has them.
func BenchmarkSave(b *testing.B) {
	for _, c := range []struct {
		name    string
		logouts func(caller, n int) bool
	}{
		{"row", func(int, int) bool { return false }},
		{"row with entry", func(int, int) bool { return true }},
		{"every 20th with entry", func(caller, n int) bool { return (caller+n)%20 == 0 }},
	} {
		for _, callers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d callers", c.name, callers), func(b *testing.B) {
				s := openBench(b)
				var id atomic.Int64
				expires := time.Now().Add(time.Hour)
				atOnce(b, callers, func(caller int, again func() bool) error {
					row := writ.Row{ID: fmt.Sprint("row", caller), Owner: "alice", Data: make([]byte, 300), Expires: expires}
					for n := 0; again(); n++ {
						row.Expires = row.Expires.Add(time.Second) // a session that is used lives on
						var entries []revocation.Entry
						if c.logouts(caller, n) {
							entries = append(entries, entry(fmt.Sprint(id.Add(1))))
						}
						var err error
						if row, err = s.Save(b.Context(), row, entries...); err != nil {
							return err
						}
					}
					return nil
				})
			})
		}
	}
}

// atOnce calls f for every caller; again says whether there is more to do.
func atOnce(b *testing.B, callers int, f func(caller int, again func() bool) error) {
	var done atomic.Int64
	var wait sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for caller := range callers {
		wait.Go(func() {
			if err := f(caller, func() bool { return done.Add(1) <= int64(b.N) }); err != nil {
				b.Error(err)
			}
		})
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "per-s")
}

func openBench(b *testing.B) *sqlite.Store {
	s := open(b, filepath.Join(b.TempDir(), "sessions.db"))
	b.Cleanup(func() { s.Close() })
	return s
}

func BenchmarkLoad(b *testing.B) {
	s := openBench(b)
	ctx := b.Context()
	for i := range 1000 {
		if _, err := s.Save(ctx, writ.Row{ID: fmt.Sprint(i), Owner: "alice", Data: make([]byte, 300), Expires: time.Now().Add(time.Hour)}); err != nil {
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

// BenchmarkList reads the sessions of one who signs in, which are few.
func BenchmarkList(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			s := openBench(b)
			for i := range 1000 {
				row := writ.Row{ID: fmt.Sprint(i), Owner: fmt.Sprint("owner", i/5), Data: make([]byte, 300), Expires: time.Now().Add(time.Hour)}
				if _, err := s.Save(b.Context(), row); err != nil {
					b.Fatal(err)
				}
			}
			atOnce(b, callers, func(caller int, again func() bool) error {
				for again() {
					if _, err := s.List(b.Context(), fmt.Sprint("owner", caller), "", 20); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
