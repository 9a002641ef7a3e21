package revocation_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

func TestTheListIsAMapOfMergedEntries(t *testing.T) {
	r := seeded(t)
	m := newMint(t)
	for range 8 {
		now, l, model, names := start, load(t, newSource()), model{}, universe(r)
		var tokens []*token.Verified
		for i := range 10 {
			subject, session := strings.ToValidUTF8(names[r.IntN(len(names))].id, "?"), strings.ToValidUTF8(names[r.IntN(len(names))].id, "?")
			tokens = append(tokens, m.token(t, cmp.Or(subject, "carol"), session, int64(2*i+1)))
		}
		for _, v := range tokens { // so that names of tokens come up, too
			names = append(names, name{revocation.Token, v.ID()}, name{revocation.Key, v.KeyID()})
		}
		for range 200 {
			switch r.IntN(10) {
			case 0:
				now = now.Add(time.Duration(r.IntN(60)) * time.Second)
			case 1:
				sweep(l, now)
				model.sweep(now)
			case 2:
				equal(t, l, model)
			default:
				var batch []revocation.Entry
				for range r.IntN(20) {
					batch = append(batch, randomEntry(r, names, now))
				}
				l.Apply(batch...)
				model.apply(batch...)
			}
			n := names[r.IntN(len(names))]
			if got := l.Before(n.kind, n.id); got != model[n].Before {
				t.Fatalf("%s %q: before %d, want %d", n.kind, n.id, got, model[n].Before)
			}
			for _, v := range tokens {
				if got, _ := l.Revoked(v); got != model.revoked(v) {
					t.Fatalf("revoked is %v", got)
				}
			}
		}
		equal(t, l, model)
	}
}

func TestMergingKnowsNoOrder(t *testing.T) {
	r := seeded(t)
	names := universe(r)[:30]
	for range 50 {
		var entries []revocation.Entry
		for range 300 {
			entries = append(entries, randomEntry(r, names, start))
		}
		want := model{}
		want.apply(entries...)
		for range 3 {
			again := slices.Concat(entries, entries[:r.IntN(len(entries))])
			r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
			l := load(t, newSource(again[:100]...))
			l.Apply(again[100:]...)
			equal(t, l, want)
		}
	}
}

func TestOneNameIsNotAnother(t *testing.T) {
	r := seeded(t)
	for range 200 {
		ids := twins(benchID(r.IntN(1 << 30)))
		slices.Sort(ids)
		ids = slices.Compact(ids)
		at := r.IntN(len(ids))
		l := load(t, newSource())
		l.Apply(revocation.Entry{Kind: revocation.Session, ID: ids[at], Before: 7})
		for i, id := range ids {
			for _, k := range kinds {
				want := int64(0)
				if i == at && k == revocation.Session {
					want = 7
				}
				if got := l.Before(k, id); got != want {
					t.Fatalf("with session %q in the list, %s %q is before %d", ids[at], k, id, got)
				}
			}
		}
	}
}

func TestNamesOfAnyLength(t *testing.T) {
	l, m := load(t, newSource()), model{}
	for i := range 40_000 {
		e := revocation.Entry{
			Kind: kinds[i%len(kinds)], ID: strings.Repeat("a", i%97) + string(rune(0x400+i%31)) + benchID(i)[:i%22],
			Before: int64(i + 1), Expires: start.Add(time.Duration(i) * time.Second),
		}
		l.Apply(e)
		m.apply(e)
	}
	equal(t, l, m)
	now := start.Add(20_000 * time.Second)
	sweep(l, now)
	m.sweep(now)
	equal(t, l, m)
}

