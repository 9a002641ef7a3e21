package main

import (
	"testing"
	"time"
)

// A contender that no longer does the same job as the others makes the tables worthless.
func TestEveryContenderDoesTheSameJob(t *testing.T) {
	h, c := &host{}, openClients(t)
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	for _, a := range algorithms {
		t.Run(a.Name(), func(t *testing.T) {
			s, err := newSuite(a)
			if err != nil {
				t.Fatal(err)
			}
			m, err := newMatch(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.verifying(t.Context()); err != nil {
				t.Error(err)
			}
			doors, absent, err := doors(t.Context(), h, s)
			if err != nil {
				t.Fatal(err)
			}
			for _, why := range absent {
				t.Log(why)
			}
			for _, d := range doors {
				if err := d.check(); err != nil {
					t.Error(err)
				}
				// The same request again, as it is measured.
				if err := d.row().op(); err != nil {
					t.Errorf("%s, again: %v", d.name, err)
				}
			}
			if _, err := load(t.Context(), c, doors, 1, time.Millisecond); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWritRemembersLiveTokens(t *testing.T) {
	s, err := newSuite(algorithms[0])
	if err != nil {
		t.Fatal(err)
	}
	rows, err := liveRows(t.Context(), s, 1000, 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := r.op(); err != nil {
			t.Error(err)
		}
	}
}
