package faults_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// mishap is one call of a store that goes wrong.
type mishap struct {
	call string // Load, Save, List, Append, or Ring for a reading of the key ring
	nth  int    // of the calls of one operation
	when when
	on   bool   // every later one goes wrong, too
	row  string // if set, every call for this row goes wrong, instead of the nth
}

type when string

const (
	beforeWork when = "before"     // the work is not done, and the caller is told so
	afterWork  when = "after"      // it is done, and the caller is told that it is not
	noWork     when = "instead of" // it is not done, and the caller is told that it is: a failover
)

func (f *mishap) String() string {
	if f == nil {
		return ""
	}
	if f.row != "" {
		return fmt.Sprintf(", %s of one session fails", f.call)
	}
	on := ""
	if f.on {
		on = " and from then on"
	}
	return fmt.Sprintf(", %s %d%s fails %s the work", f.call, f.nth, on, f.when)
}

var errMishap = errors.New("the test lets the store fail")

// between stands between a Manager and its store. What it knows is about one operation of the Manager.
type between struct {
	writ.Store
	mu     sync.Mutex
	mishap *mishap
	fired  bool
	calls  map[string]int
	// race happens within the operation, as if another node had done it at the same time: before the
	// first Save, or after the first Load or List.
	race   func()
	raceAt string
	// done is what was done of this operation: how often a row was read and saved, and under "" how often
	// entries were appended. created is the row that was made last.
	done    map[string]int
	read    map[string]bool
	created string
	// lost is what was acknowledged and not done, of all operations since given.
	lost []revocation.Entry
	// readRing is told of every reading of the key ring.
	readRing func(ok bool)
}

// begin forgets what was before.
func (b *between) begin(f *mishap, raceAt string, race func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mishap, b.fired, b.raceAt, b.race = f, false, raceAt, race
	b.calls, b.done, b.read, b.created = map[string]int{}, map[string]int{}, map[string]bool{}, ""
}

// end reports whether the fault has happened.
func (b *between) end() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mishap, b.race = nil, nil
	return b.fired
}

func (b *between) count(call string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[call]
}

// due is how a call goes wrong that begins now.
func (b *between) due(call, row string) when {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[call]++
	if f := b.mishap; f != nil && f.call == call && (f.row == "" && (f.nth == b.calls[call] || f.on && f.nth < b.calls[call]) || f.row != "" && f.row == row) {
		b.fired = true
		return f.when
	}
	return ""
}

// did is how often a row was saved after it was read, or under "" how often entries were appended.
func (b *between) did(row string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done[row]
}

// newest is the row that was made last.
func (b *between) newest() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.created
}

// save is a Save that is done.
func (b *between) save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	saved, err := b.Store.Save(ctx, row, entries...)
	if err == nil {
		b.mu.Lock()
		if b.read[row.ID] {
			b.done[row.ID]++
		}
		if row.Version == 0 {
			b.created = row.ID
		}
		b.mu.Unlock()
	}
	return saved, err
}

func (b *between) append(ctx context.Context, entries ...revocation.Entry) error {
	err := b.Store.Append(ctx, entries...)
	if err == nil {
		b.mu.Lock()
		b.done[""]++
		b.mu.Unlock()
	}
	return err
}

// missed takes back that the mishap has happened.
func (b *between) missed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fired = false
}

func (b *between) raced(at string) {
	b.mu.Lock()
	race := b.race
	if at != b.raceAt {
		race = nil
	}
	if race != nil {
		b.race = nil
	}
	b.mu.Unlock()
	if race != nil {
		race()
	}
}

func ours(id string) bool { return strings.HasPrefix(id, "writ:") }

func (b *between) Load(ctx context.Context, id string) (row writ.Row, err error) {
	if ours(id) {
		if b.due("Ring", id) != "" {
			b.readRing(false)
			return writ.Row{}, errMishap
		}
		row, err = b.Store.Load(ctx, id)
		b.readRing(err == nil)
		return row, err
	}
	if b.due("Load", id) != "" {
		return writ.Row{}, errMishap
	}
	row, err = b.Store.Load(ctx, id)
	b.mu.Lock()
	b.read[id] = err == nil
	b.mu.Unlock()
	b.raced("Load")
	return row, err
}

func (b *between) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	if ours(row.ID) {
		return b.Store.Save(ctx, row, entries...)
	}
	b.raced("Save")
	switch b.due("Save", row.ID) {
	case beforeWork:
		return writ.Row{}, errMishap
	case afterWork:
		if _, err := b.save(ctx, row, entries...); err != nil {
			b.missed()
			return writ.Row{}, err
		}
		return writ.Row{}, errMishap
	case noWork:
		b.loses(entries)
		row.Version = row.NextVersion()
		return row, nil
	}
	return b.save(ctx, row, entries...)
}

func (b *between) List(ctx context.Context, owner, from string, limit int) ([]writ.Row, error) {
	if b.due("List", "") != "" {
		return nil, errMishap
	}
	rows, err := b.Store.List(ctx, owner, from, limit)
	b.raced("List")
	return rows, err
}

func (b *between) Append(ctx context.Context, entries ...revocation.Entry) error {
	switch b.due("Append", "") {
	case beforeWork:
		return errMishap
	case afterWork:
		if err := b.append(ctx, entries...); err != nil {
			b.missed()
			return err
		}
		return errMishap
	case noWork:
		b.loses(entries)
		return nil
	}
	return b.append(ctx, entries...)
}

func (b *between) loses(entries []revocation.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = append(b.lost, entries...)
}

// given reports whether the log has again what was lost, and forgets it then. It comes in parts: as it comes to light.
func (b *between) given() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	type name struct {
		kind revocation.Kind
		id   string
	}
	has := map[name]int64{}
	if _, err := b.Store.Snapshot(context.Background(), func(e revocation.Entry) {
		has[name{e.Kind, e.ID}] = max(has[name{e.Kind, e.ID}], e.Before)
	}); err != nil {
		return false
	}
	for _, e := range b.lost {
		if has[name{e.Kind, e.ID}] < e.Before {
			return false
		}
	}
	b.lost = nil
	return true
}
