package postgres_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/writ-go/writ/store/postgres"
)

// plain keeps the machine's own settings out of a test.
func plain(t *testing.T) {
	t.Helper()
	for _, name := range []string{"PGHOST", "PGSSLMODE", "PGSERVICE", "PGPASSWORD", "PGTARGETSESSIONATTRS", "PGSSLROOTCERT", "PGCONNECT_TIMEOUT"} {
		t.Setenv(name, "")
	}
}

func TestTLSUnlessSomeoneHasSaidNo(t *testing.T) {
	plain(t)
	for name, test := range map[string]struct{ url, want string }{
		"another host":                   {"postgres://db.example/writ", "verified"},
		"another host's address":         {"postgres://192.0.2.1/writ", "verified"},
		"what only looks local":          {"postgres://localhost.example/writ", "verified"},
		"one host of several":            {"postgres://127.0.0.1:5432,db.example:5432/writ", "verified"},
		"a host in a parameter":          {"postgres:///writ?host=127.0.0.1,db.example", "verified"},
		"a loopback address":             {"postgres://127.0.0.1/writ", "plain"},
		"another loopback address":       {"postgres://127.8.0.1/writ", "plain"},
		"a loopback address of IPv6":     {"postgres://[::1]:5432/writ", "plain"},
		"localhost":                      {"postgres://localhost/writ", "plain"},
		"a Unix socket":                  {"postgres:///writ?host=/run/postgresql", "plain"},
		"verify-full that was asked for": {"postgres://localhost/writ?sslmode=verify-full", "verified"},
		"disable that was asked for":     {"postgres://db.example/writ?sslmode=disable", "plain"},
		"require that was asked for":     {"postgres://db.example/writ?sslmode=require", "unverified"},
		"prefer":                         {"postgres://db.example/writ?sslmode=prefer", ""},
		"prefer of a local server":       {"postgres://localhost/writ?sslmode=prefer", ""},
		"allow":                          {"postgres://db.example/writ?sslmode=allow", ""},
		"a mode that is none":            {"postgres://db.example/writ?sslmode=yes", ""},
	} {
		t.Run(name, func(t *testing.T) {
			pool, err := postgres.PoolConfig(postgres.Config{URL: test.url})
			if err != nil {
				if test.want != "" {
					t.Fatal(err)
				}
				return
			}
			c := &pool.ConnConfig.Config
			all := append([]*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
			for _, f := range all {
				got := "plain"
				switch {
				case f.TLSConfig != nil && f.TLSConfig.InsecureSkipVerify:
					got = "unverified"
				case f.TLSConfig != nil && f.TLSConfig.ServerName == f.Host:
					got = "verified"
				}
				if got != test.want {
					t.Errorf("a connection to %s is %s, want %s", f.Host, got, test.want)
				}
			}
			if c.ValidateConnect == nil {
				t.Error("a standby would do")
			}
		})
	}
	t.Setenv("PGSSLMODE", "prefer")
	if _, err := postgres.PoolConfig(postgres.Config{URL: "postgres://db.example/writ"}); err == nil {
		t.Error("prefer in the environment is not refused")
	}
	t.Setenv("PGSSLMODE", "disable")
	pool, err := postgres.PoolConfig(postgres.Config{URL: "postgres://db.example/writ"})
	if err != nil || pool.ConnConfig.TLSConfig != nil {
		t.Errorf("disable in the environment: %v", err)
	}
}

func TestURLs(t *testing.T) {
	plain(t)
	const canary = "c4nary"
	for name, raw := range map[string]string{
		"another scheme":                   "mysql://h/db",
		"no URL":                           "host=h password=" + canary,
		"a password that is not escaped":   "postgres://u:" + canary + "/x@h/db",
		"a password with a #":              "postgres://u:" + canary + "#x@h/db",
		"a broken escape":                  "postgres://u:" + canary + "%zz@h/db",
		"a fragment":                       "postgres://h/db#" + canary,
		"an unknown parameter":             "postgres://h/db?" + canary + "=1",
		"a parameter of two values":        "postgres://h/db?sslmode=disable&sslmode=require",
		"a port that is none":              "postgres://h/db?port=" + canary,
		"a password in a parameter":        "postgres://h/db?password=" + canary,
		"an empty schema":                  "postgres://h/db?schema=",
		"a schema that is none":            "postgres://h/db?schema=A-" + canary,
		"a schema of the system's":         "postgres://h/db?schema=pg_x",
		"migrate with another word":        "postgres://h/db?migrate=" + canary,
		"a waiver with another word":       "postgres://h/db?crash-may-lose-writes=1",
		"a waiver twice":                   "postgres://h/db?crash-may-lose-writes=true&crash-may-lose-writes=true",
		"no password file":                 "postgres://h/db?password-file=",
		"a password and a password file":   "postgres://u:" + canary + "@h/db?password-file=/x",
		"a certificate that is not there":  "postgres://h/db?sslmode=verify-full&sslrootcert=/nowhere",
		"a pool that is none":              "postgres://h/db?pool_max_conns=" + canary,
		"a target that is none":            "postgres://h/db?target_session_attrs=" + canary,
		"a password where the port stands": "postgres://u@h:" + canary + "/db",
	} {
		t.Run(name, func(t *testing.T) {
			text := raw
			u, err := url.Parse(raw)
			var config postgres.Config
			if err == nil {
				config, err = postgres.FromURL(u)
				text = config.URL
				if err == nil {
					_, err = postgres.PoolConfig(config)
				}
			} else {
				_, err = postgres.PoolConfig(postgres.Config{URL: raw})
			}
			if err == nil {
				t.Fatal("it was accepted")
			}
			if strings.Contains(err.Error(), canary) || text != "" && strings.Contains(err.Error(), text) {
				t.Error("the error says what stands in the URL")
			}
		})
	}
}

func TestWhatAnURLSays(t *testing.T) {
	plain(t)
	u, err := url.Parse("postgres://u%2Bx@h:5433/db?schema=s_1&password-file=/run/p&migrate=by-hand&crash-may-lose-writes=true&poll-only=true&application_name=a+b%20c&pool_max_conns=3")
	if err != nil {
		t.Fatal(err)
	}
	c, err := postgres.FromURL(u)
	if err != nil {
		t.Fatal(err)
	}
	if c.Schema != "s_1" || c.PasswordFile != "/run/p" || !c.MigrateByHand || !c.PollOnly || !c.CrashMayLoseWrites {
		t.Error("a parameter of ours has no effect")
	}
	pool, err := postgres.PoolConfig(c)
	if err != nil {
		t.Fatal(err)
	}
	conn := pool.ConnConfig
	if conn.User != "u+x" || conn.Host != "h" || conn.Port != 5433 || conn.Database != "db" || pool.MaxConns != 3 ||
		conn.RuntimeParams["application_name"] != "a+b c" {
		t.Error("a parameter of libpq's has no effect")
	}
	for name := range conn.RuntimeParams {
		if name != "application_name" {
			t.Errorf("the server is told of %s", name)
		}
	}
}

func TestAConfigThatCannotBe(t *testing.T) {
	for name, c := range map[string]postgres.Config{
		"nothing":                  {},
		"a timeout below zero":     {URL: "postgres://h/db", Timeout: -1},
		"a schema with a quote":    {URL: "postgres://h/db", Schema: `a"b`},
		"a schema of 64 bytes":     {URL: "postgres://h/db", Schema: strings.Repeat("a", 64)},
		"a schema in upper case":   {URL: "postgres://h/db", Schema: "Writ"},
		"a schema with a new line": {URL: "postgres://h/db", Schema: "writ\n"},
	} {
		if s, err := postgres.Open(t.Context(), c); s != nil || err == nil {
			t.Errorf("%s: it was opened", name)
		}
	}
}
