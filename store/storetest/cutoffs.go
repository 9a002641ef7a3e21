package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

const races = 200 // rounds of each race

// A race is between one who ends an owner's sessions, and savers who have read them before.
type race struct {
	owners []string                                               // whose rows are saved
	end    func(s writ.Store, ender writ.Row, before int64) error // ends what alice has, and perhaps all
}

// byAppend ends with an entry alone.
func (b *bench) byAppend(e revocation.Entry) func(writ.Store, writ.Row, int64) error {
	return func(s writ.Store, _ writ.Row, before int64) error {
		e.Before = before
		return s.Append(b.ctx, e)
	}
}

// bySave ends with a row of alice's that carries the entry, as one does who stays signed in.
func (b *bench) bySave(e revocation.Entry) func(writ.Store, writ.Row, int64) error {
	return func(s writ.Store, ender writ.Row, before int64) error {
		e.Before = before
		_, err := s.Save(b.ctx, ender, e)
		return err
	}
}

// run has every round one saver for each owner that changes a row, and one that makes a row. After
// both sides were acknowledged, either the saver has seen the cutoff, or the ender sees the row.
func (r race) run(t *testing.T, b *bench) {
	stores := []writ.Store{b.store, b.again()}
	ender := b.save(writ.Row{ID: "ender", Owner: "alice"})
	rows := make([]writ.Row, len(r.owners))
	for i, owner := range r.owners {
		rows[i] = b.save(writ.Row{ID: fmt.Sprint("row", i), Owner: owner})
	}
	sawCutoff, sawRow := 0, 0
	for round := range races {
		before := int64(round + 1)
		n := len(rows)
		saved, made := make([]writ.Row, n), make([]writ.Row, n)
		errs := make([]error, n)
		listed := make(map[string]writ.Row)
		together(1+2*n, func(i int) {
			s := stores[(i+round)%2]
			switch {
			case i == 0:
				if err := r.end(s, ender, before); err != nil {
					t.Errorf("ending: %v", err)
					return
				}
				for _, owner := range slices.Compact(slices.Clone(r.owners)) {
					all, err := s.List(b.ctx, owner, "", 10_000)
					if err != nil {
						t.Errorf("List: %v", err)
					}
					for _, row := range all {
						listed[row.ID] = row
					}
				}
			case i <= n:
				row := rows[i-1]
				row.Data = []byte(fmt.Sprint(round))
				saved[i-1], errs[i-1] = s.Save(b.ctx, row)
			default:
				row := writ.Row{ID: fmt.Sprintf("made%d-%d", i-n-1, round), Owner: r.owners[i-n-1], Expires: farAhead}
				var err error
				if made[i-n-1], err = s.Save(b.ctx, row); err != nil {
					t.Errorf("Save of a new row: %v", err)
				}
			}
		})
		if t.Failed() {
			return
		}
		for i := range rows {
			seen := listed[rows[i].ID]
			switch {
			case seen.Cutoff != before:
				t.Fatalf("round %d: a List after the cutoff has cutoff %d, want %d", round, seen.Cutoff, before)
			case errors.Is(errs[i], writ.ErrConflict):
				sawCutoff++
			case errs[i] != nil:
				t.Fatalf("round %d: Save: %v", round, errs[i])
			case saved[i].Cutoff >= before:
				t.Fatalf("round %d: a save was done that had not seen the cutoff that is in it", round)
			case seen.Version != saved[i].Version:
				t.Fatalf("round %d: neither the save has seen the cutoff, nor the List the save", round)
			default:
				sawRow++
			}
			if _, ok := listed[made[i].ID]; !ok && made[i].Cutoff < before {
				t.Fatalf("round %d: neither the new row has the cutoff, nor the List the row", round)
			}
			rows[i] = b.load(rows[i].ID)
		}
		if round%20 == 19 { // no more rows than fit a page
			b.purge(farAhead.AddDate(1, 0, 0))
		}
		ender = b.load("ender")
	}
	t.Logf("in %d rounds %d saves saw the cutoff, %d were seen", races, sawCutoff, sawRow)
}

var (
	everyone = revocation.Entry{Kind: revocation.Everything}
	alice    = revocation.Entry{Kind: revocation.Subject, ID: "alice"}
)

var cutoffTests = contractTests{
	{"a save and an owner's cutoff at once: one has seen the other", func(t *testing.T, b *bench) { // req 49, 63
		race{owners: []string{"alice", "alice"}, end: b.byAppend(alice)}.run(t, b)
	}},
	{"a save and everybody's cutoff at once: one has seen the other", func(t *testing.T, b *bench) { // req 49, 63
		race{owners: []string{"alice", "bob"}, end: b.byAppend(everyone)}.run(t, b)
	}},
	{"a save and one that carries its owner's cutoff at once: one has seen the other", func(t *testing.T, b *bench) { // req 49, 63
		race{owners: []string{"alice", "alice"}, end: b.bySave(alice)}.run(t, b)
	}},
	{"a save and one that carries everybody's cutoff at once: one has seen the other", func(t *testing.T, b *bench) { // req 49, 63
		race{owners: []string{"alice", "bob"}, end: b.bySave(everyone)}.run(t, b)
	}},
	{"of saves at once that each carry their owner's cutoff, one is done", func(t *testing.T, b *bench) { // req 49
		stores := []writ.Store{b.store, b.again()}
		rows := make([]writ.Row, 3)
		for i := range rows {
			rows[i] = b.save(writ.Row{ID: fmt.Sprint("row", i), Owner: "alice"})
		}
		for round := range races {
			errs := make([]error, len(rows))
			together(len(rows), func(i int) {
				_, errs[i] = stores[(i+round)%2].Save(b.ctx, rows[i], cutoff("alice", int64(round*10+i+1)))
			})
			done := 0
			for i, err := range errs {
				switch {
				case err == nil:
					done++
					b.wantEntries(cutoff("alice", int64(round*10+i+1)))
				case !errors.Is(err, writ.ErrConflict):
					t.Fatalf("round %d: Save: %v", round, err)
				}
				rows[i] = b.load(rows[i].ID)
			}
			if done != 1 {
				t.Fatalf("round %d: %d saves were done: the others have overlooked a cutoff", round, done)
			}
		}
	}},
}
