package writ_test

import (
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// BenchmarkRefresh rotates at every turn: a read, a decision, a signature and a write.
func BenchmarkRefresh(b *testing.B) {
	for name, store := range stores {
		b.Run(name, func(b *testing.B) {
			c := newClock()
			m := open(b, store(b), c, writ.Config{
				Algorithm: keys.EdDSA,
				Rotation: rotation.Policy{
					Latency: 2 * time.Second, JarFlush: time.Nanosecond, Skew: time.Millisecond, Window: 4002 * time.Millisecond,
				},
			})
			sessions := make([]*token.Pair, 0, 64)
			for range cap(sessions) {
				sessions = append(sessions, start(b, m, "alice"))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%len(sessions) == 0 {
					c.advance(4100 * time.Millisecond)
				}
				p := refresh(b, m, sessions[i%len(sessions)].Refresh)
				if p.Refresh == "" {
					b.Fatal("it was not rotated")
				}
				sessions[i%len(sessions)] = p
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	m := open(b, stores["memory"](b), newClock(), writ.Config{Algorithm: keys.EdDSA})
	raw := start(b, m, "alice").Access
	b.ReportAllocs()
	for b.Loop() {
		verified(b, m, raw)
	}
}
