package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/postgres"
)

func wantRefused(t *testing.T, config postgres.Config, says string) {
	t.Helper()
	s, err := postgres.Open(t.Context(), config)
	if err == nil {
		s.Close()
	}
	if s != nil || err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("Open: %v, want an error that says %q", err, says)
	}
}

func TestTenNodesStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	config := place(t)
	config.URL += "&pool_max_conns=2"
	var wait sync.WaitGroup
	for i := range 10 {
		wait.Go(func() {
			s, err := postgres.Open(t.Context(), config)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			defer s.Close()
			if _, err := s.Save(t.Context(), writ.Row{ID: fmt.Sprint(i)}, ended(fmt.Sprint(i))); err != nil {
				t.Errorf("Save: %v", err)
			}
		})
	}
	wait.Wait()
	conn := dial(t, config.URL[:strings.Index(config.URL, "&pool")])
	if n := query[int](t, conn, `SELECT seq FROM `+config.Schema+`.writ_head`); n != 10 {
		t.Errorf("the log has %d transactions, want 10: it was made more than once", n)
	}
}

func TestMigrationsByHand(t *testing.T) {
	config := place(t)
	config.MigrateByHand = true
	wantRefused(t, config, `apply postgres.Migrations("`+config.Schema+`")`)
	conn := dial(t, config.URL)
	if query[bool](t, conn, `SELECT to_regnamespace($1) IS NOT NULL`, config.Schema) {
		t.Error("a schema was made")
	}
	for range 2 {
		run(t, conn, postgres.Migrations(config.Schema))
	}
	s := open(t, config)
	if _, err := s.Save(t.Context(), writ.Row{ID: "s1"}); err != nil {
		t.Errorf("Save: %v", err)
	}
	if !strings.Contains(postgres.Migrations(""), `CREATE SCHEMA "writ"`) {
		t.Error("Migrations of no schema are not of the one that Open takes")
	}
	run(t, conn, `UPDATE `+config.Schema+`.writ_version SET version = 0`)
	wantRefused(t, config, `apply postgres.Migrations`)
}

// A role that may use the tables and nothing else, in a schema that was made for it.
func TestARoleWithoutTheRightToMakeTables(t *testing.T) {
	config := place(t)
	conn := dial(t, config.URL)
	role := config.Schema + "_role"
	run(t, conn, postgres.Migrations(config.Schema))
	run(t, conn, `CREATE ROLE `+role+` LOGIN; GRANT USAGE ON SCHEMA `+config.Schema+` TO `+role+`;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA `+config.Schema+` TO `+role)
	config.URL = strings.Replace(config.URL, "writ@", role+"@", 1)
	s := open(t, config)
	if _, err := s.Save(t.Context(), writ.Row{ID: "s1", Owner: "alice"}, ended("s1")); err != nil {
		t.Errorf("Save: %v", err)
	}
	start(t, s)
	if _, err := s.Purge(t.Context(), time.Now()); err != nil {
		t.Errorf("Purge: %v", err)
	}
}

func TestASchemaOfANewerVersionIsRefused(t *testing.T) {
	config := place(t)
	open(t, config).Close()
	run(t, dial(t, config.URL), `UPDATE `+config.Schema+`.writ_version SET version = 1000`)
	wantRefused(t, config, "version 1000")
	config.MigrateByHand = true
	wantRefused(t, config, "version 1000")
}

func waivers(t *testing.T, server *servers.PostgresServer) {
	config := postgres.Config{URL: server.URL(), Schema: "waivers"}
	for _, setting := range []string{"fsync", "full_page_writes"} {
		server.Exec(`ALTER SYSTEM SET ` + setting + ` = off`)
		server.Exec(`SELECT pg_reload_conf()`)
		until(t, "it is off", func() bool {
			return query[string](t, dial(t, server.URL()), `SELECT current_setting($1)`, setting) == "off"
		})
		wantRefused(t, config, setting+" = on")
		waived := config
		waived.CrashMayLoseWrites = true
		open(t, waived).Close()
		server.Exec(`ALTER SYSTEM RESET ` + setting)
		server.Exec(`SELECT pg_reload_conf()`)
		until(t, "it is on", func() bool {
			return query[string](t, dial(t, server.URL()), `SELECT current_setting($1)`, setting) == "on"
		})
	}
	config.URL += "&options=-csynchronous_commit%3Doff"
	wantRefused(t, config, "synchronous_commit = on")
	config.URL = server.URL() + "&options=-cdefault_transaction_read_only%3Don&target_session_attrs=any"
	wantRefused(t, config, "takes no writes")
}

