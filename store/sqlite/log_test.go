package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

func TestAnOlderCopyOfTheFileIsAGap(t *testing.T) { // req 61
	ctx := bounded(t)
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "sessions.db"), filepath.Join(dir, "copy.db")
	s := open(t, path)
	defer s.Close()
	for i := range 3 {
		if err := s.Append(ctx, entry(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	common := snapshot(t, s)
	raw(t, path, `VACUUM INTO '`+strings.ReplaceAll(copied, "'", "''")+`'`)
	raw(t, copied, `PRAGMA quick_check`) // and its mode
	if err := s.Append(ctx, entry("lost")); err != nil {
		t.Fatal(err)
	}
	ahead := snapshot(t, s)

	older := open(t, copied)
	defer older.Close()
	if _, _, err := older.Tail(ctx, ahead); !errors.Is(err, revocation.ErrGap) {
		t.Errorf("error %v, want ErrGap: the copy lacks an entry", err)
	}
	for i := range 2 { // and when the copy has as many entries, and more
		if err := older.Append(ctx, entry(fmt.Sprint("other", i))); err != nil {
			t.Fatal(err)
		}
		if _, _, err := older.Tail(ctx, ahead); !errors.Is(err, revocation.ErrGap) {
			t.Errorf("error %v, want ErrGap: the copy has gone another way", err)
		}
	}
	if changed, _, err := older.Tail(ctx, common); err != nil || len(changed) != 2 {
		t.Errorf("%d entries, error %v: from before the copy the log goes on", len(changed), err)
	}
}

func TestACursorStaysGoodWhileItsEntryIsMergedAndPurged(t *testing.T) {
	ctx := bounded(t)
	s := open(t, filepath.Join(t.TempDir(), "sessions.db"))
	defer s.Close()
	e := entry("s1")
	e.Before, e.Expires = 1, time.Now().Add(-time.Hour)
	if err := s.Append(ctx, e); err != nil {
		t.Fatal(err)
	}
	cursor := snapshot(t, s)
	for range 3 {
		e.Before++
		if err := s.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	if changed, _, err := s.Tail(ctx, cursor); err != nil || len(changed) != 1 || changed[0].Before != 4 {
		t.Errorf("%d entries, error %v; want the merged one", len(changed), err)
	}
	if _, err := s.Purge(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(ctx, entry("s2")); err != nil {
		t.Fatal(err)
	}
	if changed, _, err := s.Tail(ctx, cursor); err != nil || len(changed) != 1 || changed[0].ID != "s2" {
		t.Errorf("%d entries, error %v; want the new one", len(changed), err)
	}
}

func TestTheLogForgetsOldPlacesAndNoEntries(t *testing.T) { // req 61
	ctx := bounded(t)
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := open(t, path)
	defer s.Close()
	if err := s.Append(ctx, entry("first")); err != nil {
		t.Fatal(err)
	}
	old := snapshot(t, s)
	raw(t, path, `INSERT INTO writ_log VALUES (4465, random()), (4466, random()), (70000, random())`)
	recent := snapshot(t, s)
	if err := s.Append(ctx, entry("last")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Tail(ctx, old); !errors.Is(err, revocation.ErrGap) {
		t.Errorf("error %v, want ErrGap", err)
	}
	if changed, _, err := s.Tail(ctx, recent); err != nil || len(changed) != 1 {
		t.Errorf("%d entries, error %v; want the last", len(changed), err)
	}
	n := 0
	if _, err := s.Snapshot(ctx, func(revocation.Entry) { n++ }); err != nil || n != 2 {
		t.Errorf("%d entries, error %v; want both", n, err)
	}
	db := rawDB(t, path)
	defer db.Close()
	var oldest int
	if err := db.QueryRow(`SELECT min(seq) FROM writ_log`).Scan(&oldest); err != nil || oldest != 70001-1<<16+1 {
		t.Errorf("the oldest place that the log remembers is %d, error %v; want the last %d", oldest, err, 1<<16)
	}
}

func snapshot(t *testing.T, s revocation.Source) revocation.Cursor {
	t.Helper()
	cursor, err := s.Snapshot(t.Context(), func(revocation.Entry) {})
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	return cursor
}

func TestSlowSnapshotsHoldUpNoLoad(t *testing.T) {
	ctx := bounded(t)
	s := open(t, filepath.Join(t.TempDir(), "sessions.db"))
	defer s.Close()
	if _, err := s.Save(ctx, writ.Row{ID: "s1"}, entry("s1")); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			if _, err := s.Snapshot(ctx, func(revocation.Entry) { <-release }); err != nil {
				t.Errorf("Snapshot: %v", err)
			}
		})
	}
	for range 100 {
		if _, err := s.Load(ctx, "s1"); err != nil {
			t.Errorf("Load: %v", err)
		}
	}
	close(release)
	wait.Wait()
}

// bounded ends a Tail to which nothing comes, so that a test fails and does not hang.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
