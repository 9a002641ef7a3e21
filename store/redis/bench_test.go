package redis_test

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
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

// BenchmarkSnapshot reads a million entries. Beside the time on the clock, which other programs
// prolong, it reports what the client and the server have worked.
func BenchmarkSnapshot(b *testing.B) {
	const size = 1_000_000
	server := servers.Redis(b, "appendfsync everysec")
	s := open(b, redis.Config{URL: server.URL()})
	a := admin(b, server.Addr())
	batch := make([]revocation.Entry, 10_000)
	for n := range size / len(batch) {
		for i := range batch {
			batch[i] = entry(fmt.Sprintf("%032x", n*len(batch)+i)) // as long as an ID is
			batch[i].Expires = time.Unix(4e9, 0)
		}
		appendTo(b, s, batch...)
	}
	work := func() (own, servers float64) {
		info := a.InfoMap(b.Context(), "cpu").Val()["CPU"]
		for _, of := range []string{"used_cpu_user", "used_cpu_sys"} {
			seconds, err := strconv.ParseFloat(info[of], 64)
			if err != nil {
				b.Fatal(err)
			}
			servers += seconds
		}
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			b.Fatal(err)
		}
		return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9, servers
	}
	best := time.Hour
	own, servers := work()
	for b.Loop() {
		n := 0
		start := time.Now()
		if _, err := s.Snapshot(b.Context(), func(revocation.Entry) { n++ }); err != nil || n != size {
			b.Fatalf("%d entries, error %v", n, err)
		}
		best = min(best, time.Since(start))
	}
	ownAfter, serversAfter := work()
	b.ReportMetric(best.Seconds(), "best-s/op")
	b.ReportMetric((ownAfter-own)/float64(b.N), "client-s/op")
	b.ReportMetric((serversAfter-servers)/float64(b.N), "server-s/op")
}

// BenchmarkArrival is how long after an Append of one Store its entry comes from a Tail of another, at a
// hundred appends a second. Use -benchtime 1000x.
func BenchmarkArrival(b *testing.B) {
	url := servers.Redis(b, "appendfsync everysec").URL()
	for _, pollOnly := range []bool{false, true} {
		b.Run(fmt.Sprint("PollOnly=", pollOnly), func(b *testing.B) {
			c := redis.Config{URL: url, Prefix: rand.Text(), PollOnly: pollOnly}
			other, s := open(b, c), open(b, c)
			_, cursor := snapshot(b, s)
			begun := make([]time.Time, b.N)
			var took []time.Duration
			var mu sync.Mutex
			var tailing sync.WaitGroup
			tailing.Go(func() {
				for len(took) < b.N {
					entries, next, err := s.Tail(b.Context(), cursor)
					if err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					for _, e := range entries {
						n, _ := strconv.Atoi(e.ID)
						took = append(took, time.Since(begun[n]))
					}
					mu.Unlock()
					cursor = next
				}
			})
			for n := range b.N {
				time.Sleep(mathrand.N(20 * time.Millisecond))
				mu.Lock()
				begun[n] = time.Now()
				mu.Unlock()
				appendTo(b, other, entry(strconv.Itoa(n)))
			}
			tailing.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
