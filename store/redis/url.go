package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/writ-go/writ"
)

// OpenURL opens the store that an URL names, for fromenv.Stores: name it there under each of redis,
// rediss, redis+cluster, rediss+cluster, redis+sentinel and rediss+sentinel that the program is to know.
func OpenURL(ctx context.Context, u *url.URL) (writ.Store, error) {
	s, err := Open(ctx, Config{URL: u.String()})
	if err != nil {
		return nil, err // and not a nil *Store, which would be no nil writ.Store
	}
	return s, nil
}

// target is what an URL says of the server alone.
type target struct {
	cluster  bool
	master   string // a Sentinel's name of the primary
	addrs    []string
	db       int
	user     string
	password string
	tls      bool
	tlsFiles tlsFiles

	sentinelUser         string
	sentinelPasswordFile string
}

// schemes are those of the URLs, without the second s that stands for TLS.
var schemes = map[string]string{"redis": "6379", "redis+cluster": "6379", "redis+sentinel": "26379"} // and the port

// parseURL reads an URL, and sets the fields of c that its parameters name. Its errors repeat nothing
// that an operator has written: that may be a password.
func parseURL(raw string, c *Config) (target, error) {
	var t target
	u, err := url.Parse(raw)
	if err != nil {
		return t, errors.New("the URL cannot be read: write special characters of a password as %XX, and no IPv6 address in a list")
	}
	plainScheme := strings.Replace(u.Scheme, "rediss", "redis", 1)
	port, ok := schemes[plainScheme]
	if !ok {
		return t, errors.New("the URL must begin with redis, rediss, redis+cluster, rediss+cluster, redis+sentinel or rediss+sentinel, and ://")
	}
	t.tls = plainScheme != u.Scheme
	t.cluster = plainScheme == "redis+cluster"
	if u.Opaque != "" || u.Fragment != "" || u.Host == "" {
		return t, errors.New("the URL names no server, or has a # in it: write redis://host:6379")
	}
	for _, host := range strings.Split(u.Host, ",") {
		if t.addrs = append(t.addrs, withPort(host, port)); strings.HasPrefix(t.addrs[len(t.addrs)-1], ":") {
			return t, errors.New("the URL has an address without a host")
		}
	}
	if plainScheme == "redis" && len(t.addrs) > 1 {
		return t, errors.New("the URL has several addresses: that is for redis+cluster and redis+sentinel")
	}
	t.user = u.User.Username()
	t.password, _ = u.User.Password()

	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if plainScheme == "redis+sentinel" {
		if t.master, parts = parts[0], parts[1:]; t.master == "" {
			return t, errors.New("the URL must name the primary as its Sentinels do: redis+sentinel://host:26379/mymaster")
		}
	}
	if database := strings.Join(parts, "/"); database != "" {
		if t.db, err = strconv.Atoi(database); err != nil || t.db < 0 || t.cluster {
			return t, errors.New("the URL's path must be the number of a database, and a cluster has none")
		}
	}
	return t, t.parameters(u.RawQuery, c)
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// parameters reads what stands behind the question mark.
func (t *target) parameters(query string, c *Config) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the URL's parameters cannot be read")
	}
	text := func(to *string) func(string) error {
		return func(s string) error {
			if *to != "" || s == "" {
				return errors.New("it is empty, or set in Config too")
			}
			*to = s
			return nil
		}
	}
	truth := func(to *bool) func(string) error {
		return func(s string) error {
			if s != "true" && s != "false" {
				return errors.New("write true or false")
			}
			*to = *to || s == "true"
			return nil
		}
	}
	duration := func(to *time.Duration) func(string) error {
		return func(s string) (err error) {
			if *to != 0 {
				return errors.New("it is set in Config too")
			}
			if *to, err = time.ParseDuration(s); err != nil || *to <= 0 {
				return errors.New("write a time such as 5s")
			}
			return nil
		}
	}
	set := map[string]func(string) error{
		"prefix":                    text(&c.Prefix),
		"password-file":             text(&c.PasswordFile),
		"timeout":                   duration(&c.Timeout),
		"replicas-timeout":          duration(&c.ReplicasTimeout),
		"poll-only":                 truth(&c.PollOnly),
		"eviction-may-end-sessions": truth(&c.EvictionMayEndSessions),
		"crash-may-lose-writes":     truth(&c.CrashMayLoseWrites),
		"replicas": func(s string) (err error) {
			if c.Replicas != 0 {
				return errors.New("it is set in Config too")
			}
			if c.Replicas, err = strconv.Atoi(s); err != nil || c.Replicas < 0 {
				return errors.New("write a number")
			}
			return nil
		},
	}
	if t.tls {
		set["tls-ca"], set["tls-cert"], set["tls-key"] = text(&t.tlsFiles.ca), text(&t.tlsFiles.cert), text(&t.tlsFiles.key)
	}
	if t.master != "" {
		set["sentinel-user"], set["sentinel-password-file"] = text(&t.sentinelUser), text(&t.sentinelPasswordFile)
	}
	for name, all := range values {
		f, known := set[name]
		if !known {
			names := make([]string, 0, len(set))
			for name := range set {
				names = append(names, name)
			}
			slices.Sort(names)
			return fmt.Errorf("the URL has a parameter that has no effect with its scheme: it knows %s", strings.Join(names, ", "))
		}
		if len(all) > 1 {
			return fmt.Errorf("the URL has %s twice", name)
		}
		if err := f(all[0]); err != nil {
			return fmt.Errorf("the URL's %s: %w", name, err)
		}
	}
	if t.password != "" && c.PasswordFile != "" {
		return errors.New("the URL has a password, and there is a file of it: keep the file")
	}
	return nil
}
