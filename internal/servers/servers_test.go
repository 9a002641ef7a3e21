package servers_test

import (
	"net"
	"testing"

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
	Pause()
	Resume()
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
			s.Pause()
			s.Resume()
			if !answers(s.Addr()) {
				t.Fatal("it does not answer")
			}
		})
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
