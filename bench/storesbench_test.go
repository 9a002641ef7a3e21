package main

import (
	"context"
	"strconv"
	"testing"
)

// BenchmarkRefresh is the whole Manager.Refresh, each time with rotation.
func BenchmarkRefresh(b *testing.B) {
	onStores(b, "refreshes/s", func(ctx context.Context, b *testing.B, s *site, callers int) (done, error) {
		b.ResetTimer()
		return together(callers, times(b.N), func(int) error { return s.refreshNext(ctx) })
	})
}

// BenchmarkStart is a sign-in of another subject each time.
func BenchmarkStart(b *testing.B) {
	onStores(b, "starts/s", func(ctx context.Context, b *testing.B, s *site, callers int) (done, error) {
		b.ResetTimer()
		_, d, err := s.startMany(ctx, callers, times(b.N))
		return d, err
	})
}

// BenchmarkLogout is Manager.Revoke of a session that has just begun.
func BenchmarkLogout(b *testing.B) {
	onStores(b, "logouts/s", func(ctx context.Context, b *testing.B, s *site, callers int) (done, error) {
		raws, _, err := s.startMany(ctx, mostCallers, times(b.N))
		if err != nil {
			return done{}, err
		}
		b.ResetTimer()
		return s.logoutAll(ctx, callers, raws)
	})
}

// onStores runs f on a site of each backend with so many callers.
func onStores(b *testing.B, unit string, f func(ctx context.Context, b *testing.B, s *site, callers int) (done, error)) {
	for _, backend := range backends {
		b.Run(backend.name, func(b *testing.B) {
			ctx := b.Context()
			s, stop, err := openRunning(ctx, backend.start(b), "bench")
			if err != nil {
				b.Fatal(err)
			}
			for _, callers := range callerCounts {
				b.Run(strconv.Itoa(callers), func(b *testing.B) {
					b.ReportAllocs()
					d, err := f(ctx, b, s, callers)
					b.StopTimer()
					if err != nil || d.n != b.N {
						b.Fatalf("%d of %d, error %v", d.n, b.N, err)
					}
					b.ReportMetric(d.perSecond(), unit)
				})
			}
			if err := stop(); err != nil {
				b.Error(err)
			}
		})
	}
}
