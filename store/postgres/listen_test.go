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

// tooLong is a time between two polls that no test waits for.
const tooLong = 10 * time.Minute

// tailing follows a store's log until the test ends. What comes is in the channel.
func tailing(t testing.TB, s *postgres.Store) <-chan string {
	t.Helper()
	from := start(t, s)
	came := make(chan string, 10_000)
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		for ctx.Err() == nil {
			entries, next, err := s.Tail(ctx, from)
			switch {
			case errors.Is(err, revocation.ErrGap):
				t.Errorf("Tail: %v", err)
				return
			case err != nil: // a server that is not there
				time.Sleep(5 * time.Millisecond)
				continue
			}
			for _, e := range entries {
				came <- e.ID
			}
			from = next
		}
	})
	t.Cleanup(func() { stop(); wait.Wait() })
	return came
}

func arrives(t testing.TB, came <-chan string, sid string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case got := <-came:
			if got == sid {
				return
			}
		case <-late:
			t.Fatalf("%s never came", sid)
		}
	}
}

func appends(t testing.TB, s *postgres.Store, sid string) {
	t.Helper()
	if err := s.Append(t.Context(), ended(sid)); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

// listeners is how many sessions of a store listen.
func listeners(t testing.TB, conn *pgx.Conn, name string) int {
	t.Helper()
	return query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle' AND query LIKE 'LISTEN %'`, name)
}

func listens(t testing.TB, conn *pgx.Conn, name string) {
	t.Helper()
	until(t, "it listens", func() bool { return listeners(t, conn, name) == 1 })
}

// listener is the session of a store that listens, when there is one.
func listener(t testing.TB, conn *pgx.Conn, name string) (pid int) {
	t.Helper()
	until(t, "it listens", func() bool {
		pid = query[int](t, conn, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN %'`, name)
		return pid != 0
	})
	return pid
}

// Nothing but a hint can bring it: no Tail polls in this test. req 58
func TestAnAppendOfAnotherProcessWakesEveryTail(t *testing.T) {
	config := place(t)
	conn := dial(t, config.URL)
	writer, reader := open(t, config), open(t, named(config, config.Schema+"r"))
	reader.SetPoll(tooLong, tooLong)
	var tails []<-chan string
	for range 5 {
		tails = append(tails, tailing(t, reader))
	}
	listens(t, conn, config.Schema+"r")
	for i := range 5 {
		sid := fmt.Sprint(i)
		var err error
		if i%2 == 0 {
			err = writer.Append(t.Context(), ended(sid))
		} else {
			_, err = writer.Save(t.Context(), writ.Row{ID: sid}, ended(sid))
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, came := range tails {
			arrives(t, came, sid)
		}
		if n := listeners(t, conn, config.Schema+"r"); n != 1 {
			t.Fatalf("%d sessions listen for 5 Tails", n)
		}
	}
}

// With PollOnly no session listens, and others hear of its appends nevertheless.
func TestPollOnly(t *testing.T) {
	config := place(t)
	conn := dial(t, config.URL)
	other := open(t, named(config, config.Schema+"o"))
	other.SetPoll(tooLong, tooLong)
	config = named(config, config.Schema+"p")
	config.PollOnly = true
	s := open(t, config)
	came, others := tailing(t, s), tailing(t, other)
	listens(t, conn, config.Schema+"o")
	appends(t, s, "own")
	arrives(t, came, "own")
	arrives(t, others, "own")
	appends(t, other, "other")
	arrives(t, came, "other")
	if n := listeners(t, conn, config.Schema+"p"); n != 0 {
		t.Errorf("%d sessions listen", n)
	}
}

// req 60
func TestNothingListensWithoutATail(t *testing.T) {
	config := place(t)
	conn := dial(t, config.URL)
	writer, s := open(t, config), open(t, named(config, config.Schema+"s"))
	s.SetPoll(tooLong, tooLong)
	s.SetLinger(100 * time.Millisecond)
	from := start(t, s)
	if n := listeners(t, conn, config.Schema+"s"); n != 0 {
		t.Fatalf("%d sessions listen before there is a Tail", n)
	}
	for i := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { _, _, err := s.Tail(ctx, from); ended <- err }()
		listens(t, conn, config.Schema+"s")
		cancel() // long before it would poll
		if err := <-ended; err != nil {
			t.Errorf("Tail whose context ended: %v", err)
		}
		until(t, "none listens", func() bool { return listeners(t, conn, config.Schema+"s") == 0 })
		appends(t, writer, fmt.Sprint(i))
		from = start(t, s)
	}
	tail := make(chan error)
	go func() { _, _, err := s.Tail(context.Background(), from); tail <- err }()
	listens(t, conn, config.Schema+"s")
	s.Close() // while it listens
	if err := <-tail; err == nil {
		t.Error("Tail of a store that was closed returned no error")
	}
	until(t, "no session is left", func() bool {
		return query[int](t, conn, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, config.Schema+"s") == 0
	})
}
