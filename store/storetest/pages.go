package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
)

// page is one List that succeeds and keeps to its limit.
func (b *bench) page(owner, after string, limit int) []writ.Row {
	b.t.Helper()
	rows, err := b.store.List(b.ctx, owner, after, limit)
	if err != nil {
		b.t.Fatalf("List: %v", err)
	}
	if len(rows) > limit {
		b.t.Fatalf("%d rows, and the limit is %d", len(rows), limit)
	}
	return rows
}

// pages reads all that an owner has as a caller of List does: until a page has fewer rows than asked
// for. Before each next page it calls between, if that is not nil.
func (b *bench) pages(owner string, limit int, between func(read int)) []string {
	b.t.Helper()
	var all []string
	for after := ""; ; {
		page := b.page(owner, after, limit)
		all = append(all, ids(page)...)
		if len(page) < limit {
			return all
		}
		if len(all) > 10_000 {
			b.t.Fatal("the pages never end")
		}
		after = all[len(all)-1]
		if between != nil {
			between(len(all))
		}
	}
}

func ids(rows []writ.Row) []string {
	all := make([]string, len(rows))
	for i, row := range rows {
		all[i] = row.ID
	}
	return all
}

func (b *bench) wantIDs(what string, got, want []string) {
	b.t.Helper()
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: IDs %.200q\nwant %.200q", what, got, want)
	}
}

// many saves rows of alice whose IDs are numbers of equal length, and returns those.
func (b *bench) many(n int, expires func(i int) time.Time) []string {
	b.t.Helper()
	all := make([]string, n)
	for i := range n {
		all[i] = fmt.Sprintf("%05d", i)
	}
	for _, i := range rand.Perm(n) { // the order of coming is not that of the IDs
		b.save(writ.Row{ID: all[i], Owner: "alice", Expires: expires(i)})
	}
	return all
}

func ahead(int) time.Time { return farAhead }

var pageTests = contractTests{
	{"a page is in order of the bytes of the IDs", func(t *testing.T, b *bench) {
		all := []string{"10", "2", "a", "A", "b", "B", "a-", "a.", "a_", "ab", "aB", "_", "-", " ", "~", "%", "*", "[", "'",
			"a-b", "ab-", "Ab", strings.Repeat("a", 64), strings.Repeat("a", 63)}
		for _, id := range all {
			b.save(writ.Row{ID: id, Owner: "alice", Expires: farAhead})
		}
		slices.Sort(all)
		b.wantIDs("one page", ids(b.page("alice", "", 100)), all)
		for limit := 1; limit <= len(all)+1; limit++ {
			b.wantIDs(fmt.Sprintf("pages of %d", limit), b.pages("alice", limit, nil), all)
		}
	}},
	{"a page has what comes after an ID, be that there or not", func(t *testing.T, b *bench) {
		for _, id := range []string{"b", "d", "f"} {
			b.save(writ.Row{ID: id, Owner: "alice", Expires: farAhead})
		}
		b.save(writ.Row{ID: "e", Owner: "bob", Expires: farAhead})
		for after, want := range map[string][]string{
			"": {"b", "d", "f"}, "B": {"b", "d", "f"}, "a": {"b", "d", "f"}, "b": {"d", "f"}, "ba": {"d", "f"}, "c": {"d", "f"},
			"d": {"f"}, "e": {"f"}, "f": {}, "g": {}, strings.Repeat("~", 64): {},
		} {
			b.wantIDs(fmt.Sprintf("after %q", after), ids(b.page("alice", after, 100)), want)
		}
	}},
	{"an owner of 1,200 rows is read in pages of 500", func(t *testing.T, b *bench) {
		all := b.many(1200, ahead)
		for i := range 5 { // somebody else's between them
			b.save(writ.Row{ID: fmt.Sprintf("%05d-bob", 300*i), Owner: "bob"})
		}
		var sizes []int
		for after, n := "", 500; n == 500; sizes = append(sizes, n) {
			page := b.page("alice", after, 500)
			if n = len(page); n > 0 {
				after = page[n-1].ID
			}
		}
		if !slices.Equal(sizes, []int{500, 500, 200}) {
			t.Errorf("pages of %v rows, want 500, 500 and 200", sizes)
		}
		b.wantIDs("pages", b.pages("alice", 500, nil), all)
		b.wantIDs("pages that end with a full one", b.pages("alice", 400, nil), all)
	}},
	{"a row that has expired does not make a page look like the last", func(t *testing.T, b *bench) {
		alive := func(i int) bool { return i%7 == 0 || i > 250 && i%2 == 0 } // and long stretches of the dead
		all := b.many(300, func(i int) time.Time {
			if alive(i) {
				return farAhead
			}
			return longAgo
		})
		var want []string
		for i, id := range all {
			if alive(i) {
				want = append(want, id)
			}
		}
		for _, limit := range []int{1, 2, 3, 10, len(want), 100} {
			b.wantIDs(fmt.Sprintf("pages of %d", limit), b.pages("alice", limit, nil), want)
		}
	}},
	{"who has only rows that have expired has none", func(t *testing.T, b *bench) {
		b.many(150, func(int) time.Time { return longAgo })
		b.wantIDs("List", ids(b.page("alice", "", 10)), []string{})
	}},
	{"a row that stays is read once while others come and go", func(t *testing.T, b *bench) {
		stays := func(i int) bool { return i%3 == 0 }
		all := b.many(120, func(i int) time.Time {
			if stays(i) {
				return farAhead.AddDate(1, 0, 0)
			}
			return farAhead
		})
		purged := false
		got := b.pages("alice", 7, func(read int) {
			b.save(writ.Row{ID: fmt.Sprintf("00000-new-%03d", read), Owner: "alice", Expires: farAhead.AddDate(1, 0, 0)}) // behind
			b.save(writ.Row{ID: fmt.Sprintf("99999-new-%03d", read), Owner: "alice", Expires: farAhead})                  // ahead
			if read > 40 && !purged {                                                                                     // even the row that the next page comes after
				b.purge(farAhead.Add(time.Hour))
				purged = true
			}
		})
		if !slices.IsSorted(got) {
			t.Error("the pages are not in order")
		}
		if len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Error("a row came twice")
		}
		for i, id := range all {
			if stays(i) && !slices.Contains(got, id) {
				t.Errorf("row %s was there all the time, and in no page", id)
			}
		}
	}},
	{"a page has rows as they are now", func(t *testing.T, b *bench) {
		b.many(4, ahead)
		b.append(cutoff("alice", 7))
		row := b.load("00002")
		row.Data, row.Expires = []byte("changed"), farAhead
		row = b.save(row)
		got := b.page("alice", "00001", 1)
		if len(got) != 1 {
			t.Fatalf("%d rows, want 1", len(got))
		}
		wantSame(t, got[0], row)
		if got[0].Version != row.Version || got[0].Cutoff != 7 {
			t.Errorf("version %d, cutoff %d; want %d and 7", got[0].Version, got[0].Cutoff, row.Version)
		}
	}},
}