func TestNoEntryLeavesEarly(t *testing.T) { // req 61
	for name, test := range map[string]struct {
		expires, now time.Time
		gone         bool
	}{
		"a second before":            {start, start.Add(-time.Second), false},
		"a nanosecond before":        {start, start.Add(-1), false},
		"at its time":                {start, start, true},
		"within its second":          {start.Add(500 * time.Millisecond), start.Add(400 * time.Millisecond), false},
		"in the next second":         {start.Add(500 * time.Millisecond), start.Add(time.Second), true},
		"never":                      {time.Time{}, start.AddDate(200, 0, 0), false},
		"at its time, in 2100":       {start.AddDate(74, 0, 0), start.AddDate(74, 0, 0), true},
		"later than seconds reach":   {start.AddDate(100, 0, 0), start.AddDate(99, 0, 0), false},
		"long ago, on a slow clock":  {time.Unix(-5, 0), time.Unix(-6, 0), false},
		"long ago":                   {time.Unix(-5, 0), start, true},
		"before a clock was set":     {start, time.Unix(0, 0), false},
		"in another zone than ours":  {start.In(time.FixedZone("", 3600)), start, true},
		"on a clock at its very end": {time.Time{}, time.Unix(1<<40, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range []revocation.Entry{
				{revocation.Session, benchID(1), 7, test.expires}, {revocation.Subject, "alice", 7, test.expires},
				{revocation.Everything, "", 7, test.expires},
			} {
				l := load(t, newSource(e))
				sweep(l, test.now)
				if gone := l.Before(e.Kind, e.ID) == 0; gone != test.gone {
					t.Errorf("gone is %v, want %v", gone, test.gone)
				}
				if n := l.Stats().Entries; (n == 0) != test.gone {
					t.Errorf("%d entries", n)
				}
			}
		})
	}
}

func TestTheListKeepsNoMemoryOfOthers(t *testing.T) {
	answer := "a long answer of a store, in which one name stands"
	l := load(t, newSource())
	l.Apply(revocation.Entry{Kind: revocation.Subject, ID: answer[:6], Before: 1})
	for e := range l.All() {
		if unsafe.StringData(e.ID) == unsafe.StringData(answer) {
			t.Error("the list keeps the whole of what an ID was a part of")
		}
	}
}

func TestATokenThatTwoListsKnow(t *testing.T) {
	v := newMint(t).token(t, "alice", benchID(1), 1000)
	first, second := load(t, newSource()), load(t, newSource())
	for i, l := range []*revocation.List{first, second, first, second} {
		if revoked, _ := l.Revoked(v); revoked {
			t.Fatalf("list %d: revoked", i)
		}
	}
	second.Apply(revocation.Entry{Kind: revocation.Session, ID: benchID(1), Before: revocation.Ended})
	if revoked, _ := first.Revoked(v); revoked {
		t.Error("revoked in the list that knows nothing of it")
	}
	if revoked, _ := second.Revoked(v); !revoked {
		t.Error("not revoked in the list that was not first to look")
	}
}

func TestTheCheckAllocatesNothing(t *testing.T) {
	m := newMint(t)
	l := load(t, newSource())
	live, ended := m.token(t, "alice", benchID(1), 1000), m.token(t, "alice", "s2", 1000)
	l.Apply(
		revocation.Entry{Kind: revocation.Session, ID: "s2", Before: revocation.Ended},
		revocation.Entry{Kind: revocation.Subject, ID: "bob", Before: revocation.Ended},
		revocation.Entry{Kind: revocation.Key, ID: "k", Before: revocation.Ended},
	)
	if n := testing.AllocsPerRun(100, func() { l.Revoked(live); l.Revoked(ended) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWhatNamesNothingIsLeftOut(t *testing.T) {
	l := load(t, newSource())
	l.Apply(
		revocation.Entry{Kind: revocation.Session, Before: 1}, revocation.Entry{Kind: revocation.Everything, ID: "x", Before: 1},
		revocation.Entry{Kind: 0, ID: "x", Before: 1}, revocation.Entry{Kind: 200, ID: "x", Before: 1},
		revocation.Entry{Kind: revocation.Session, ID: "x"}, revocation.Entry{Kind: revocation.Session, ID: "y", Before: -1},
	)
	equal(t, l, model{})
	for _, n := range []name{{0, "x"}, {200, "x"}, {revocation.Session, ""}, {revocation.Everything, "x"}, {revocation.Session, "y"}} {
		if l.Before(n.kind, n.id) != 0 {
			t.Errorf("kind %d %q is in the list", n.kind, n.id)
		}
	}
}
