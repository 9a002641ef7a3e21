package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// newClient makes the client of an URL. It connects to nothing yet.
func newClient(c *Config) (redis.UniversalClient, error) {
	t, err := parseURL(c.URL, c)
	if err != nil {
		return nil, err
	}
	full, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	options := redis.UniversalOptions{
		Addrs:         t.addrs,
		MasterName:    t.master,
		IsClusterMode: t.cluster,
		DB:            t.db,
		Username:      t.user,
		Password:      t.password,

		// RESP2 has all that a script answers. What a server or a proxy may not know is not sent.
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},

		// Half of Timeout each, so that a connection that has died silently leaves time for another.
		ContextTimeoutEnabled: true,
		DialTimeout:           full.Timeout / 2,
		ReadTimeout:           full.Timeout / 2,
		WriteTimeout:          full.Timeout / 2,
		PoolTimeout:           full.Timeout / 2,

		// See Store.attempt.
		MaxRetries:    -1,
		MaxRedirects:  -1,
		DialerRetries: 1,

		ConnMaxIdleTime: 3 * time.Minute, // less than what forgets idle connections on the way
	}
	if c.PasswordFile != "" {
		file := c.PasswordFile
		options.CredentialsProviderContext = func(context.Context) (string, string, error) {
			password, err := readPassword(file)
			return t.user, password, err
		}
	}
	if t.sentinelPasswordFile != "" {
		options.SentinelUsername = t.sentinelUser
		if options.SentinelPassword, err = readPassword(t.sentinelPasswordFile); err != nil {
			return nil, err
		}
	}
	if t.tls {
		if options.TLSConfig, err = t.tlsFiles.config(); err != nil {
			return nil, err
		}
	}
	if t.master != "" {
		options.IsClusterMode = false
	}
	return redis.NewUniversalClient(&options), nil
}

func readPassword(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", ownError{fmt.Errorf("the password file cannot be read: %w", withoutPath(err))}
	}
	password := strings.TrimRight(string(raw), "\r\n")
	if password == "" {
		return "", ownError{errors.New("the password file is empty")}
	}
	return password, nil
}

// tlsFiles are PEM files. Without ca the system's authorities count.
type tlsFiles struct{ ca, cert, key string }

func (f tlsFiles) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		raw, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("tls-ca cannot be read: %w", withoutPath(err))
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(raw) {
			return nil, errors.New("tls-ca has no certificate in PEM")
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, errors.New("tls-cert and tls-key go together")
	}
	if f.cert == "" {
		return config, nil
	}
	if _, err := f.pair(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.pair() }
	return config, nil
}

// pair is read for every connection, as the password is: certificates are renewed.
func (f tlsFiles) pair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, ownError{errors.New("tls-cert and tls-key cannot be read, or do not belong together")}
	}
	return &pair, nil
}

// withoutPath is what an *fs.PathError says besides the path.
func withoutPath(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
