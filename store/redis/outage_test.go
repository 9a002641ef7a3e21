package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/redis"
)

func contextOf(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// calls is every method, as a call that would find or change something.
func calls(s *redis.Store, row writ.Row, cursor revocation.Cursor) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Load":         func(ctx context.Context) error { _, err := s.Load(ctx, row.ID); return err },
		"Load of none": func(ctx context.Context) error { _, err := s.Load(ctx, "none"); return err },
		"Save":         func(ctx context.Context) error { _, err := s.Save(ctx, row); return err },
		"Save of older": func(ctx context.Context) error {
			old := row
			old.Version++
			_, err := s.Save(ctx, old)
			return err
		},
		"List":           func(ctx context.Context) error { _, err := s.List(ctx, row.Owner, "", 10); return err },
		"Append":         func(ctx context.Context) error { return s.Append(ctx, entry("s1")) },
		"Append of new":  func(ctx context.Context) error { return s.Append(ctx, entry("new")) },
		"Append of none": func(ctx context.Context) error { return s.Append(ctx) },
		"Purge":          func(ctx context.Context) error { _, err := s.Purge(ctx, time.Now()); return err },
		"Tail":           func(ctx context.Context) error { _, _, err := s.Tail(ctx, cursor); return err },
		"Tail from old":  func(ctx context.Context) error { _, _, err := s.Tail(ctx, "1.0123456789abcdef"); return err },
		"Snapshot": func(ctx context.Context) error {
			_, err := s.Snapshot(ctx, func(revocation.Entry) {})
			return err
		},
	}
}

// req 47, 60, 61: kill -9 under load; nothing acknowledged is lost, and the same Store goes on.
func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL(), Timeout: 2 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	rows, logged := make(map[string]string), make(map[string]bool)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			var row writ.Row
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", w, n)
				var err error
				switch n % 3 {
				case 0:
					row, err = s.Save(ctx, writ.Row{ID: id, Owner: "alice", Data: []byte(id)})
				case 1:
					row.Data = []byte(id)
					row, err = s.Save(ctx, row, entry(id))
				case 2:
					err = s.Append(ctx, entry(id))
				}
				if err != nil {
					n += 2 - n%3 // what became of it is not known
					continue
				}
				mu.Lock()
				if n%3 != 2 {
					rows[row.ID] = id
				}
				if n%3 != 0 {
					logged[id] = true
				}
				mu.Unlock()
			}
		})
	}
	written := func() int { mu.Lock(); defer mu.Unlock(); return len(rows) }
	for range 3 {
		before := written()
		until(t, "writing after an outage", func() error {
			if written() < before+200 {
				return errors.New("nothing is written")
			}
			return nil
		})
		server.Kill()
		server.Start()
	}
	cancel()
	writers.Wait()

	var all map[string]revocation.Entry
	until(t, "Load", func() error { _, err := s.Purge(t.Context(), time.Unix(0, 0)); return err })
	all, _ = snapshot(t, s)
	for id := range logged {
		if _, ok := all[id]; !ok {
			t.Fatalf("entry %s was acknowledged and is lost", id)
		}
	}
	for id, least := range rows {
		row, err := s.Load(t.Context(), id)
		if err != nil {
			t.Fatalf("row %s was acknowledged: %v", id, err)
		}
		// The write after the last acknowledged one may have been done, entry and all, or not.
		if _, done := all[string(row.Data)]; string(row.Data) != least && !done {
			t.Fatalf("row %s holds %s, want %s or what came after with its entry", id, row.Data, least)
		}
	}
}

func TestAServerThatDoesNotAnswerIsAnErrorAndNoEnd(t *testing.T) { // req 60
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL(), Timeout: 200 * time.Millisecond})
	row := save(t, s, writ.Row{ID: "s1", Owner: "alice"}, entry("s1"))
	_, cursor := snapshot(t, s)
	server.Pause()
	var all sync.WaitGroup
	for name, call := range calls(s, row, cursor) {
		all.Go(func() { wantBroken(t, name, call(context.Background())) }) // a ctx that never ends
	}
	all.Wait()
	server.Resume()
	until(t, "Load", func() error { _, err := s.Load(t.Context(), "s1"); return err })
	appendTo(t, s, entry("s2"))
}

