package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// together runs a benchmark's body in 1, 16 and 64 goroutines.
func together(b *testing.B, config string, f func(b *testing.B, s writ.Store, each func(func(i int64) error))) {
	for _, callers := range []int64{1, 16, 64} {
		b.Run(fmt.Sprintf("%scallers=%d", config, callers), func(b *testing.B) {
			s := open(b, place(b))
			f(b, s, func(do func(int64) error) {
				var next atomic.Int64
				done := make(chan error)
				b.ReportAllocs()
				b.ResetTimer()
				for range callers {
					go func() {
						for {
							i := next.Add(1)
							if i > int64(b.N) {
								done <- nil
								return
							}
							if err := do(i); err != nil {
								done <- err
								return
							}
						}
					}()
				}
				var failed error
				for range callers {
					failed = errors.Join(failed, <-done)
				}
				b.StopTimer()
				if failed != nil {
					b.Fatal(failed)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		})
	}
}

const benchRows = 1000

// benchRow is what a session's row is like.
func benchRow(i int64) writ.Row {
	return writ.Row{ID: fmt.Sprintf("%022d", i%benchRows), Owner: fmt.Sprint("owner", i%100), Data: make([]byte, 300), Expires: time.Now().Add(time.Hour)}
}

// BenchmarkSave updates rows: each goroutine one of those that nobody else has at the time.
func BenchmarkSave(b *testing.B) {
	together(b, "", func(b *testing.B, s writ.Store, each func(func(int64) error)) {
		free := make(chan writ.Row, benchRows)
		for i := range int64(benchRows) {
			row, err := s.Save(b.Context(), benchRow(i))
			if err != nil {
				b.Fatal(err)
			}
			free <- row
		}
		each(func(int64) error {
			row, err := s.Save(b.Context(), <-free)
			free <- row
			return err
		})
	})
}

func BenchmarkSaveWithEntry(b *testing.B) {
	together(b, "", func(b *testing.B, s writ.Store, each func(func(int64) error)) {
		each(func(i int64) error {
			row := benchRow(i)
			row.ID = fmt.Sprint(i)
			_, err := s.Save(b.Context(), row, ended(row.ID))
			return err
		})
	})
}

func BenchmarkLoad(b *testing.B) {
	together(b, "", func(b *testing.B, s writ.Store, each func(func(int64) error)) {
		for i := range int64(benchRows) {
			if _, err := s.Save(b.Context(), benchRow(i)); err != nil {
				b.Fatal(err)
			}
		}
		each(func(i int64) error {
			_, err := s.Load(b.Context(), benchRow(i).ID)
			return err
		})
	})
}

func BenchmarkAppend(b *testing.B) {
	together(b, "", func(b *testing.B, s writ.Store, each func(func(int64) error)) {
		each(func(i int64) error { return s.Append(b.Context(), ended(fmt.Sprint(i))) })
	})
}

func ended(sid string) revocation.Entry {
	return revocation.Entry{Kind: revocation.Session, ID: sid, Before: revocation.Ended, Expires: time.Now().Add(time.Hour)}
}

func endedAll(owner string, before int64) revocation.Entry {
	return revocation.Entry{Kind: revocation.Subject, ID: owner, Before: before, Expires: time.Now().Add(time.Hour)}
}

// BenchmarkArrival is the time from an Append on one Store to its arrival in a Tail of another.
func BenchmarkArrival(b *testing.B) {
	for name, pollOnly := range map[string]bool{"push": false, "poll only": true} {
		b.Run(name, func(b *testing.B) {
			config := place(b)
			writer := open(b, config)
			config.PollOnly = pollOnly
			reader := open(b, config)
			from := start(b, reader)
			arrived := make(chan time.Time)
			ctx, stop := context.WithCancel(b.Context())
			var wait sync.WaitGroup
			wait.Go(func() {
				for ctx.Err() == nil {
					entries, next, err := reader.Tail(ctx, from)
					if err != nil && ctx.Err() == nil {
						b.Error(err)
					}
					for range entries {
						arrived <- time.Now()
					}
					from = next
				}
			})
			took, wrote := make([]time.Duration, b.N), make([]time.Duration, b.N)
			for i := range took {
				time.Sleep(rand.N(200 * time.Millisecond)) // at any time between two polls
				began := time.Now()
				if err := writer.Append(ctx, ended(fmt.Sprint(i))); err != nil {
					b.Fatal(err)
				}
				wrote[i] = time.Since(began)
				took[i] = (<-arrived).Sub(began)
			}
			stop()
			wait.Wait()
			for name, times := range map[string][]time.Duration{"": took, "append-": wrote} {
				slices.Sort(times)
				b.ReportMetric(times[b.N/2].Seconds()*1000, name+"p50-ms")
				b.ReportMetric(times[b.N*99/100].Seconds()*1000, name+"p99-ms")
			}
		})
	}
}
