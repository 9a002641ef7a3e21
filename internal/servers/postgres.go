package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresServer is a PostgreSQL server with one superuser, who needs no password, and one database; both
// are named writ. Its settings are PostgreSQL's own, which lose nothing at a crash.
type PostgresServer struct{ server }

// Postgres starts a server, which ends with the test.
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	dir := tempDir(t)
	p := newPostgres(t, dir)
	t.Cleanup(p.Stop)
	return p
}

func newPostgres(t testing.TB, dir string) *PostgresServer {
	t.Helper()
	program := find(t, "postgres", "/usr/lib/postgresql/*/bin/postgres")
	initdb := find(t, "initdb", "/usr/lib/postgresql/*/bin/initdb")
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	p := &PostgresServer{server{
		t: t, name: "PostgreSQL", dir: filepath.Join(dir, "data"), port: port, log: filepath.Join(dir, "log"),
		command: func(s *server) *exec.Cmd {
			cmd := exec.Command(program, "-D", s.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", "unix_socket_directories=")
			cmd.Dir = dir
			asNobodySpecial(cmd)
			return cmd
		},
	}}
	p.ready = func(*server) error { return p.exec("postgres", "SELECT 1") }

	cmd := exec.Command(initdb, "-D", p.dir, "-U", "writ", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir = dir
	if err := asNobodySpecial(cmd, dir); err != nil {
		t.Fatalf("finding a user for PostgreSQL: %v", err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.Start()
	if err := p.exec("postgres", "CREATE DATABASE writ"); err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return p
}

// URL names the database writ.
func (p *PostgresServer) URL() string { return p.url("writ") }

func (p *PostgresServer) url(database string) string {
	return fmt.Sprintf("postgres://writ@%s/%s?sslmode=disable", p.Addr(), database)
}

// Exec runs a statement in the database writ.
func (p *PostgresServer) Exec(statement string) {
	p.t.Helper()
	if err := p.exec("writ", statement); err != nil {
		p.t.Fatalf("PostgreSQL: %v", err)
	}
}

func (p *PostgresServer) exec(database, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.url(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// tempDir is t.TempDir, where another user can get to it.
func tempDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
