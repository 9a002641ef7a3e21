package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/postgres"
)

// hint waits for one as an application does that listens.
func hint(t testing.TB, conn *pgx.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n, err := conn.WaitForNotification(ctx)
	if err != nil {
		t.Fatalf("no hint: %v", err)
	}
	return n.Payload
}

// Whoever may connect may also say something. None of it is believed.
func TestHintsThatAreMadeUp(t *testing.T) {
	const slowly = time.Hour
	config := place(t)
	conn := dial(t, config.URL)
	s := open(t, named(config, config.Schema+"s"))
	s.SetPoll(10*time.Millisecond, slowly)
	from := start(t, s)
	came := tailing(t, s)
	listens(t, conn, config.Schema+"s")
	for _, payload := range []string{"", "x", "0", "-1", "1", fmt.Sprint(math.MaxInt64), "99999999999999999999", strings.Repeat("9", 7000)} {
		run(t, conn, `SELECT pg_notify($1, $2)`, postgres.Channel(config.Schema), payload)
	}
	if now := start(t, s); now != from || len(came) != 0 {
		t.Error("the log is another, or entries came")
	}
	writer := open(t, config)
	writer.Mute(true)
	appends(t, writer, "one") // which has the seq 1, as one of them said
	arrives(t, came, "one")
	run(t, conn, `SELECT pg_notify($1, $2)`, postgres.Channel(config.Schema), fmt.Sprint(math.MaxInt64))
	for i := range 3 {
		appends(t, writer, fmt.Sprint(i))
		arrives(t, came, fmt.Sprint(i))
	}
	if s.Pause() == slowly {
		t.Error("it polls slowly because of a hint that was made up")
	}
}

// What an application hears that listens to a schema's channel: nothing of what comes to nothing, and
// nothing of what is in the transaction of an append. req 58
func TestHintsAreNoPartOfATransaction(t *testing.T) {
	config, another := place(t), place(t)
	conn, other := dial(t, config.URL), dial(t, config.URL)
	s, elsewhere := open(t, config), open(t, another)
	run(t, conn, `ALTER TABLE `+config.Schema+`.writ_entries ADD CHECK (id <> 'refused')`)
	run(t, other, `LISTEN "`+postgres.Channel(config.Schema)+`"`)

	if _, err := s.Save(t.Context(), writ.Row{ID: "none", Version: 7}, ended("conflict")); !errors.Is(err, writ.ErrConflict) {
		t.Fatalf("Save: %v, want a conflict", err)
	}
	if err := s.Append(t.Context(), ended("refused")); err == nil {
		t.Fatal("Append: it was not rolled back")
	}
	appends(t, elsewhere, "of another schema")
	s.Mute(true)
	appends(t, s, "silent") // 1: the transaction is done, and brings no hint with it
	s.Mute(false)
	key := revocation.Entry{Kind: revocation.Key, ID: "told", Before: revocation.Ended}
	for range 2 { // 2, and nothing
		if err := s.Append(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if got := hint(t, other); got != "2" {
		t.Errorf("the first hint is of transaction %q, want 2", got)
	}
	s.Close() // which waits for all that it says
	run(t, conn, `SELECT pg_notify($1, 'end')`, postgres.Channel(config.Schema))
	if hint(t, other) != "end" {
		t.Error("an append that changed nothing sent a hint")
	}
}

// Many appends, few hints, and one of the last of them.
func TestHintsAreCombined(t *testing.T) {
	config := place(t)
	conn, other := dial(t, config.URL), dial(t, config.URL)
	s := open(t, config)
	run(t, other, `LISTEN "`+postgres.Channel(config.Schema)+`"`)
	var wait sync.WaitGroup
	for w := range 16 {
		wait.Go(func() {
			for i := range 20 {
				if err := s.Append(t.Context(), ended(fmt.Sprint(w, "-", i))); err != nil {
					t.Errorf("Append: %v", err)
				}
			}
		})
	}
	wait.Wait()
	s.Close() // which lets the last hint go
	seq := query[string](t, conn, `SELECT seq FROM `+config.Schema+`.writ_head`)
	seen := map[string]bool{}
	for !seen[seq] {
		got := hint(t, other)
		if seen[got] {
			t.Error("a hint came twice")
		}
		seen[got] = true
	}
	t.Logf("%d hints of %s transactions for 320 appends", len(seen), seq)
}

func TestEverySchemaHasAChannelOfItsOwn(t *testing.T) {
	long := strings.Repeat("a", 62)
	seen := map[string]bool{}
	for _, schema := range []string{"writ", "writ_", "w", long + "a", long + "b"} {
		c := postgres.Channel(schema)
		if len(c) > 63 || seen[c] || strings.ContainsAny(c, `"'`) {
			t.Errorf("the channel of %s is %q", schema, c)
		}
		seen[c] = true
	}
}
