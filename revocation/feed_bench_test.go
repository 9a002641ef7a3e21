package revocation_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// BenchmarkCold is what it takes a follower of a real server until it is ready, with the server's snapshot
// already made, and with one that is made for it.
func BenchmarkCold(b *testing.B) {
	for _, size := range sizes {
		if size.n > 1_000_000 {
			continue
		}
		b.Run(size.name, func(b *testing.B) {
			s := newSigner(b, issuerName)
			l, _ := benchList(b, size.n)
			for _, made := range []bool{true, false} {
				b.Run(map[bool]string{true: "made", false: "anew"}[made], func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						if err := l.Load(b.Context()); err != nil {
							b.Fatal(err)
						}
						h := serves(b, l, s)
						if made && get(b, h, "page=0.1024").Code != http.StatusOK {
							b.Fatal("no snapshot")
						}
						c := overTLS(b, s, h)
						runtime.GC()
						b.StartTimer()
						follower := followed(b, c)
						b.StopTimer()
						if follower.AsOf().IsZero() || follower.Stats().Entries < size.n {
							b.Fatal("it is not ready")
						}
						b.StartTimer()
					}
				})
			}
		})
	}
}

// BenchmarkWaiting is 5,000 followers who wait for one change, without a network.
func BenchmarkWaiting(b *testing.B) {
	const followers = 5000
	s := newSigner(b, issuerName)
	l := load(b, newSource())
	h := serves(b, l, s)
	n, signatures := unlisted, int64(0)
	for b.Loop() {
		b.StopTimer()
		if err := l.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		cursor := claim(b, get(b, h, "").Body.Bytes(), "cursor")
		cursor = claim(b, get(b, h, "after="+cursor).Body.Bytes(), "cursor")
		var all sync.WaitGroup
		for range followers {
			all.Go(func() {
				if get(b, h, "wait=25&after="+cursor).Code != http.StatusOK {
					b.Error("no answer")
				}
			})
		}
		for h.Waiting() < followers {
			time.Sleep(time.Millisecond)
		}
		signatures -= s.signed.Load()
		b.StartTimer()
		l.Apply(benchEntry(n))
		n++
		all.Wait()
		signatures += s.signed.Load()
	}
	b.ReportMetric(float64(signatures)/float64(b.N), "signatures")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/followers, "us/follower")
}

// BenchmarkCheckBlinded is BenchmarkCheck for one who follows a feed; names is the first sight of a token.
func BenchmarkCheckBlinded(b *testing.B) {
	for _, size := range sizes[:2] {
		s := newSigner(b, issuerName)
		l, _ := benchList(b, size.n)
		if err := l.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		before := heap()
		follower := followed(b, overTLS(b, s, serves(b, l, s)))
		b.Run(size.name, func(b *testing.B) {
			few := benchTokens(b, 1000, func(i int) int { return unlisted + i })
			ended := benchTokens(b, 1000, func(i int) int { return i*5 + 4 })
			b.Run("miss", func(b *testing.B) { check(b, follower, few, false) })
			b.Run("plain-miss", func(b *testing.B) { check(b, l, benchTokens(b, 1000, func(i int) int { return unlisted + i }), false) })
			b.Run("hit", func(b *testing.B) { check(b, follower, ended, true) })
			b.Run("plain-hit", func(b *testing.B) { check(b, l, benchTokens(b, 1000, func(i int) int { return i*5 + 4 }), true) })
			b.Run("names", func(b *testing.B) {
				m := newMint(b)
				var tokens []*token.Verified
				for i := 0; b.Loop(); i++ {
					if i == len(tokens) {
						b.StopTimer()
						tokens, i = nil, 0
						for range 1000 {
							tokens = append(tokens, m.token(b, "alice", benchID(unlisted), 1))
						}
						b.StartTimer()
					}
					follower.Revoked(tokens[i])
				}
			})
		})
		b.Logf("%s: %d bytes on the heap for an entry of server and follower", size.name, int(heap()-before)/size.n)
		runtime.KeepAlive(follower)
	}
}

// TestTheFeedIsSmall says what a snapshot weighs, and what compressing it would save.
func TestTheFeedIsSmall(t *testing.T) {
	const n = 20_000
	l := load(t, newSource())
	for i := range n {
		l.Apply(benchEntry(i))
	}
	body := get(t, serves(t, l, newSigner(t, issuerName)), "page=0.1").Body.Bytes()
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	z.Write(body)
	z.Close()
	t.Logf("%.1f bytes an entry, %.1f with gzip", float64(len(body))/n, float64(small.Len())/n)
	if len(body) > n*22 {
		t.Errorf("%d bytes for %d entries", len(body), n)
	}
}

// BenchmarkApplyServed is BenchmarkApply where a Handler serves the list.
func BenchmarkApplyServed(b *testing.B) {
	s := newSigner(b, issuerName)
	l, _ := benchList(b, 1_000_000)
	h := serves(b, l, s)
	entries := make([]revocation.Entry, 1<<16)
	n := 1_000_000
	for i := 0; b.Loop(); i++ {
		at := i % len(entries)
		if at == 0 {
			b.StopTimer()
			for i := range entries {
				entries[i] = benchEntry(n)
				n++
			}
			b.StartTimer()
		}
		l.Apply(entries[at])
	}
	runtime.KeepAlive(h)
}
