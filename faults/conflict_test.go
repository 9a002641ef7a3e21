package faults_test

import (
	"errors"
	"testing"
	"time"

	"github.com/writ-go/writ"
)

// A write whose answer is lost, and whose row somebody else has written since, was done. Whoever tries
// it again must not call that a conflict, which says that nothing was written: the caller would do the
// same change a second time.
func TestAWriteThatWasDoneIsNoConflict(t *testing.T) { // req 60
	eachBackend(t, func(t *testing.T, b backend) {
		if b.name == "memory" || b.name == "sqlite" {
			t.Skip("no answer of the store can be lost")
		}
		p, w := b.shared(t), &wire{t: t}
		far, near := p.open(t, w.to), p.open(t, nil)
		row := writ.Row{ID: "s1"}
		var err error
		for range 3 { // there is a connection, and what is to be prepared on it is
			if row, err = far.Save(t.Context(), row); err != nil {
				t.Fatal(err)
			}
		}
		w.add(`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`) // no answer comes
		saved := make(chan error, 1)
		go func() {
			change := row
			change.Data = []byte("1")
			_, err := far.Save(t.Context(), change)
			saved <- err
		}()
		var now writ.Row
		if !within(2*time.Second, func() bool {
			now, err = near.Load(t.Context(), "s1")
			return err == nil && now.Version != row.Version
		}) {
			t.Skip("this store asks the server something before it writes")
		}
		now.Data = append(now.Data, '2')
		if _, err = near.Save(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		w.heal() // which ends the connection that waits
		if err := <-saved; errors.Is(err, writ.ErrConflict) {
			t.Errorf("a write that was done is said to be a conflict: %v", err)
		}
	})
}
