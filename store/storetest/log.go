package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

var logTests = contractTests{
	{"an empty log has a snapshot", func(t *testing.T, b *bench) {
		b.wantEntries()
	}},
	{"entries of every kind come back as they were", func(t *testing.T, b *bench) { // req 59
		want := []revocation.Entry{
			{Kind: revocation.Token, ID: "same", Before: revocation.Ended, Expires: farAhead},
			{Kind: revocation.Session, ID: "same", Before: 1, Expires: farAhead.Add(time.Hour)},
			{Kind: revocation.Key, ID: "same", Before: 1 << 53},
			{Kind: revocation.Subject, ID: "same", Before: 7, Expires: farAhead},
			{Kind: revocation.Subject, ID: "Same", Before: 8, Expires: farAhead},
			{Kind: revocation.Subject, ID: "ålice'; --", Before: 9, Expires: farAhead},
			{Kind: revocation.Subject, ID: strings.Repeat("x", 1000), Before: 10, Expires: farAhead},
			{Kind: revocation.Everything, Before: 11, Expires: farAhead},
		}
		b.append(want...)
		b.wantEntries(want...)
	}},
	{"appending nothing is no error", func(t *testing.T, b *bench) {
		b.append()
		b.wantEntries()
	}},
	{"an invalid entry is refused, and all that come with it", func(t *testing.T, b *bench) {
		for _, e := range invalid {
			b.wantRefused("Append", b.store.Append(b.ctx, ended("s1"), e))
		}
		b.wantEntries()
	}},
	{"entries merge by the greatest Before and the latest Expires, in any order", func(t *testing.T, b *bench) {
		early, late := farAhead, farAhead.Add(time.Hour)
		for id, order := range map[string][]revocation.Entry{
			"up":    {{Before: 1, Expires: early}, {Before: 2, Expires: late}},
			"down":  {{Before: 2, Expires: late}, {Before: 1, Expires: early}},
			"cross": {{Before: 2, Expires: early}, {Before: 1, Expires: late}},
			"back":  {{Before: 1, Expires: late}, {Before: 2, Expires: early}},
		} {
			for _, e := range order {
				e.Kind, e.ID = revocation.Session, id
				b.append(e)
			}
			e := revocation.Entry{Kind: revocation.Subject, ID: id, Expires: order[0].Expires, Before: order[0].Before}
			f := revocation.Entry{Kind: revocation.Subject, ID: id, Expires: order[1].Expires, Before: order[1].Before}
			b.append(e, f) // in one transaction
		}
		var want []revocation.Entry
		for _, id := range []string{"up", "down", "cross", "back"} {
			want = append(want,
				revocation.Entry{Kind: revocation.Session, ID: id, Before: 2, Expires: late},
				revocation.Entry{Kind: revocation.Subject, ID: id, Before: 2, Expires: late})
		}
		b.wantEntries(want...)
	}},
	{"an entry that never expires stays so", func(t *testing.T, b *bench) {
		never := revocation.Entry{Kind: revocation.Key, ID: "k1", Before: revocation.Ended}
		b.append(never)
		b.append(revocation.Entry{Kind: revocation.Key, ID: "k1", Before: 1, Expires: farAhead})
		b.append(revocation.Entry{Kind: revocation.Key, ID: "k2", Before: 1, Expires: farAhead})
		b.append(revocation.Entry{Kind: revocation.Key, ID: "k2", Before: 1})
		b.wantEntries(never, revocation.Entry{Kind: revocation.Key, ID: "k2", Before: 1})
	}},
	{"appending again changes nothing", func(t *testing.T, b *bench) {
		for range 3 {
			b.append(ended("s1"), ended("s1"), cutoff("alice", 5))
		}
		b.wantEntries(ended("s1"), cutoff("alice", 5))
	}},

	{"a save carries its entries", func(t *testing.T, b *bench) { // req 49
		row := b.save(writ.Row{ID: "s1", Owner: "alice"}, ended("s0"))
		b.save(row, ended("s1"), cutoff("alice", 5))
		b.wantEntries(ended("s0"), ended("s1"), cutoff("alice", 5))
	}},
	{"a conflict appends no entry", func(t *testing.T, b *bench) { // req 49
		b.save(writ.Row{ID: "s1", Owner: "alice"})
		for _, version := range []uint64{0, 7} {
			_, err := b.store.Save(b.ctx, writ.Row{ID: "s1", Owner: "alice", Version: version}, ended("s1"), cutoff("alice", 5))
			b.wantErr("Save", err, writ.ErrConflict)
		}
		_, err := b.store.Save(b.ctx, writ.Row{ID: "s2", Version: 7}, ended("s2"))
		b.wantErr("Save", err, writ.ErrConflict)
		b.wantEntries()
		if got := b.load("s1").Cutoff; got != 0 {
			t.Errorf("cutoff %d, want none", got)
		}
	}},

	{"a cutoff is the greatest of the owner's and everybody's", func(t *testing.T, b *bench) {
		row := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead})
		want := func(cutoff int64) {
			t.Helper()
			got, listed := b.load("s1"), b.list("alice")
			if got.Cutoff != cutoff || len(listed) != 1 || listed[0].Cutoff != cutoff {
				t.Errorf("cutoff %d, want %d in Load and List", got.Cutoff, cutoff)
			}
			row = b.save(got)
			if row.Cutoff != cutoff {
				t.Errorf("cutoff %d after Save, want %d", row.Cutoff, cutoff)
			}
		}
		want(0)
		b.append(cutoff("bob", 90), cutoff("Alice", 91), ended("alice"),
			revocation.Entry{Kind: revocation.Token, ID: "alice", Before: 92, Expires: farAhead},
			revocation.Entry{Kind: revocation.Key, ID: "alice", Before: 93})
		want(0)
		b.append(cutoff("alice", 10))
		want(10)
		b.append(revocation.Entry{Kind: revocation.Everything, Before: 5, Expires: farAhead})
		want(10)
		b.append(revocation.Entry{Kind: revocation.Everything, Before: 20, Expires: farAhead})
		want(20)
		b.append(cutoff("alice", 1))
		want(20)
		b.append(cutoff("alice", 30))
		want(30)
	}},
	{"a save returns the cutoff with its own entries in it", func(t *testing.T, b *bench) { // req 49
		row := b.save(writ.Row{ID: "s1", Owner: "alice"}, cutoff("alice", 10))
		if row.Cutoff != 10 {
			t.Errorf("cutoff %d, want 10", row.Cutoff)
		}
		row = b.save(row, revocation.Entry{Kind: revocation.Everything, Before: 20, Expires: farAhead})
		if row.Cutoff != 20 {
			t.Errorf("cutoff %d, want 20", row.Cutoff)
		}
	}},
	{"a new row has the cutoff of its owner", func(t *testing.T, b *bench) {
		b.append(cutoff("alice", 10))
		if row := b.save(writ.Row{ID: "s1", Owner: "alice"}); row.Cutoff != 10 {
			t.Errorf("cutoff %d, want 10", row.Cutoff)
		}
	}},
	{"a row without owner has the cutoff of everything alone", func(t *testing.T, b *bench) {
		b.append(cutoff("alice", 10), revocation.Entry{Kind: revocation.Everything, Before: 5, Expires: farAhead})
		if row := b.save(writ.Row{ID: "s1"}); row.Cutoff != 5 {
			t.Errorf("cutoff %d, want 5", row.Cutoff)
		}
	}},
	{"a row whose owner was cut off meanwhile is not saved", func(t *testing.T, b *bench) { // req 49
		mine := b.save(writ.Row{ID: "s1", Owner: "alice"})
		nobody := b.save(writ.Row{ID: "ring"})
		b.append(cutoff("alice", 10))
		_, err := b.store.Save(b.ctx, mine, ended("s1"))
		b.wantErr("Save after a cutoff", err, writ.ErrConflict)
		b.wantEntries(cutoff("alice", 10))
		mine = b.save(b.load("s1"))
		b.append(revocation.Entry{Kind: revocation.Everything, Before: 20, Expires: farAhead})
		_, err = b.store.Save(b.ctx, mine)
		b.wantErr("Save after a cutoff for everyone", err, writ.ErrConflict)
		b.save(b.load("s1"))
		b.append(cutoff("bob", 90), ended("s1"))
		b.save(b.load("s1"))
		b.save(nobody) // no cutoff is about it
	}},
	{"the Cutoff of a new row does not count", func(t *testing.T, b *bench) {
		if row := b.save(writ.Row{ID: "s1", Owner: "alice", Cutoff: 99}); row.Cutoff != 0 {
			t.Errorf("cutoff %d, want 0", row.Cutoff)
		}
		if row := b.load("s1"); row.Cutoff != 0 {
			t.Errorf("cutoff %d, want 0", row.Cutoff)
		}
	}},
}
