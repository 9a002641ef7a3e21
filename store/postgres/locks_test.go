package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/postgres"
)

// dial is a plain connection of the test's own.
func dial(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func query[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func run(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition of the server.
func until(t testing.TB, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !reached(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to: %s", what)
		}
	}
}

// named lets a test find the store's sessions in pg_stat_activity.
func named(config postgres.Config, name string) postgres.Config {
	config.URL += "&application_name=" + name
	return config
}

func waiting(t testing.TB, conn *pgx.Conn, config postgres.Config, name, event string) bool {
	return query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock' AND wait_event = $2`,
		name, event) > 0
}

// A Save is held up by another transaction that has its row; its statement, and so what it sees, began
// before. A cutoff must not come through meanwhile. req 49
func TestACutoffWaitsForTheSaveThatCannotSeeIt(t *testing.T) {
	for _, locks := range []bool{true, false} {
		t.Run(fmt.Sprintf("locks=%v", locks), func(t *testing.T) {
			config := place(t)
			saver, ender := named(config, config.Schema+"s"), named(config, config.Schema+"e")
			s, e := open(t, saver), open(t, ender)
			if !locks {
				s.SkipLocks()
				e.SkipLocks()
			}
			row, err := s.Save(t.Context(), writ.Row{ID: "s1", Owner: "alice"})
			if err != nil {
				t.Fatal(err)
			}
			conn, other := dial(t, config.URL), dial(t, config.URL)
			run(t, other, `BEGIN`)
			run(t, other, `SELECT FROM `+config.Schema+`.writ_rows FOR UPDATE`)
			var saved writ.Row
			var wait sync.WaitGroup
			wait.Go(func() { saved, err = s.Save(context.Background(), row) })
			until(t, "the save waits for its row", func() bool { return waiting(t, conn, config, config.Schema+"s", "transactionid") })

			appended := make(chan error, 1)
			go func() { appended <- e.Append(context.Background(), endedAll("alice", 7)) }()
			overlooked := false
			until(t, "the cutoff waits, or is through", func() bool {
				select {
				case err := <-appended:
					overlooked = true
					appended <- err
					return true
				default:
					return waiting(t, conn, config, config.Schema+"e", "advisory")
				}
			})
			run(t, other, `ROLLBACK`)
			wait.Wait()
			if err := <-appended; err != nil {
				t.Fatalf("Append: %v", err)
			}
			if err != nil || saved.Cutoff != 0 {
				t.Fatalf("Save: cutoff %d, error %v", saved.Cutoff, err)
			}
			if overlooked == locks { // without the locks, the cutoff was there first and the save did not see it
				t.Errorf("the save overlooked the cutoff: %v", overlooked)
			}
		})
	}
}

// The other way round: the cutoff is on its way, and the Save must wait and see it. req 49
func TestASaveWaitsForTheCutoffAndSeesIt(t *testing.T) {
	for name, entry := range map[string]revocation.Entry{
		"the owner's": endedAll("alice", 7),
		"everybody's": {Kind: revocation.Everything, Before: 7},
	} {
		t.Run(name, func(t *testing.T) {
			config := place(t)
			s, e := open(t, named(config, config.Schema+"s")), open(t, named(config, config.Schema+"e"))
			row, err := s.Save(t.Context(), writ.Row{ID: "s1", Owner: "alice"})
			if err != nil {
				t.Fatal(err)
			}
			conn, other := dial(t, config.URL), dial(t, config.URL)
			run(t, other, `BEGIN`)
			run(t, other, `SELECT FROM `+config.Schema+`.writ_head FOR UPDATE`)
			appended := make(chan error, 1)
			go func() { appended <- e.Append(context.Background(), entry) }()
			until(t, "the cutoff waits for the head", func() bool { return waiting(t, conn, config, config.Schema+"e", "transactionid") })

			var wait sync.WaitGroup
			var made writ.Row
			var errMade error
			wait.Go(func() { _, err = s.Save(context.Background(), row) })
			wait.Go(func() { made, errMade = s.Save(context.Background(), writ.Row{ID: "s2", Owner: "alice"}) })
			until(t, "the saves wait", func() bool {
				return query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'advisory'`, config.Schema+"s") == 2
			})
			run(t, other, `ROLLBACK`)
			wait.Wait()
			if err := <-appended; err != nil {
				t.Fatalf("Append: %v", err)
			}
			if !errors.Is(err, writ.ErrConflict) {
				t.Errorf("Save after the cutoff: error %v, want a conflict", err)
			}
			if errMade != nil || made.Cutoff != 7 {
				t.Errorf("Save of a new row: cutoff %d, error %v; want 7", made.Cutoff, errMade)
			}
		})
	}
}

// Whatever takes locks, at once, from three nodes and on the same few rows.
func TestNothingDeadlocks(t *testing.T) {
	config := place(t)
	conn := dial(t, config.URL)
	const deadlocks = `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`
	before := query[int](t, conn, deadlocks)
	nodes := []*postgres.Store{open(t, config), open(t, config), open(t, config)}
	ctx := t.Context()
	var wait sync.WaitGroup
	for g := range 18 {
		s := nodes[g%3]
		wait.Go(func() {
			for i := range 30 {
				n := g*7 + i*5
				owner, id := fmt.Sprint("owner", n%3), fmt.Sprint("row", n%6)
				row, err := s.Load(ctx, id)
				if errors.Is(err, writ.ErrNotFound) {
					row, err = writ.Row{ID: id, Owner: fmt.Sprint("owner", n%6%3)}, nil
				}
				if err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				switch g / 3 {
				case 0:
					_, err = s.Save(ctx, row)
				case 1:
					row.Expires = time.Now() // for the purge
					_, err = s.Save(ctx, row, ended(fmt.Sprint(n%10)), revocation.Entry{Kind: revocation.Token, ID: "old", Before: int64(i + 1), Expires: time.Now()})
				case 2:
					_, err = s.Save(ctx, row, endedAll(owner, int64(n+1)))
				case 3:
					err = s.Append(ctx, endedAll(owner, int64(n+1)), endedAll("owner0", int64(n)+1), ended(fmt.Sprint(n%9)))
				case 4:
					_, err = s.Purge(ctx, time.Now())
				default:
					err = s.Append(ctx, revocation.Entry{Kind: revocation.Everything, Before: int64(i + 1), Expires: time.Now().Add(time.Hour)})
				}
				if err != nil && !errors.Is(err, writ.ErrConflict) {
					t.Errorf("what takes locks in way %d: %v", g/3, err)
					return
				}
			}
		})
	}
	wait.Wait()
	if n := query[int](t, conn, deadlocks) - before; n != 0 {
		t.Errorf("%d deadlocks", n)
	}
}
