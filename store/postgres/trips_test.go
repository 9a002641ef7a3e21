package postgres_test

import (
	"fmt"
	"testing"

	"github.com/writ-go/writ"
)

func TestOneRoundTripEach(t *testing.T) {
	config := place(t)
	config.URL += "&pool_max_conns=1"
	p := through(t, &config.URL)
	s := open(t, config)
	s.Mute(true) // what tells others comes after the answer
	ctx := t.Context()
	row, err := s.Save(ctx, writ.Row{ID: "row", Owner: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, do := range map[string]func() error{
		"Load":                  func() error { _, err := s.Load(ctx, "row"); return err },
		"List":                  func() error { _, err := s.List(ctx, "alice", "", 10); return err },
		"Save of a changed row": func() (err error) { row, err = s.Save(ctx, row); return err },
		"Save of a new row":     func() error { n++; _, err := s.Save(ctx, writ.Row{ID: fmt.Sprint(n), Owner: "bob"}); return err },
		"Save with an entry":    func() (err error) { n++; row, err = s.Save(ctx, row, ended(fmt.Sprint(n))); return err },
		"Append":                func() error { n++; return s.Append(ctx, ended(fmt.Sprint(n))) },
		"Append of a cutoff":    func() error { n++; return s.Append(ctx, endedAll("carol", int64(n))) },
	} {
		for try := range 3 {
			before := p.trips.Load()
			if err := do(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			// The first time, what is not prepared yet needs one more. A machine that stands still for
			// a second has the connection asked whether it is alive.
			if trips := p.trips.Load() - before; trips == 1 {
				break
			} else if try == 2 {
				t.Errorf("%s: %d round trips, want 1", name, trips)
			}
		}
	}
}
