//go:build unix

package faults_test

import (
	"context"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/writ-go/writ/internal/servers"
)

// pausePostgres stops every process of a server, and returns what lets them go on. Each process that
// serves a connection has a session of its own, and so is in no group with the others.
func pausePostgres(t testing.TB, s *servers.PostgresServer) (resume func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Errorf("pausing PostgreSQL: %v", err)
		return func() {}
	}
	defer conn.Close(ctx)
	rows, _ := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Errorf("pausing PostgreSQL: %v", err)
	}
	s.Pause()
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	return func() {
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGCONT)
		}
		s.Resume()
	}
}

// paused stops it, perhaps while it holds the file's lock, and lets it go on.
func (c *child) paused() []fault {
	return []fault{{inject: func(r *rand.Rand) func() {
		c.cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(200+r.IntN(1500)) * time.Millisecond)
		return func() { c.cmd.Process.Signal(syscall.SIGCONT) }
	}}}
}
