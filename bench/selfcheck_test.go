package main

import (
	"testing"
	"time"
)

// A contender that no longer does the same job as the others makes the tables worthless.
func TestEveryContenderDoesTheSameJob(t *testing.T) {
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
			doors, err := doors(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range doors {
				if err := d.check(); err != nil {
					t.Error(err)
				}
			}
			if _, err := requestRates(doors, 1, time.Millisecond); err != nil {
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
