package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxRedirects = 3
	maxHeader    = 64 << 10 // bytes
	idleTime     = 30 * time.Second
)

// Connection is how a Client connects.
type Connection struct {
	// Timeout is for each step of a request: the caller's context ends the request as a whole, these
	// what it leaves behind.
	Timeout time.Duration
	RootCAs *x509.CertPool // default those of the system
	// KeepAlive keeps a few connections for 30 s, for who asks often. Otherwise every request connects
	// anew, so that the addresses are checked again and nothing is left running.
	KeepAlive bool
	// Transport is used in place of all that. What it connects to cannot be checked: its user must have
	// AllowPrivateAddresses.
	Transport http.RoundTripper
}

// Client returns a client for a Target that Check has found good. It keeps no cookies, and follows
// redirects at the Target's origin only. The caller bounds the time and the bytes that it reads.
func (t Target) Client(c Connection) *http.Client {
	transport := c.Transport
	if transport == nil {
		u, _ := url.Parse(t.URL) // Check has done so
		d := &net.Dialer{Timeout: c.Timeout, Control: dialControl(isLoopback(u.Hostname()), t.AllowPrivateAddresses)}
		transport = &http.Transport{
			DialContext:            d.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs},
			TLSHandshakeTimeout:    c.Timeout,
			ResponseHeaderTimeout:  c.Timeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      !c.KeepAlive,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        idleTime,
		}
	}
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}
}

func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return refusal(fmt.Sprintf("it redirects over %d times: set URL to where that leads in the end", maxRedirects))
	case next.URL.Scheme != first.Scheme || !strings.EqualFold(next.URL.Hostname(), first.Hostname()) ||
		port(next.URL) != port(first) || next.URL.User != nil:
		return refusal(fmt.Sprintf("it redirects to another origin, %.20s://%.100s, which is not followed: if that is right, set URL to it",
			next.URL.Scheme, next.URL.Host))
	}
	return nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}
