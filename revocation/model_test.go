package revocation_test

import (
	"encoding/base64"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

type name struct {
	kind revocation.Kind
	id   string
}

// model is the list as it would be if speed and memory did not matter.
type model map[name]revocation.Entry

func (m model) apply(entries ...revocation.Entry) {
	for _, e := range entries {
		n := name{e.Kind, e.ID}
		if old, ok := m[n]; ok {
			e = e.Merge(old)
		}
		m[n] = e
	}
}

func (m model) sweep(now time.Time) {
	maps.DeleteFunc(m, func(_ name, e revocation.Entry) bool { return !e.Expires.IsZero() && !now.Before(e.Expires) })
}

func (m model) revoked(v *token.Verified) bool {
	for n := range names(v) {
		if v.Stamp() <= m[n].Before {
			return true
		}
	}
	return false
}

func names(v *token.Verified) map[name]bool {
	return map[name]bool{
		{revocation.Token, v.ID()}: true, {revocation.Session, v.SessionID()}: true, {revocation.Key, v.KeyID()}: true,
		{revocation.Subject, v.Subject()}: true, {revocation.Everything, ""}: true,
	}
}

func sweep(l *revocation.List, at time.Time) {
	for part := range revocation.Parts {
		l.SweepPart(part, at)
	}
}

// all is what a visit of the list finds, by name.
func all(t *testing.T, l *revocation.List) model {
	t.Helper()
	m := model{}
	for e := range l.All() {
		n := name{e.Kind, e.ID}
		if _, twice := m[n]; twice {
			t.Fatalf("a %s stands twice in the list", e.Kind)
		}
		m[n] = e
	}
	return m
}

// equal compares the list with m in every way that there is to look at it.
func equal(t *testing.T, l *revocation.List, m model) {
	t.Helper()
	if n := l.Stats().Entries; n != len(m) {
		t.Fatalf("%d entries, want %d", n, len(m))
	}
	for n, e := range m {
		if got := l.Before(n.kind, n.id); got != e.Before {
			t.Fatalf("%s %q: before %d, want %d", n.kind, n.id, got, e.Before)
		}
	}
	if !maps.EqualFunc(all(t, l), m, func(a, b revocation.Entry) bool {
		return a.Kind == b.Kind && a.ID == b.ID && a.Before == b.Before && a.Expires.Equal(b.Expires)
	}) {
		t.Fatal("a visit finds other entries, or other times")
	}
}

// twins are names that are easily taken for each other.
func twins(id string) []string {
	all := []string{id, id + "=", id + "A", id[:len(id)-1], strings.ToLower(id), "\n" + id[1:], id[:21] + "\n", "\r\n" + id[2:], id[2:] + "\n\n"}
	for _, c := range "ABCDghwx+/-_" { // other last characters, of which some spell the same bytes
		all = append(all, id[:21]+string(c))
	}
	raw, _ := base64.RawURLEncoding.DecodeString(id)
	return append(all, string(raw))
}

// seeded is random, and its seed is logged.
func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

var kinds = []revocation.Kind{revocation.Token, revocation.Session, revocation.Key, revocation.Subject}

// universe is few enough names that they often meet.
func universe(r *rand.Rand) []name {
	ids := []string{"alice", "bob", "a", strings.Repeat("x", 1000), "\x00\xff"}
	for range 150 {
		ids = append(ids, benchID(r.IntN(1<<30)))
	}
	ids = append(ids, twins(benchID(r.IntN(1<<30)))...)
	all := []name{{revocation.Everything, ""}}
	for _, id := range ids {
		for _, k := range kinds {
			all = append(all, name{k, id})
		}
	}
	return all
}

func randomEntry(r *rand.Rand, names []name, now time.Time) revocation.Entry {
	n := names[r.IntN(len(names))]
	if n.kind == revocation.Everything && r.IntN(20) > 0 {
		n = names[1]
	}
	e := revocation.Entry{Kind: n.kind, ID: n.id, Before: 1 + r.Int64N(20)}
	if r.IntN(4) == 0 {
		e.Before = revocation.Ended
	}
	if r.IntN(50) > 0 {
		e.Expires = now.Add(time.Duration(r.IntN(300)-5) * time.Second)
	}
	return e
}