func TestAReplicaAnswersNothing(t *testing.T) { // req 60, 62
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	row := save(t, s, writ.Row{ID: "s1", Owner: "alice"}, entry("s1"))
	_, cursor := snapshot(t, s)
	a := admin(t, server.Addr())
	do(t, a, "REPLICAOF", "127.0.0.1", "1") // of nobody that answers: it keeps what it has
	var all sync.WaitGroup
	for name, call := range calls(s, row, cursor) {
		all.Go(func() {
			err := call(t.Context())
			wantBroken(t, name, err)
			if err != nil && !strings.Contains(err.Error(), "READONLY") {
				t.Errorf("%s: error %v does not say READONLY", name, err)
			}
		})
	}
	all.Wait()
	if _, err := redis.Open(t.Context(), redis.Config{URL: server.URL()}); err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("Open: error %v, want that it is a replica", err)
	}
	do(t, a, "REPLICAOF", "NO", "ONE")
	save(t, s, row)
}

func TestALostAnswerIsAskedForAgain(t *testing.T) { // req 45, 49
	t.Parallel()
	c := shared(t)
	lose := make(chan func(), 1)
	nothing := func() {}
	c.Client, c.URL = losing(t, c.URL, lose), ""
	s := open(t, c)
	other := open(t, redis.Config{URL: servers.SharedRedis(t).URL(), Prefix: c.Prefix})
	_, cursor := snapshot(t, s)
	cutoff := func(before int64) revocation.Entry {
		return revocation.Entry{Kind: revocation.Subject, ID: "alice", Before: before}
	}
	everything := revocation.Entry{Kind: revocation.Everything, Before: 40}

	lose <- nothing
	row := save(t, s, writ.Row{ID: "s1", Owner: "alice", Data: []byte("first")}, entry("s1"), cutoff(10))
	if row.Cutoff != 10 {
		t.Errorf("cutoff %d, want 10", row.Cutoff)
	}
	row.Data = []byte("second")
	lose <- nothing
	row = save(t, s, row, cutoff(20))
	lose <- nothing
	row = save(t, s, row, everything)
	if row.Cutoff != 40 {
		t.Errorf("cutoff %d, want 40", row.Cutoff)
	}
	got, err := other.Load(t.Context(), "s1")
	if err != nil || got.Version != row.Version || string(got.Data) != "second" || got.Cutoff != 40 {
		t.Errorf("the row has version %d, cutoff %d, error %v; want %d, 40", got.Version, got.Cutoff, err, row.Version)
	}
	nobody := save(t, s, writ.Row{ID: "ring"})
	lose <- nothing
	if nobody = save(t, s, nobody); nobody.Cutoff != 40 {
		t.Errorf("cutoff %d, want 40", nobody.Cutoff)
	}
	lose <- nothing
	appendTo(t, s, entry("s2"))
	if entries, err := now(s, cursor); err != nil || len(entries) != 4 {
		t.Errorf("%d entries, error %v; want 4", len(entries), err)
	}

	// What comes after the write is not in its cutoff, although its second try sees it.
	for _, with := range [][]revocation.Entry{nil, {cutoff(60)}} {
		row = save(t, s, writ.Row{ID: fmt.Sprint("row", len(with)), Owner: "alice"})
		want := row.Cutoff
		if len(with) > 0 {
			want = with[0].Before
		}
		lose <- func() { appendTo(t, other, cutoff(want+5)) }
		if row = save(t, s, row, with...); row.Cutoff != want {
			t.Errorf("cutoff %d, want %d, as of the write", row.Cutoff, want)
		}
		if _, err := s.Save(t.Context(), row); !errors.Is(err, writ.ErrConflict) {
			t.Errorf("the next Save: error %v, want ErrConflict: it has not seen the cutoff", err)
		}
	}
	if len(lose) != 0 {
		t.Error("an answer was not lost: the test shows nothing")
	}
}
