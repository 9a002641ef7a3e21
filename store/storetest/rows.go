package storetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

var rowTests = contractTests{
	{"a row that was never saved is not found", func(t *testing.T, b *bench) {
		_, err := b.store.Load(b.ctx, "s1")
		b.wantErr("Load", err, writ.ErrNotFound)
	}},
	{"a saved row comes back as it was", func(t *testing.T, b *bench) {
		want := writ.Row{ID: "s1", Owner: "alice", Expires: farAhead, Data: []byte("record")}
		saved := b.save(want)
		wantSame(t, saved, want)
		got := b.load("s1")
		wantSame(t, got, want)
		if saved.Version == 0 || got.Version != saved.Version {
			t.Errorf("Load has version %d, Save returned %d", got.Version, saved.Version)
		}
	}},
	{"a row without owner, expiry or data comes back without them", func(t *testing.T, b *bench) {
		b.save(writ.Row{ID: "s1"})
		got := b.load("s1")
		wantSame(t, got, writ.Row{ID: "s1"})
		if !got.Expires.IsZero() {
			t.Errorf("expires %v, want never", got.Expires)
		}
	}},
	{"any bytes of data come back, 64 KiB of them too", func(t *testing.T, b *bench) {
		for id, data := range map[string][]byte{
			"binary": {0, 1, 0xff, 0xfe, '\'', '"', 0, '%', 's', '\n'},
			"large":  bytes.Repeat([]byte{0, 0xc3, 0x28, 'x'}, 16<<10),
		} {
			row := writ.Row{ID: id, Data: data}
			wantSame(t, b.save(row), row)
			wantSame(t, b.load(id), row)
		}
	}},
	{"every ID that is allowed is kept apart from every other", func(t *testing.T, b *bench) {
		ids := []string{"a", "A", "a ", " a", "a%", "a_", "*", "'", `"; --`, "0", "00", "-1", strings.Repeat("x", 64), strings.Repeat("x", 63)}
		for _, id := range ids {
			b.save(writ.Row{ID: id, Data: []byte(id)})
		}
		for _, id := range ids {
			wantSame(t, b.load(id), writ.Row{ID: id, Data: []byte(id)})
		}
	}},
	{"an ID that is not allowed is refused, and its entries with it", func(t *testing.T, b *bench) {
		for _, id := range []string{"", strings.Repeat("x", 65), "sé", "a\x00", "a\n", "\x7f", "\xff"} {
			_, err := b.store.Save(b.ctx, writ.Row{ID: id}, ended("s1"))
			b.wantRefused("Save", err)
		}
		b.wantEntries()
	}},
	{"an invalid entry is refused, and the row with it", func(t *testing.T, b *bench) {
		for _, e := range invalid {
			_, err := b.store.Save(b.ctx, writ.Row{ID: "s1"}, ended("s2"), e)
			b.wantRefused("Save", err)
		}
		_, err := b.store.Load(b.ctx, "s1")
		b.wantErr("Load", err, writ.ErrNotFound)
		b.wantEntries()
	}},
	{"the caller's bytes and the store's are not the same", func(t *testing.T, b *bench) {
		data := []byte("record")
		saved := b.save(writ.Row{ID: "s1", Owner: "alice", Data: data})
		loaded, listed := b.load("s1"), b.list("alice")
		for _, d := range [][]byte{data, saved.Data, loaded.Data, listed[0].Data} {
			d[0] = 'X'
		}
		wantSame(t, b.load("s1"), writ.Row{ID: "s1", Owner: "alice", Data: []byte("record")})
	}},

	{"version 0 creates a row once", func(t *testing.T, b *bench) {
		b.save(writ.Row{ID: "s1", Data: []byte("first")})
		_, err := b.store.Save(b.ctx, writ.Row{ID: "s1", Data: []byte("second")})
		b.wantErr("Save", err, writ.ErrConflict)
		wantSame(t, b.load("s1"), writ.Row{ID: "s1", Data: []byte("first")})
	}},
	{"the version that is stored updates a row", func(t *testing.T, b *bench) {
		row := b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead, Data: []byte("first")})
		row.Data, row.Expires = []byte("second"), farAhead.Add(time.Hour)
		saved := b.save(row)
		wantSame(t, saved, row)
		got := b.load("s1")
		wantSame(t, got, row)
		if got.Version != saved.Version {
			t.Errorf("Load has version %d, Save returned %d", got.Version, saved.Version)
		}
	}},
	{"any other version is a conflict and changes nothing", func(t *testing.T, b *bench) {
		first := b.save(writ.Row{ID: "s1", Data: []byte("first")})
		second := b.save(writ.Row{ID: "s1", Version: first.Version, Data: []byte("second")})
		for _, version := range []uint64{0, first.Version, second.Version + 1, ^uint64(0)} {
			_, err := b.store.Save(b.ctx, writ.Row{ID: "s1", Version: version, Data: []byte("lost")})
			b.wantErr("Save", err, writ.ErrConflict)
		}
		wantSame(t, b.load("s1"), second)
	}},
	{"a version of a row that does not exist is a conflict and creates none", func(t *testing.T, b *bench) {
		_, err := b.store.Save(b.ctx, writ.Row{ID: "s1", Version: 7})
		b.wantErr("Save", err, writ.ErrConflict)
		_, err = b.store.Load(b.ctx, "s1")
		b.wantErr("Load", err, writ.ErrNotFound)
	}},
	{"no version comes twice, and none is the last one and one", func(t *testing.T, b *bench) {
		seen := map[uint64]bool{0: true}
		row := writ.Row{ID: "s1"}
		for range 100 {
			row = b.save(row)
			if seen[row.Version] || seen[row.Version-1] && row.Version != 1 {
				t.Fatal("a version is zero, came before or counts on")
			}
			seen[row.Version] = true
		}
	}},
	{"the version of a row that was purged does not bring it back", func(t *testing.T, b *bench) {
		old := b.save(writ.Row{ID: "s1", Expires: longAgo})
		b.purge(longAgo.Add(time.Hour))
		_, err := b.store.Save(b.ctx, old)
		b.wantErr("Save", err, writ.ErrConflict)
		again := b.save(writ.Row{ID: "s1", Expires: farAhead})
		_, err = b.store.Save(b.ctx, old)
		b.wantErr("Save of the version before", err, writ.ErrConflict)
		wantSame(t, b.load("s1"), again)
	}},
	{"an owner never changes", func(t *testing.T, b *bench) {
		row := b.save(writ.Row{ID: "s1", Owner: "alice", Data: []byte("first")})
		for _, owner := range []string{"bob", "", "Alice"} {
			other := row
			other.Owner, other.Data = owner, []byte("second")
			_, err := b.store.Save(b.ctx, other, ended("s1"))
			b.wantRefused("Save", err)
		}
		wantSame(t, b.load("s1"), row)
		b.wantEntries()
	}},

	{"List returns an owner's rows and no others", func(t *testing.T, b *bench) {
		owners := []string{"alice", "Alice", "alice ", "al", "ålice", "%", "'"}
		for i, owner := range owners {
			for _, n := range []string{"x", "y"} {
				b.save(writ.Row{ID: n + string(rune('a'+i)), Owner: owner, Expires: farAhead, Data: []byte(owner + n)})
			}
		}
		for _, owner := range owners {
			rows := b.list(owner)
			if len(rows) != 2 {
				t.Fatalf("%d rows, want 2", len(rows))
			}
			for _, row := range rows {
				wantSame(t, row, b.load(row.ID))
				if row.Owner != owner || row.Version != b.load(row.ID).Version {
					t.Errorf("List returned another's row or an older version")
				}
			}
		}
		if rows := b.list("nobody"); len(rows) != 0 {
			t.Errorf("%d rows of an owner without any", len(rows))
		}
	}},
	{"List finds no row without owner", func(t *testing.T, b *bench) {
		b.save(writ.Row{ID: "s1", Expires: farAhead})
		if rows := b.list(""); len(rows) != 0 {
			t.Errorf("%d rows, want none", len(rows))
		}
	}},
	{"an owner of odd bytes is refused or kept apart", func(t *testing.T, b *bench) {
		b.save(writ.Row{ID: "s1", Owner: "alice", Expires: farAhead})
		for i, owner := range []string{"alice\x00", "alice\x00bob", "alice\xff", "\x00"} {
			row := writ.Row{ID: "odd" + string(rune('0'+i)), Owner: owner, Expires: farAhead}
			if _, err := b.store.Save(b.ctx, row, cutoff(owner, 5)); err != nil {
				b.wantRefused("Save", err)
				continue
			}
			if rows := b.list(owner); len(rows) != 1 || rows[0].Owner != owner {
				t.Errorf("List does not find the row of owner %q", owner)
			}
		}
		if rows := b.list("alice"); len(rows) != 1 || rows[0].Cutoff != 0 {
			t.Errorf("another owner's row or cutoff is taken for alice's")
		}
	}},
}

// invalid has one entry of every sort that a log refuses.
var invalid = []revocation.Entry{
	{},
	{Kind: revocation.Session, Before: 1},
	{Kind: revocation.Everything, ID: "x", Before: 1},
	{Kind: revocation.Session, ID: "s1"},
	{Kind: revocation.Session, ID: "s1", Before: -1},
	{Kind: revocation.Everything + 1, ID: "x", Before: 1},
}
