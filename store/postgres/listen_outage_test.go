package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/postgres"
)

// hears appends until the reader knows that hints work.
func hears(t testing.TB, writer, reader *postgres.Store, came <-chan string, slowly time.Duration) {
	t.Helper()
	n := 0
	until(t, "a hint works", func() bool {
		n++
		sid := fmt.Sprint("hint", n)
		appends(t, writer, sid)
		arrives(t, came, sid)
		return reader.Pause() == slowly
	})
}

// req 58
func TestWhatNoHintAnnouncesThePollBrings(t *testing.T) {
	const slowly = 30 * time.Millisecond // as long as hints are believed in
	for name, spoil := range map[string]func(t *testing.T, config postgres.Config, writer, reader *postgres.Store){
		"the hints are lost":                func(_ *testing.T, _ postgres.Config, writer, _ *postgres.Store) { writer.Mute(true) },
		"LISTEN has no effect, as a pooler": func(_ *testing.T, _ postgres.Config, _, reader *postgres.Store) { reader.Deafen() },
	} {
		t.Run(name, func(t *testing.T) {
			config := place(t)
			conn := dial(t, config.URL)
			writer, reader := open(t, config), open(t, named(config, config.Schema+"r"))
			reader.SetPoll(10*time.Millisecond, slowly)
			reader.SetCheck(20 * time.Millisecond) // it is given up and dialled again
			spoil(t, config, writer, reader)
			came := tailing(t, reader)
			first := listener(t, conn, config.Schema+"r")
			for i := range 20 {
				if reader.Pause() == slowly {
					t.Fatal("it polls slowly, although no hint has come")
				}
				appends(t, writer, fmt.Sprint(i))
				arrives(t, came, fmt.Sprint(i))
			}
			until(t, "another session listens", func() bool { return listener(t, conn, config.Schema+"r") != first })
			if name == "the hints are lost" {
				writer.Mute(false)
				hears(t, writer, reader, came, slowly)
			}
		})
	}
}

// Somebody ends the session that listens: until there is another, the poll brings what comes. req 60
func TestASessionThatListensIsEnded(t *testing.T) {
	const slowly = 50 * time.Millisecond
	config := place(t)
	conn := dial(t, config.URL)
	writer, reader := open(t, config), open(t, named(config, config.Schema+"r"))
	reader.SetPoll(20*time.Millisecond, slowly)
	came := tailing(t, reader)
	for i := range 3 {
		hears(t, writer, reader, came, slowly)
		run(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN %'`, config.Schema+"r")
		appends(t, writer, fmt.Sprint("after", i))
		arrives(t, came, fmt.Sprint("after", i))
	}
	hears(t, writer, reader, came, slowly)
}

// The network swallows what the sessions of now send and get, and nobody says so. req 60
func TestASessionThatListensIsDead(t *testing.T) {
	const slowly = 50 * time.Millisecond
	config := place(t)
	conn := dial(t, config.URL)
	writer := open(t, config)
	config = named(config, config.Schema+"r")
	config.Timeout = time.Second
	p := through(t, &config.URL)
	reader := open(t, config)
	reader.SetPoll(20*time.Millisecond, slowly)
	reader.SetCheck(100 * time.Millisecond)
	came := tailing(t, reader)
	hears(t, writer, reader, came, slowly)
	before := listener(t, conn, config.Schema+"r")
	p.cut()
	appends(t, writer, "swallowed")
	arrives(t, came, "swallowed")
	until(t, "another session listens", func() bool { return listener(t, conn, config.Schema+"r") != before })
	hears(t, writer, reader, came, slowly)
}

// A crash, and a server that stands still: what was acknowledged arrives, and hints work again. req 60
func push(t *testing.T, server *servers.PostgresServer) {
	const slowly = 50 * time.Millisecond
	config := postgres.Config{URL: server.URL(), Schema: "push"}
	writer, reader := open(t, config), open(t, config)
	reader.SetPoll(20*time.Millisecond, slowly)
	came := tailing(t, reader)
	hears(t, writer, reader, came, slowly)
	for name, fail := range map[string]func(){
		"killed": func() { server.Kill(); server.Start() },
		"paused": func() {
			server.Pause()
			time.Sleep(100 * time.Millisecond)
			server.Resume()
		},
	} {
		fail()
		until(t, "the store works", func() bool { return writer.Append(t.Context(), ended(name)) == nil })
		arrives(t, came, name)
		hears(t, writer, reader, came, slowly)
	}
}

// A server that takes no further session is asked seldom, and Tail goes on.
func TestDiallingAgainIsNoBusyLoop(t *testing.T) {
	config := place(t)
	pool, err := pgxpool.ParseConfig(config.URL)
	if err != nil {
		t.Fatal(err)
	}
	var dials atomic.Int64
	var refuse atomic.Bool
	pool.MaxConns = 1
	pool.BeforeConnect = func(context.Context, *pgx.ConnConfig) error {
		if refuse.Load() {
			dials.Add(1)
			return errors.New("refused")
		}
		return nil
	}
	writer := open(t, config)
	config.URL, config.Pool = "", pool
	reader := open(t, config) // and has its one session of the pool
	reader.SetPoll(5*time.Millisecond, time.Hour)
	refuse.Store(true)
	began := time.Now()
	came := tailing(t, reader)
	until(t, "it dials again", func() bool { return dials.Load() >= 3 })
	appends(t, writer, "s1")
	arrives(t, came, "s1")
	// The pauses are at least 50, 100, 200 ms and so on.
	if n, most := int(dials.Load()), 2+bits.Len(uint(time.Since(began)/(50*time.Millisecond))); n > most {
		t.Errorf("%d dials, want no more than %d", n, most)
	}
}
