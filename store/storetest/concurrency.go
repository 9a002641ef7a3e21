package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// together runs f n times at once and returns when all have ended.
func together(n int, f func(i int)) {
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wait.Go(func() { <-start; f(i) })
	}
	close(start)
	wait.Wait()
}

var concurrencyTests = contractTests{
	{"of many saves of one version exactly one wins, and only its entry is written", func(t *testing.T, b *bench) { // req 45, 49
		stores := []writ.Store{b.store, b.again()}
		var version uint64
		for round := range 8 {
			var mu sync.Mutex
			var won []string
			together(8, func(i int) {
				name := fmt.Sprintf("%d-%d", round, i)
				_, err := stores[i%2].Save(b.ctx, writ.Row{ID: "s1", Version: version, Data: []byte(name)}, ended(name))
				if errors.Is(err, writ.ErrConflict) {
					return
				}
				if err != nil {
					t.Errorf("Save: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				won = append(won, name)
			})
			if len(won) != 1 {
				t.Fatalf("%d saves of one version won, want 1", len(won))
			}
			row := b.load("s1")
			if string(row.Data) != won[0] {
				t.Fatal("the row is not the winner's")
			}
			version = row.Version
			log, _ := b.snapshot(b.store)
			log.want(t, ended(won[0]))
			if len(log) != round+1 {
				t.Fatalf("%d entries after %d winners", len(log), round+1)
			}
		}
	}},
	{"60 increments at once are 60", func(t *testing.T, b *bench) { // req 45
		stores := []writ.Store{b.store, b.again()}
		b.save(writ.Row{ID: "n", Data: []byte("0")})
		together(60, func(i int) {
			for b.ctx.Err() == nil {
				row, err := stores[i%2].Load(b.ctx, "n")
				if err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				n, _ := strconv.Atoi(string(row.Data))
				row.Data = strconv.AppendInt(nil, int64(n+1), 10)
				_, err = stores[i%2].Save(b.ctx, row)
				if err == nil {
					return
				}
				if !errors.Is(err, writ.ErrConflict) {
					t.Errorf("Save: %v", err)
					return
				}
			}
		})
		if got := string(b.load("n").Data); got != "60" {
			t.Errorf("%s increments, want 60", got)
		}
	}},
	{"merges at once lose nothing", func(t *testing.T, b *bench) {
		together(16, func(i int) {
			if err := b.store.Append(b.ctx, cutoff("alice", int64(i+1))); err != nil {
				t.Errorf("Append: %v", err)
			}
		})
		b.wantEntries(cutoff("alice", 16))
	}},
	{"what is acknowledged while a snapshot is taken is in it or in the tail", func(t *testing.T, b *bench) { // req 61, 63
		const writers, each = 6, 40
		stores := []writ.Store{b.store, b.again()}
		var mu sync.Mutex
		var acknowledged []revocation.Entry
		done := make(chan struct{})
		go func() {
			defer close(done)
			together(writers, func(w int) {
				for i := range each {
					name := fmt.Sprintf("%d-%d", w, i)
					batch := []revocation.Entry{ended(name), cutoff("everybody", int64(w*each+i+1))}
					if err := write(b.ctx, stores[w%2], i%2 == 0, name, batch); err != nil {
						t.Errorf("write: %v", err)
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, batch[0])
					mu.Unlock()
				}
			})
		}()
		followers := []*follower{b.follow(b.store)}
		for writing := true; writing; {
			// The first one follows all the time, the others start where it is.
			ctx, cancel := context.WithTimeout(b.ctx, 20*time.Millisecond)
			followers[0].step(ctx)
			cancel()
			if len(followers) < 10 {
				followers = append(followers, b.follow(stores[len(followers)%2]))
			}
			select {
			case <-done:
				writing = false
			default:
			}
		}
		for _, f := range followers {
			f.catchUp(append(acknowledged, cutoff("everybody", writers*each))...)
		}
	}},
}

func write(ctx context.Context, s writ.Store, withRow bool, id string, batch []revocation.Entry) error {
	if withRow {
		_, err := s.Save(ctx, writ.Row{ID: id}, batch...)
		return err
	}
	return s.Append(ctx, batch...)
}
