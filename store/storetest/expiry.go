package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// purge calls Purge until nothing is left that expired before now.
func (b *bench) purge(now time.Time) (calls int) {
	b.t.Helper()
	for {
		more, err := b.store.Purge(b.ctx, now)
		if err != nil {
			b.t.Fatalf("Purge: %v", err)
		}
		calls++
		if !more {
			return calls
		}
		if calls == 10_000 {
			b.t.Fatal("Purge never ends")
		}
	}
}

var expiryTests = contractTests{
	{"List leaves out what has expired", func(t *testing.T, b *bench) {
		b.save(writ.Row{ID: "dead", Owner: "alice", Expires: longAgo})
		b.save(writ.Row{ID: "alive", Owner: "alice", Expires: farAhead})
		b.save(writ.Row{ID: "forever", Owner: "alice"})
		rows := b.list("alice")
		if len(rows) != 2 || rows[0].ID == "dead" || rows[1].ID == "dead" {
			t.Errorf("%d rows, want the two that have not expired", len(rows))
		}
	}},
	{"a row counts until it is purged", func(t *testing.T, b *bench) { // req 47
		row := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: longAgo})
		b.purge(longAgo) // not before now
		wantSame(t, b.load("s1"), row)
		b.purge(longAgo.Add(time.Microsecond))
		_, err := b.store.Load(b.ctx, "s1")
		b.wantErr("Load", err, writ.ErrNotFound)
		if rows := b.list("alice"); len(rows) != 0 {
			t.Errorf("List finds a row that was purged")
		}
	}},
	{"an entry counts until it is purged, and its cutoff with it", func(t *testing.T, b *bench) { // req 61
		e := revocation.Entry{Kind: revocation.Subject, ID: "alice", Before: 10, Expires: longAgo}
		b.append(e)
		b.save(writ.Row{ID: "s1", Owner: "alice"})
		b.purge(longAgo)
		b.wantEntries(e)
		if got := b.load("s1").Cutoff; got != 10 {
			t.Errorf("cutoff %d, want 10", got)
		}
		b.purge(longAgo.Add(time.Microsecond))
		b.wantEntries()
		if got := b.load("s1").Cutoff; got != 0 {
			t.Errorf("cutoff %d after Purge, want none", got)
		}
	}},
	{"Purge spares what has not expired and what never does", func(t *testing.T, b *bench) { // req 61
		b.save(writ.Row{ID: "alive", Expires: farAhead})
		b.save(writ.Row{ID: "forever"})
		live := []revocation.Entry{ended("s1"), {Kind: revocation.Key, ID: "k1", Before: revocation.Ended}}
		b.append(live...)
		b.purge(farAhead.Add(-time.Second))
		b.load("alive")
		b.wantEntries(live...)
		b.purge(farAhead.Add(time.Second))
		b.load("forever")
		b.wantEntries(live[1])
	}},
	{"Purge goes by the expiry that a row or an entry has now", func(t *testing.T, b *bench) { // req 61
		longer := b.save(writ.Row{ID: "longer", Expires: longAgo})
		longer.Expires = farAhead
		b.save(longer)
		shorter := b.save(writ.Row{ID: "shorter", Expires: farAhead})
		shorter.Expires = longAgo
		b.save(shorter)
		forever := b.save(writ.Row{ID: "forever", Expires: longAgo})
		forever.Expires = time.Time{}
		b.save(forever)
		e := revocation.Entry{Kind: revocation.Session, ID: "s1", Before: 1, Expires: longAgo}
		b.append(e)
		e.Expires = farAhead
		b.append(e)

		b.purge(longAgo.Add(time.Hour))
		b.load("longer")
		b.load("forever")
		_, err := b.store.Load(b.ctx, "shorter")
		b.wantErr("Load", err, writ.ErrNotFound)
		b.wantEntries(e)

		b.purge(farAhead.Add(time.Hour))
		_, err = b.store.Load(b.ctx, "longer")
		b.wantErr("Load", err, writ.ErrNotFound)
		b.wantEntries()
	}},
	{"Purge works in batches until nothing is left", func(t *testing.T, b *bench) {
		const many = 2500
		dead := make([]revocation.Entry, many)
		for i := range dead {
			dead[i] = revocation.Entry{Kind: revocation.Token, ID: fmt.Sprint(i), Before: 1, Expires: longAgo}
		}
		b.append(dead...)
		b.append(ended("s1"))
		if calls := b.purge(longAgo.Add(time.Hour)); calls < 2 {
			t.Errorf("one Purge removed %d entries: a batch must be bounded", many)
		}
		b.wantEntries(ended("s1"))
	}},
	{"a follower goes on after a Purge", func(t *testing.T, b *bench) {
		b.append(revocation.Entry{Kind: revocation.Session, ID: "dead", Before: 1, Expires: longAgo})
		f := b.follow(b.store)
		b.purge(longAgo.Add(time.Hour))
		b.append(ended("s1"))
		f.catchUp(ended("s1"))
	}},
}
