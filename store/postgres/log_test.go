package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/postgres"
)

// follow returns the sessions that a follower of the log has got, from the start until what it wants
// is there.
func follow(ctx context.Context, s *postgres.Store, from revocation.Cursor, want int) (map[string]bool, error) {
	got := make(map[string]bool)
	for len(got) < want {
		entries, next, err := s.Tail(ctx, from)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return got, err
		}
		for _, e := range entries {
			got[e.ID] = true
		}
		from = next
	}
	return got, nil
}

func start(t testing.TB, s *postgres.Store) revocation.Cursor {
	t.Helper()
	cursor, err := s.Snapshot(t.Context(), func(revocation.Entry) {})
	if err != nil {
		t.Fatal(err)
	}
	return cursor
}

// A number from a sequence is taken before the commit: who comes first in numbers may commit last, and
// a follower that asks for what is greater than the last number never sees it. req 62
func TestACounterWouldLoseEntries(t *testing.T) {
	config := place(t)
	s := open(t, config)
	long, short := dial(t, config.URL), dial(t, config.URL)
	table := config.Schema + ".control"
	run(t, long, `CREATE TABLE `+table+` (id bigserial)`)
	run(t, long, `BEGIN`)
	run(t, long, `INSERT INTO `+table+` DEFAULT VALUES`)
	run(t, short, `INSERT INTO `+table+` DEFAULT VALUES`)
	last := query[int](t, short, `SELECT max(id) FROM `+table)
	run(t, long, `COMMIT`)
	if n := query[int](t, short, `SELECT count(*) FROM `+table+` WHERE id > $1`, last); n != 0 || last != 2 {
		t.Errorf("the control sees %d rows after %d: it should have missed one", n, last)
	}

	// The same with the log: the long transaction has the head and waits for its row.
	row, err := s.Save(t.Context(), writ.Row{ID: "row"})
	if err != nil {
		t.Fatal(err)
	}
	from := start(t, s)
	node := open(t, named(config, config.Schema+"s"))
	run(t, long, `BEGIN`)
	run(t, long, `SELECT FROM `+config.Schema+`.writ_rows FOR UPDATE`)
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := node.Save(t.Context(), row, ended("long")); err != nil {
			t.Errorf("Save: %v", err)
		}
	})
	until(t, "the save waits", func() bool { return waiting(t, short, config, config.Schema+"s", "transactionid") })
	wait.Go(func() {
		if err := s.Append(t.Context(), ended("short")); err != nil {
			t.Errorf("Append: %v", err)
		}
	})
	run(t, long, `COMMIT`)
	if got, err := follow(t.Context(), s, from, 2); err != nil {
		t.Errorf("the follower got %d of 2: %v", len(got), err)
	}
	wait.Wait()
}

// req 58, 62
func TestAFollowerMissesNothingOfManyWriters(t *testing.T) {
	config := place(t)
	nodes := []*postgres.Store{open(t, config), open(t, config), open(t, config)}
	const writers, each = 16, 12
	want := 0
	var wait sync.WaitGroup
	from := start(t, nodes[2])
	for w := range writers {
		for i := range each {
			want += size(w, i)
		}
		wait.Go(func() {
			for i := range each {
				entries := make([]revocation.Entry, size(w, i))
				for n := range entries {
					entries[n] = ended(fmt.Sprint(w, "-", i, "-", n))
				}
				var err error
				if i%2 == 0 {
					_, err = nodes[w%2].Save(t.Context(), writ.Row{ID: fmt.Sprint(w, i), Owner: "alice"}, entries...)
				} else {
					err = nodes[w%2].Append(t.Context(), entries...)
				}
				if err != nil {
					t.Errorf("writing: %v", err)
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, s := range nodes {
		wait.Go(func() {
			if got, err := follow(ctx, s, from, want); err != nil {
				t.Errorf("a follower got %d of %d: %v", len(got), want, err)
			}
		})
	}
	wait.Wait()
}

// size makes every third of a transaction a long one.
func size(writer, i int) int { return 1 + 300*((writer+i)%3/2) }

func TestWhatChangesNothingIsNoTransactionOfTheLog(t *testing.T) {
	config := place(t)
	s := open(t, config)
	if err := s.Append(t.Context(), ended("s1")); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, config.URL)
	entry := revocation.Entry{Kind: revocation.Key, ID: "k1", Before: 5}
	for range 3 {
		if err := s.Append(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Save(t.Context(), writ.Row{ID: "none", Version: 9}, ended("lost")); !errors.Is(err, writ.ErrConflict) {
			t.Fatalf("Save: %v, want a conflict", err)
		}
	}
	if seq := query[int64](t, conn, `SELECT seq FROM `+config.Schema+`.writ_head`); seq != 2 {
		t.Errorf("the log has %d transactions, want 2", seq)
	}
}

func TestTheLogIsTrimmed(t *testing.T) {
	config := place(t)
	s := open(t, config)
	old := start(t, s)
	conn := dial(t, config.URL)
	in := config.Schema + "."
	run(t, conn, `INSERT INTO `+in+`writ_log SELECT n, n FROM generate_series(1, 65663) AS n`)
	run(t, conn, `UPDATE `+in+`writ_head SET seq = 65663, tag = 65663`)
	before := start(t, s)
	if err := s.Append(t.Context(), ended("s1")); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, conn, `SELECT count(*) FROM `+in+`writ_log`); n != 65_536 {
		t.Errorf("%d places are left, want 65,536", n)
	}
	if _, _, err := s.Tail(t.Context(), old); !errors.Is(err, revocation.ErrGap) || errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("Tail from a place that was trimmed: %v, want a gap", err)
	}
	if entries, _, err := s.Tail(t.Context(), before); err != nil || len(entries) != 1 {
		t.Errorf("Tail from a place that is left: %d entries, %v", len(entries), err)
	}
}

// Six nodes find the beat old at the same time.
func TestOneOfManyNodesWritesTheBeat(t *testing.T) {
	config := place(t)
	conn, other := dial(t, config.URL), dial(t, config.URL)
	s := open(t, named(config, config.Schema+"s"))
	from := start(t, s)
	head := config.Schema + ".writ_head"
	run(t, conn, `CREATE TABLE `+config.Schema+`.beats (n int);
		CREATE FUNCTION `+config.Schema+`.beat() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN INSERT INTO `+config.Schema+`.beats VALUES (1); RETURN NULL; END $$;
		UPDATE `+head+` SET beat = 0;
		CREATE TRIGGER beats AFTER UPDATE ON `+head+` FOR EACH ROW EXECUTE FUNCTION `+config.Schema+`.beat()`)
	run(t, other, `BEGIN`)
	run(t, other, `SELECT FROM `+head+` FOR UPDATE`)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	const nodes = 6
	for range nodes {
		wait.Go(func() {
			if _, _, err := s.Tail(ctx, from); err != nil {
				t.Errorf("Tail: %v", err)
			}
		})
	}
	until(t, "all want to write it", func() bool {
		return query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`, config.Schema+"s") == nodes
	})
	run(t, other, `ROLLBACK`)
	until(t, "none waits", func() bool {
		return query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`, config.Schema+"s") == 0
	})
	if err := s.Append(t.Context(), ended("the end")); err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	cancel()
	if n := query[int](t, conn, `SELECT count(*) FROM `+config.Schema+`.beats`); n != 2 {
		t.Errorf("%d beats, want one of the nodes' and one of the append", n)
	}
}
