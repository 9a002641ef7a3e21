package servers_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/writ-go/writ/internal/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

func answers(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

type life interface {
	Addr() string
	Start()
	Stop()
	Kill()
	Copy()
	PutBack()
}

func TestAServerIsKilledAndStartedAgain(t *testing.T) {
	for name, start := range map[string]func() life{
		"postgres": func() life { return servers.Postgres(t) },
		"redis":    func() life { return servers.Redis(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start()
			if !answers(s.Addr()) {
				t.Fatal("it does not answer")
			}
			for _, end := range []func(){s.Kill, s.Stop} {
				end()
				if answers(s.Addr()) {
					t.Fatal("it answers on")
				}
				s.Start()
			}
			s.Copy()
			s.PutBack()
			if !answers(s.Addr()) {
				t.Fatal("it does not answer")
			}
		})
	}
}

func TestAPausedServerAnswersNobody(t *testing.T) {
	s := servers.Postgres(t)
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	s.Pause()
	answered := make(chan error, 1)
	go func() { _, err := conn.Exec(ctx, "SELECT 1"); answered <- err }()
	select {
	case <-answered:
		t.Error("a connection that was there goes on")
	case <-time.After(300 * time.Millisecond):
	}
	s.Resume()
	if err := <-answered; err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestOneServerForManyTests(t *testing.T) {
	if a, b := servers.SharedRedis(t), servers.SharedRedis(t); a != b {
		t.Error("two Redis servers")
	}
	a, b := servers.SharedPostgres(t), servers.SharedPostgres(t)
	if a != b {
		t.Error("two PostgreSQL servers")
	}
	a.Exec("CREATE SCHEMA one")
	b.Exec("DROP SCHEMA one")
}
