// Package outbound has the rules for requests that this process makes to a URL of its configuration:
// TLS, addresses on the Internet, no redirect to another origin, no proxy, no cookies, errors that
// quote nothing of the other side.
package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Target is a URL that a configuration names, and what of the rules that configuration gives up.
type Target struct {
	URL string
	// AllowPlainLoopback permits http to this machine.
	AllowPlainLoopback bool
	// AllowPrivateAddresses permits a host inside the network of whoever asks.
	AllowPrivateAddresses bool
}

// Check refuses what is wrong already without asking for the host's addresses. Its errors begin with a
// verb, and do not quote the URL, whose query may hold a key to it.
func (t Target) Check() error {
	u, err := url.Parse(t.URL)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return errors.New("is not a URL with a host: use one such as https://login.example/path")
	}
	loopback := isLoopback(u.Hostname())
	switch {
	case u.User != nil:
		return errors.New("has a user name: leave it out")
	case u.Fragment != "":
		return errors.New("has a fragment: leave it out")
	case u.Scheme == "http" && !loopback:
		return errors.New("has http: use https, or anyone on the way can change what comes")
	case u.Scheme == "http" && !t.AllowPlainLoopback:
		return errors.New("has http: use https, or set AllowPlainLoopback")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("has the scheme %.20q: use https", u.Scheme)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !loopback {
		if err := checkAddress(ip, false, t.AllowPrivateAddresses); err != nil {
			return fmt.Errorf("is no good: its host is %w", err)
		}
	}
	return nil
}

// Host is the host and port of a Target that Check has found good, for errors.
func (t Target) Host() string {
	u, err := url.Parse(t.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// isLoopback is about the host that the configuration names, not about what a name resolves to.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
