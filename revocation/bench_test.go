package revocation_test

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// benchID is the nth of the IDs in a benchmark, 16 bytes as an issuer draws them.
func benchID(n int) string {
	var b [16]byte
	random := rand.NewPCG(uint64(n), 0)
	binary.LittleEndian.PutUint64(b[:8], random.Uint64())
	binary.LittleEndian.PutUint64(b[8:], random.Uint64())
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func benchEntry(n int) revocation.Entry {
	e := revocation.Entry{Kind: revocation.Session, ID: benchID(n), Before: revocation.Ended}
	if n%5 < 2 {
		e.Kind = revocation.Token
	}
	e.Expires = start.Add(time.Duration(n%3600) * time.Second)
	return e
}

// benchList has n sessions and tokens, and something of every other kind, so that no look-up is left
// out. It reports what that takes.
func benchList(b *testing.B, n int) (l *revocation.List, bytesPerEntry float64) {
	l = load(b, newSource())
	before := heap()
	for i := range n {
		l.Apply(benchEntry(i))
	}
	bytesPerEntry = float64(heap()-before) / float64(n)
	for i := range 1000 {
		l.Apply(revocation.Entry{Kind: revocation.Subject, ID: "user-" + strconv.Itoa(i), Before: 1})
	}
	l.Apply(
		revocation.Entry{Kind: revocation.Key, ID: "q4iwQuNKGOfTkVOjjSa_mPwQ5OpwFYgMZcXcDgGJVq8", Before: revocation.Ended},
		revocation.Entry{Kind: revocation.Everything, Before: 1},
	)
	return l, bytesPerEntry
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// benchTokens are verified tokens of the sessions whose numbers are given.
func benchTokens(b *testing.B, n int, session func(int) int) []*token.Verified {
	private, err := keys.Generate(keys.HS256)
	if err != nil {
		b.Fatal(err)
	}
	m := mintWith(b, private)
	tokens := make([]*token.Verified, n)
	for i := range tokens {
		tokens[i] = m.token(b, "customer-"+strconv.Itoa(i), benchID(session(i)), start.UnixMicro())
	}
	return tokens
}

// unlisted is above the numbers of all entries.
const unlisted = 1 << 30

var sizes = []struct {
	name string
	n    int
}{{"100k", 100_000}, {"1M", 1_000_000}, {"10M", 10_000_000}}

// BenchmarkCheck is the whole check of tokens that were checked before: miss, of 1,000 tokens that
// nothing revokes; many, of 100,000, which the processor's caches do not hold; hit, of 1,000 whose
// session ended; beside, a miss while 10,000 entries a second are added.
func BenchmarkCheck(b *testing.B) {
	live := func(i int) int { return unlisted + i }
	ended := func(i int) int { return i*5 + 4 }
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			l, bytesPerEntry := benchList(b, size.n)
			few := benchTokens(b, 1000, live)
			run := func(name string, tokens []*token.Verified, want bool) {
				b.Run(name, func(b *testing.B) {
					check(b, l, tokens, want)
					b.ReportMetric(bytesPerEntry, "bytes/entry")
				})
			}
			run("miss", few, false)
			run("hit", benchTokens(b, 1000, ended), true)
			run("many", benchTokens(b, 100_000, live), false)
			b.Run("beside", func(b *testing.B) {
				stop := make(chan struct{})
				part := make(chan float64)
				go func() { part <- apply(l, size.n, stop) }()
				check(b, l, few, false)
				close(stop)
				b.ReportMetric(100*<-part, "%core")
			})
		})
	}
}

func check(b *testing.B, l *revocation.List, tokens []*token.Verified, want bool) {
	for _, v := range tokens {
		l.Revoked(v)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if revoked, _ := l.Revoked(tokens[i]); revoked != want {
			b.Fatalf("revoked is %v", revoked)
		}
		if i++; i == len(tokens) {
			i = 0
		}
	}
}

// apply adds 10,000 entries a second, from number n on, until stop. It returns which part of the time
// it took.
func apply(l *revocation.List, n int, stop <-chan struct{}) float64 {
	began, busy := time.Now(), time.Duration(0)
	for added := 0; ; {
		select {
		case <-stop:
			return float64(busy) / float64(time.Since(began))
		case <-time.After(time.Millisecond):
		}
		for ; added < int(time.Since(began)/(100*time.Microsecond)); added++ {
			e := benchEntry(n + added)
			at := time.Now()
			l.Apply(e)
			busy += time.Since(at)
		}
	}
}

// BenchmarkApply adds entries to a list that has many, and reports the longest that one took. A
// number of revocations a second times ns/op is their part of a core.
func BenchmarkApply(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			l, _ := benchList(b, size.n)
			entries := make([]revocation.Entry, 1<<16)
			n, worst := size.n, time.Duration(0)
			b.ReportAllocs()
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
				began := time.Now()
				l.Apply(entries[at])
				worst = max(worst, time.Since(began))
			}
			b.ReportMetric(float64(worst.Microseconds()), "worst-us")
		})
	}
}
