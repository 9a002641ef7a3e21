package storetest_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/store/storetest"
)

// faulty is a good store with one fault.
type faulty struct {
	*memory.Store
	fault string
}

const faultVariable = "WRIT_STORETEST_FAULT"

// faults is every fault, and the test that has to notice it.
var faults = map[string]string{
	"Save ignores versions":                   "any other version is a conflict",
	"Save writes entries before it conflicts": "a conflict appends no entry",
	"Save drops its entries":                  "a save carries its entries",
	"Save returns no cutoff":                  "a save returns the cutoff with its own entries in it",
	"Load returns no cutoff":                  "a cutoff is the greatest",
	"Append drops the last entry":             "entries of every kind",
	"Append answers before it fails":          "a call whose ctx has ended",
	"Load takes every failure for not found":  "after Close every method",
	"List includes the expired":               "List leaves out what has expired",
	"List takes no heed of the limit":         "an owner of 1,200 rows",
	"List starts with the given ID":           "a page has what comes after an ID",
	"List sorts as people do":                 "a page is in order of the bytes",
	"List counts the expired":                 "a row that has expired does not make a page look like the last",
	"Purge removes the living":                "Purge spares",
	"Snapshot skips subjects":                 "entries of every kind",
	"Tail skips an entry":                     "a tail has what came after the snapshot",
	"Save overlooks a cutoff":                 "a row whose owner was cut off meanwhile is not saved",
	"Tail returns a part":                     "one Tail has all that was acknowledged before it",
	"Tail takes any cursor":                   "a cursor that is not this log's",
	"Tail answers without having looked":      "a call whose ctx has ended",
}

func (f *faulty) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	switch f.fault {
	case "Save ignores versions":
		if stored, err := f.Store.Load(ctx, row.ID); err == nil {
			row.Version = stored.Version
		}
	case "Save overlooks a cutoff":
		if stored, err := f.Store.Load(ctx, row.ID); err == nil && stored.Version == row.Version {
			row.Cutoff = stored.Cutoff
		}
	case "Save writes entries before it conflicts":
		f.Store.Append(ctx, entries...)
	case "Save drops its entries":
		entries = nil
	}
	saved, err := f.Store.Save(ctx, row, entries...)
	if f.fault == "Save returns no cutoff" {
		saved.Cutoff = 0
	}

	return saved, err
}

func (f *faulty) Load(ctx context.Context, id string) (writ.Row, error) {
	row, err := f.Store.Load(ctx, id)
	switch {
	case f.fault == "Load returns no cutoff":
		row.Cutoff = 0
	case f.fault == "Load takes every failure for not found" && err != nil && ctx.Err() == nil:
		err = writ.ErrNotFound
	}
	return row, err
}

func (f *faulty) Append(ctx context.Context, entries ...revocation.Entry) error {
	switch {
	case f.fault == "Append drops the last entry" && len(entries) > 1:
		entries = entries[:len(entries)-1]
	case f.fault == "Append answers before it fails":
		f.Store.Append(ctx, entries...)
		return nil
	}
	return f.Store.Append(ctx, entries...)
}

func (f *faulty) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	switch f.fault {
	case "List takes no heed of the limit":
		limit = 1 << 20
	case "List starts with the given ID":
		if row, err := f.Store.Load(ctx, after); err == nil && row.Owner == owner {
			rows, err := f.Store.List(ctx, owner, after, limit-1)
			return append([]writ.Row{row}, rows...), err
		}
	}
	rows, err := f.Store.List(ctx, owner, after, limit)
	if f.fault == "List counts the expired" && len(rows) == limit && limit > 1 {
		rows = rows[:limit-1]
	}
	if f.fault == "List sorts as people do" {
		slices.SortFunc(rows, func(a, b writ.Row) int { return cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)) })
	}
	if dead, e := f.Store.Load(ctx, "dead"); f.fault == "List includes the expired" && e == nil {
		rows = append(rows, dead)
	}
	return rows, err
}

func (f *faulty) Purge(ctx context.Context, now time.Time) (bool, error) {
	if f.fault == "Purge removes the living" {
		now = now.Add(time.Hour)
	}
	return f.Store.Purge(ctx, now)
}

func (f *faulty) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	return f.Store.Snapshot(ctx, func(e revocation.Entry) {
		if f.fault != "Snapshot skips subjects" || e.Kind != revocation.Subject {
			add(e)
		}
	})
}

func (f *faulty) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	if f.fault == "Tail answers without having looked" && ctx.Err() != nil {
		return nil, after, nil
	}
	entries, next, err := f.Store.Tail(ctx, after)
	switch {
	case f.fault == "Tail returns a part" && len(entries) > 2000:
		return entries[:2000], next, err
	case f.fault == "Tail skips an entry" && len(entries) > 1:
		entries = entries[1:]
	case f.fault == "Tail takes any cursor" && errors.Is(err, revocation.ErrGap):
		return nil, after, nil
	}
	return entries, next, err
}

// TestFaulty runs the suite on the store that the variable names: TestTheSuiteNotices runs it.
func TestFaulty(t *testing.T) {
	fault := os.Getenv(faultVariable)
	if fault == "" {
		t.Skip("runs inside TestTheSuiteNotices")
	}
	storetest.Run(t, func(*testing.T) func() writ.Store {
		s := &faulty{memory.Open(), fault}
		return func() writ.Store { return s }
	})
}

func TestTheSuiteNotices(t *testing.T) {
	for fault, test := range faults {
		t.Run(fault, func(t *testing.T) {
			out, err := faultyRun(t, fault, "/"+strings.ReplaceAll(test, " ", "_"))
			if err == nil {
				t.Errorf("the suite did not:\n%s", out)
			} else if !strings.Contains(string(out), "--- FAIL: TestFaulty/") {
				t.Errorf("the suite did not run: %v\n%s", err, out)
			}
		})
	}
	t.Run("nothing in a good store", func(t *testing.T) {
		if out, err := faultyRun(t, "none", ""); err != nil {
			t.Errorf("it did: %v\n%s", err, out)
		}
	})
}

// faultyRun runs the tests of the suite whose names contain a pattern, in a process of its own.
func faultyRun(t *testing.T, fault, pattern string) ([]byte, error) {
	t.Helper()
	if pattern != "" {
		pattern = "/" + pattern // in any group
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaulty$"+pattern, "-test.timeout=60s")
	cmd.Env = append(os.Environ(), faultVariable+"="+fault)
	return cmd.CombinedOutput()
}
