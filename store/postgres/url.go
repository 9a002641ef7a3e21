package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/writ-go/writ"
)

// OpenURL opens the database that an URL names, for fromenv.Stores:
//
//	postgres://USER@HOST/DATABASE?password-file=/run/secrets/db
//
// The URL is that of Config, with these parameters beside those of libpq and pgx: schema,
// password-file, migrate=by-hand, poll-only=true and crash-may-lose-writes=true. Any other is refused.
func OpenURL(ctx context.Context, u *url.URL) (writ.Store, error) {
	config, err := fromURL(u)
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, config)
	if err != nil {
		return nil, err // and not a nil *Store, which would be no nil writ.Store
	}
	return s, nil
}

// fromURL takes the store's own parameters out of an URL.
func fromURL(u *url.URL) (Config, error) {
	var c Config
	q, err := query(u)
	if err != nil {
		return c, err
	}
	for name, set := range map[string]func(value string) bool{
		"schema":        func(v string) bool { c.Schema = v; return checkSchema(v) == nil },
		"password-file": func(v string) bool { c.PasswordFile = v; return v != "" },
		"migrate":       func(v string) bool { c.MigrateByHand = true; return v == "by-hand" },
		"poll-only":     func(v string) bool { c.PollOnly = true; return v == "true" },
		"crash-may-lose-writes": func(v string) bool {
			c.CrashMayLoseWrites = true
			return v == "true"
		},
	} {
		if values, ok := q[name]; ok {
			if len(values) != 1 || !set(values[0]) {
				return Config{}, fmt.Errorf("postgres: the URL's parameter %s has a value that it cannot have, or stands there twice", name)
			}
			q.Del(name)
		}
	}
	plain := *u
	plain.RawQuery = encode(q)
	c.URL = plain.String()
	return c, nil
}

// parameters are those that may stand in an URL: libpq's, pgx's, and a few of the server's. A
// misspelt limit would otherwise be no limit.
var parameters = []string{
	"host", "port", "user", "dbname", "database", "passfile", "service", "servicefile", "connect_timeout",
	"sslmode", "sslcert", "sslkey", "sslcertmode", "sslrootcert", "sslnegotiation", "sslpassword", "sslsni",
	"krbspn", "krbsrvname", "target_session_attrs", "min_protocol_version", "max_protocol_version", "channel_binding", "require_auth",
	"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity",
	"pool_max_conns", "pool_min_conns", "pool_min_idle_conns", "pool_max_conn_lifetime", "pool_max_conn_lifetime_jitter",
	"pool_max_conn_idle_time", "pool_health_check_period",
	"application_name", "options", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone",
}

// What a wrong URL is answered with says nothing of what stands in it: a password that was not escaped
// can end up in any part of it.
var errMalformed = errors.New("postgres: this is no URL: write postgres://USER@HOST:PORT/DATABASE?NAME=VALUE, " +
	"and special characters of a user or a password as %XX")

func parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" || u.Fragment != "" || strings.Contains(text, "#") {
		return nil, errMalformed
	}
	return u, nil
}

// query reads an URL's parameters as libpq does, for which + is no space.
func query(u *url.URL) (url.Values, error) {
	q, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, "+", "%2B"))
	if err != nil {
		return nil, errMalformed
	}
	return q, nil
}

func encode(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

// poolFor is pgxpool.ParseConfig with other defaults.
func poolFor(u *url.URL) (*pgxpool.Config, error) {
	q, err := query(u)
	if err != nil {
		return nil, err
	}
	for name, values := range q {
		if !slices.Contains(parameters, name) {
			return nil, errors.New("postgres: the URL has a parameter that is not known: see Config.URL")
		}
		if len(values) != 1 {
			return nil, fmt.Errorf("postgres: the URL's parameter %s stands there twice", name)
		}
	}
	mode := q.Get("sslmode")
	if mode == "" && !q.Has("service") && os.Getenv("PGSERVICE") == "" {
		mode = os.Getenv("PGSSLMODE")
	}
	if mode == "prefer" || mode == "allow" {
		return nil, fmt.Errorf("postgres: with sslmode=%s, whoever is between here and the server can switch TLS off: "+
			"leave it out or write verify-full, or disable if that is meant", mode)
	}
	if mode == "" {
		// Which hosts these are, only pgx can tell: they may come from the environment or a service.
		q.Set("sslmode", "disable")
		pool, err := parseWith(u, q)
		if err != nil {
			return nil, err
		}
		if !local(pool) {
			q.Set("sslmode", "verify-full")
		}
	}
	if !q.Has("target_session_attrs") && os.Getenv("PGTARGETSESSIONATTRS") == "" {
		q.Set("target_session_attrs", "read-write")
	}
	if !q.Has("pool_max_conns") {
		q.Set("pool_max_conns", fmt.Sprint(defaultConns))
	}
	if !q.Has("pool_max_conn_lifetime_jitter") {
		q.Set("pool_max_conn_lifetime_jitter", "10m") // so that not all are dialled again at once
	}
	return parseWith(u, q)
}

func parseWith(u *url.URL, q url.Values) (*pgxpool.Config, error) {
	changed := *u
	changed.RawQuery = encode(q)
	pool, err := pgxpool.ParseConfig(changed.String())
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return nil, fmt.Errorf("postgres: a file that the URL names: %w", pe)
	}
	if err != nil {
		return nil, errors.New("postgres: the URL has a host, a port or a parameter with a value that it cannot have")
	}
	return pool, nil
}

// local reports whether no connection leaves this machine.
func local(pool *pgxpool.Config) bool {
	hosts := []string{pool.ConnConfig.Host}
	for _, f := range pool.ConnConfig.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, h := range hosts {
		ip := net.ParseIP(h)
		network, _ := pgconn.NetworkAddress(h, 0)
		if network != "unix" && h != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
