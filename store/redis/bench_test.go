package redis_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/redis"
)

// benchmark calls f from 1, 16 and 64 callers at once, on a server that syncs its file every second.
func benchmark(b *testing.B, f func(s *redis.Store, caller, n int) error) {
	s := open(b, redis.Config{URL: servers.Redis(b, "appendfsync everysec").URL()})
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(callers, " callers"), func(b *testing.B) {
			b.ReportAllocs()
			var next atomic.Int64
			var all sync.WaitGroup
			for caller := range callers {
				all.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						if err := f(s, caller, int(n)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

func BenchmarkSave(b *testing.B) {
	var rows [64]writ.Row
	for i := range rows {
		rows[i] = writ.Row{ID: fmt.Sprint("row", i), Owner: "alice", Data: make([]byte, 300), Expires: time.Now().Add(time.Hour)}
	}
	benchmark(b, func(s *redis.Store, caller, n int) (err error) {
		if rows[caller].Version == 0 {
			if row, err := s.Load(b.Context(), rows[caller].ID); err == nil {
				rows[caller] = row
			}
		}
		rows[caller], err = s.Save(b.Context(), rows[caller])
		return err
	})
}

func BenchmarkLoad(b *testing.B) {
	var once sync.Once
	benchmark(b, func(s *redis.Store, caller, n int) error {
		once.Do(func() {
			for i := range 1000 {
				save(b, s, writ.Row{ID: fmt.Sprint(i), Owner: "alice", Data: make([]byte, 300)})
			}
		})
		_, err := s.Load(b.Context(), fmt.Sprint(n%1000))
		return err
	})
}

func BenchmarkAppend(b *testing.B) {
	var id atomic.Int64
	expires := time.Now().Add(time.Hour)
	benchmark(b, func(s *redis.Store, caller, n int) error {
		return s.Append(b.Context(), revocation.Entry{
			Kind: revocation.Session, ID: fmt.Sprint(id.Add(1)), Before: revocation.Ended, Expires: expires,
		})
	})
}

// BenchmarkAppendMany is how long one Append holds up the server, and everybody else.
func BenchmarkAppendMany(b *testing.B) {
	s := open(b, redis.Config{URL: servers.Redis(b, "appendfsync everysec").URL()})
	for _, size := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(size, " entries"), func(b *testing.B) {
			batch := make([]revocation.Entry, size)
			for n := range b.N {
				for i := range batch {
					batch[i] = entry(fmt.Sprint(size, "-", n, "-", i))
					batch[i].Expires = time.Unix(4e9, 0)
				}
				appendTo(b, s, batch...)
			}
		})
	}
}
