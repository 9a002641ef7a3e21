package jwks

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/writ-go/writ/internal/outbound"
	"github.com/writ-go/writ/keys"
)

// RemoteConfig configures a Remote. Issuers is required; the rest has defaults.
type RemoteConfig struct {
	// Issuers are those whose keys are wanted, each once. No other address is ever asked.
	Issuers []RemoteIssuer

	// MinRefresh is how often an issuer may be asked on schedule, whatever its answers say about
	// caching, and how long a kid that it did not have counts as unknown. Default 30 s, 1 s to
	// MaxRefresh.
	MinRefresh time.Duration

	// MaxRefresh is how old a set may grow before it is fetched again, whatever its answers say about
	// caching. Default 15 min, MinRefresh to 1 h.
	//
	// It bounds an emergency: a key that its issuer takes out of the set is gone here after MaxRefresh +
	// Timeout at the latest, 15 min 10 s. Caches on the way, which may keep the old set for as long as
	// its max-age says, come on top.
	MaxRefresh time.Duration

	// UnknownRefresh is how often kids that nobody knows can make an issuer be asked. Default 10 s, 1 s
	// to 5 min.
	UnknownRefresh time.Duration

	// MaxStale is how old a set may grow while it cannot be fetched. Beyond it every answer is
	// keys.ErrUnavailable. Default 2 h, twice MaxRefresh to 24 h.
	//
	// It is the other bound of an emergency, for one who stole a key and keeps this service from
	// reaching its issuer. More than the lifetime of tokens + MaxRefresh serves only where tokens can
	// be had while keys cannot: with tokens of an hour (keys.Config.MaxTTL) and the other defaults,
	// 1 h 15 min after the issuer fell silent there is none left that could be good.
	MaxStale time.Duration

	// Timeout is for one fetch as a whole: name, connection, TLS, redirects, header and body. Default
	// 10 s, 100 ms to 60 s.
	Timeout time.Duration

	// CacheDir is a directory, made if need be, that keeps the last good set of each issuer for a
	// start while the issuer is down. Only this user may be able to write in it: who can, chooses whose
	// tokens are good. Default none.
	CacheDir string

	// RootCAs are the certificate authorities that count. Default those of the system.
	RootCAs *x509.CertPool

	// Transport makes the requests, in place of one that uses no proxy, speaks TLS 1.2 or later and
	// checks every address that it connects to. That a Transport does the same cannot be seen, so every
	// issuer must have AllowPrivateAddresses too. Redirects, size and time are limited all the same.
	Transport http.RoundTripper
}

// RemoteIssuer is one issuer and where its keys are. All but the waivers is required.
type RemoteIssuer struct {
	// Issuer is whose keys these are, exactly as it stands in tokens.
	Issuer string

	// URL is where its key set is, with https. Every redirect must stay at its host and port.
	URL string

	// Algorithms are those that the issuer signs with. Keys for any other are skipped.
	Algorithms []keys.Algorithm

	// AllowPlainLoopback permits a URL with http whose host is localhost, 127.0.0.1 or the like: every
	// program on this machine that can take the port can then give out keys. With https such a host
	// needs no permission.
	AllowPlainLoopback bool

	// AllowPrivateAddresses permits an issuer inside your network: in 10.0.0.0/8, 172.16.0.0/12,
	// 192.168.0.0/16, 100.64.0.0/10 or fc00::/7. Loopback and link-local addresses it does not permit.
	AllowPrivateAddresses bool
}

// withDefaults returns the complete configuration, or all that is wrong with it.
func (c RemoteConfig) withDefaults() (RemoteConfig, error) {
	setDefault(&c.MinRefresh, 30*time.Second)
	setDefault(&c.MaxRefresh, 15*time.Minute)
	setDefault(&c.UnknownRefresh, 10*time.Second)
	setDefault(&c.MaxStale, 2*time.Hour)
	setDefault(&c.Timeout, 10*time.Second)
	var wrong []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf("jwks: RemoteConfig."+format, args...))
		}
	}
	refuse(c.MaxRefresh < time.Second || c.MaxRefresh > time.Hour, "MaxRefresh is %v: use MinRefresh to 1h", c.MaxRefresh)
	refuse(c.MinRefresh < time.Second || c.MinRefresh > c.MaxRefresh, "MinRefresh is %v: use 1s to MaxRefresh (%v)", c.MinRefresh, c.MaxRefresh)
	refuse(c.UnknownRefresh < time.Second || c.UnknownRefresh > 5*time.Minute, "UnknownRefresh is %v: use 1s to 5m", c.UnknownRefresh)
	refuse(c.MaxStale < 2*c.MaxRefresh || c.MaxStale > 24*time.Hour,
		"MaxStale is %v: use twice MaxRefresh (%v) to 24h, so that one failed fetch does no harm", c.MaxStale, 2*c.MaxRefresh)
	refuse(c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute, "Timeout is %v: use 100ms to 1m", c.Timeout)
	refuse(c.Transport != nil && c.RootCAs != nil, "RootCAs has no effect beside Transport: give them to the Transport")
	refuse(len(c.Issuers) == 0, "Issuers is empty: name whose keys to fetch")
	c.Issuers = slices.Clone(c.Issuers)
	seen := map[string]bool{}
	for i := range c.Issuers {
		issuer := &c.Issuers[i]
		refuse(issuer.Issuer == "", "Issuers[%d].Issuer is empty: set it to what stands in tokens, such as https://login.example", i)
		refuse(issuer.Issuer != "" && seen[issuer.Issuer], "Issuers[%d].Issuer %q is there twice: an issuer has one set", i, issuer.Issuer)
		seen[issuer.Issuer] = true
		if err := checkAllowed(issuer.Algorithms); err != nil {
			refuse(true, "Issuers[%d].Algorithms: %w", i, err)
		}
		issuer.Algorithms = slices.Clone(issuer.Algorithms)
		if err := issuer.target().Check(); err != nil {
			refuse(true, "Issuers[%d].URL %w", i, err)
		}
		refuse(c.Transport != nil && !issuer.AllowPrivateAddresses,
			"Issuers[%d].AllowPrivateAddresses is not set: what a Transport connects to cannot be checked, so permit it", i)
	}
	return c, errors.Join(wrong...)
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

func (i *RemoteIssuer) target() outbound.Target {
	return outbound.Target{URL: i.URL, AllowPlainLoopback: i.AllowPlainLoopback, AllowPrivateAddresses: i.AllowPrivateAddresses}
}
