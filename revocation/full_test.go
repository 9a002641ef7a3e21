package revocation_test

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

func sessions(from, to int, expires time.Time) (entries []revocation.Entry) {
	for i := from; i < to; i++ {
		entries = append(entries, revocation.Entry{Kind: revocation.Session, ID: strconv.Itoa(i), Before: revocation.Ended, Expires: expires})
	}
	return entries
}

func TestAFullListIsNotComplete(t *testing.T) { // req 61, 62
	synctest.Test(t, func(t *testing.T) {
		soon, late := time.Now().Add(5*time.Minute), time.Now().Add(time.Hour)
		src := newSource(append(sessions(0, 50, soon), sessions(50, 100, late)...)...)
		l := revocation.NewList(revocation.Config{Source: src})
		l.SetLimit(100)
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer run(t, l)()
		time.Sleep(10 * time.Second)

		src.append(sessions(95, 103, late)...)
		synctest.Wait()
		asOf := l.AsOf()
		time.Sleep(time.Minute)
		if s := l.Stats(); !errors.Is(s.Err, revocation.ErrFull) || s.Entries != 100 || !s.AsOf.Equal(asOf) {
			t.Errorf("stats %+v: want 100 entries, ErrFull, and as of %s", s, asOf)
		}
		for i := range 100 {
			if l.Before(revocation.Session, strconv.Itoa(i)) == 0 {
				t.Fatalf("session %d was dropped to make room", i)
			}
		}
		// What needs no room is still taken.
		l.Apply(
			sessions(200, 201, late)[0],
			revocation.Entry{Kind: revocation.Everything, Before: 5, Expires: late},
			revocation.Entry{Kind: revocation.Session, ID: "7", Before: 1, Expires: late},
		)
		if l.Before(revocation.Everything, "") != 5 {
			t.Error("a full list does not take a cutoff for everything")
		}

		time.Sleep(10 * time.Minute)
		if s := l.Stats(); s.Err != nil || time.Since(s.AsOf) > 11*time.Second {
			t.Errorf("stats %+v: it did not recover when entries had expired", s)
		}
		for i := range 103 {
			if want, got := i == 7 || i >= 50, l.Before(revocation.Session, strconv.Itoa(i)) != 0; got != want {
				t.Errorf("session %d: listed is %v, want %v", i, got, want)
			}
		}
	})
}

func TestWhatTheOwnNodeMadeIsTakenFromTheLogWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(sessions(0, 10, time.Now().Add(2*time.Minute))...)
		l := revocation.NewList(revocation.Config{Source: src})
		l.SetLimit(10)
		if err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		own := sessions(10, 11, time.Now().Add(time.Hour))
		l.Apply(own...)
		if !errors.Is(l.Stats().Err, revocation.ErrFull) {
			t.Error("the stats do not say that an entry was refused")
		}
		src.append(own...)
		defer run(t, l)()
		asOf := l.AsOf()
		time.Sleep(time.Minute)
		if !l.AsOf().Equal(asOf) {
			t.Error("a list that refused an entry claims to be complete")
		}
		time.Sleep(5 * time.Minute)
		if l.Before(revocation.Session, "10") == 0 || l.Stats().Err != nil {
			t.Error("the entry never came")
		}
	})
}

func TestAListThatTheSnapshotFillsIsNotLoaded(t *testing.T) { // req 63
	src := newSource(sessions(0, 11, time.Now().Add(time.Hour))...)
	l := revocation.NewList(revocation.Config{Source: src})
	l.SetLimit(10)
	if err := l.Load(t.Context()); !errors.Is(err, revocation.ErrFull) || !l.AsOf().IsZero() {
		t.Errorf("Load: %v, and the list is as of %s", err, l.AsOf())
	}
}