// A connection that is refused must not be a way to learn a password, nor to lose one.
func TestAPasswordIsReadForEachConnection(t *testing.T) {
	config := place(t)
	conn := dial(t, config.URL)
	role := config.Schema + "_role"
	// Test passwords.
	run(t, conn, `CREATE ROLE `+role+` SUPERUSER LOGIN PASSWORD 'test-first';
		DO $$ BEGIN EXECUTE format('COPY (VALUES (''host all `+role+` 127.0.0.1/32 scram-sha-256''), (''host all all 127.0.0.1/32 trust'')) TO %L', current_setting('hba_file')); END $$;
		SELECT pg_reload_conf()`)
	config.PasswordFile = filepath.Join(t.TempDir(), "password")
	config.URL = strings.Replace(config.URL, "writ@", role+"@", 1)
	write := func(content string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(config.PasswordFile, []byte(content), mode), os.Chmod(config.PasswordFile, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("test-wrong", 0o600)
	until(t, "a wrong password is refused", func() bool {
		s, err := postgres.Open(t.Context(), config)
		if err == nil {
			s.Close()
			return false
		}
		return strings.Contains(err.Error(), "password authentication failed")
	})
	write("test-first\n", 0o600)
	s := open(t, config)
	run(t, conn, `ALTER ROLE `+role+` PASSWORD 'test-second'`)
	end := func() {
		run(t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1`, role)
	}
	end()
	until(t, "the first password is refused", func() bool { return errorOf(s.Load(t.Context(), "none")) != writ.ErrNotFound })
	write("test-second\r\n", 0o440)
	end()
	until(t, "the second password is taken", func() bool { return errors.Is(errorOf(s.Load(t.Context(), "none")), writ.ErrNotFound) })
	for content, mode := range map[string]os.FileMode{"": 0o600, "two\nlines": 0o600, "seen": 0o604, "written": 0o620, strings.Repeat("x", 5000): 0o600} {
		write(content, mode)
		if _, err := postgres.ReadPassword(config.PasswordFile); err == nil || content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("a password file of %d bytes with mode %04o is not refused, or shown", len(content), mode)
		}
	}
}

func TestAPoolOfTheCallers(t *testing.T) {
	config := place(t)
	pool, err := pgxpool.ParseConfig(config.URL)
	if err != nil {
		t.Fatal(err)
	}
	dialled := false
	dial := pool.ConnConfig.DialFunc
	pool.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = true
		return dial(ctx, network, address)
	}
	config.URL, config.Pool = "", pool
	open(t, config)
	if !dialled {
		t.Error("its DialFunc was not used")
	}
	if pool.ConnConfig.RuntimeParams["application_name"] != "" || pool.ShouldPing != nil {
		t.Error("the caller's copy was changed")
	}
}

// Poolers such as PgBouncer may need another mode than pgx's own.
func TestEveryModeOfTheProtocol(t *testing.T) {
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			config := place(t)
			config.URL += "&default_query_exec_mode=" + mode
			s := open(t, config)
			from := start(t, s)
			data := []byte{0, 0xff, '\'', '\\'}
			row, err := s.Save(t.Context(), writ.Row{ID: "s'1\\", Owner: "ålice'", Data: data})
			if err != nil {
				t.Fatalf("Save: %v", err)
			}
			for range 2 {
				if row, err = s.Save(t.Context(), row, ended(`{"s',\1`), endedAll("ålice'", 7)); err != nil {
					t.Fatalf("Save with entries: %v", err)
				}
			}
			rows, err := s.List(t.Context(), "ålice'", "", 2)
			if err != nil || len(rows) != 1 || rows[0].Cutoff != 7 || !bytes.Equal(rows[0].Data, data) || rows[0].Version != row.Version {
				t.Errorf("List: %d rows, %v", len(rows), err)
			}
			if row, err := s.Load(t.Context(), row.ID); err != nil || row.Cutoff != 7 || !bytes.Equal(row.Data, data) {
				t.Errorf("Load: %v", err)
			}
			if entries, _, err := s.Tail(t.Context(), from); err != nil || len(entries) != 2 || entries[0].ID != `{"s',\1` && entries[1].ID != `{"s',\1` {
				t.Errorf("Tail: %d entries, %v", len(entries), err)
			}
			if more, err := s.Purge(t.Context(), time.Now()); err != nil || more {
				t.Errorf("Purge: %v, %v", more, err)
			}
			start(t, s)
		})
	}
}

func TestOpenURL(t *testing.T) {
	config := place(t)
	u, err := url.Parse(config.URL + "&schema=" + config.Schema)
	if err != nil {
		t.Fatal(err)
	}
	s, err := postgres.OpenURL(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := query[int](t, dial(t, config.URL), `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'writ'`); n == 0 {
		t.Error("its sessions are not named writ")
	}
	u.RawQuery += "&migrate=no"
	if s, err := postgres.OpenURL(t.Context(), u); s != nil || err == nil {
		t.Errorf("a wrong parameter: %v, %v", s, err)
	}
	u.Host, u.RawQuery = "127.0.0.1:1", ""
	if s, err := postgres.OpenURL(t.Context(), u); s != nil || err == nil {
		t.Errorf("no server: %v, %v", s, err)
	}
}
