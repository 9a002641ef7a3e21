package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxRedirects = 3
	maxHeader    = 64 << 10 // bytes
)

// answer is a set as it came.
type answer struct {
	set      *Set
	body     []byte
	etag     string
	lifetime time.Duration
}

// newClient returns a client for one issuer, and its host. It keeps no cookies and no connections, so
// that every fetch checks the addresses again and leaves nothing running.
func newClient(c *RemoteConfig, i *RemoteIssuer) (*http.Client, string) {
	u, _ := url.Parse(i.URL) // checkURL has done so
	t := c.Transport
	if t == nil {
		d := &net.Dialer{Timeout: c.Timeout, Control: dialControl(isLoopback(u.Hostname()), i.AllowPrivateAddresses)}
		t = &http.Transport{
			DialContext:            d.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs},
			TLSHandshakeTimeout:    c.Timeout, // the context ends the fetch, these what it leaves behind
			ResponseHeaderTimeout:  c.Timeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true,
		}
	}
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}, u.Host
}

func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return refusal(fmt.Sprintf("it redirects over %d times: set URL to where the set is in the end", maxRedirects))
	case next.URL.Scheme != first.Scheme || !strings.EqualFold(next.URL.Hostname(), first.Hostname()) ||
		port(next.URL) != port(first) || next.URL.User != nil:
		return refusal(fmt.Sprintf("it redirects to another origin, %.20s://%.100s, which is not followed: if the set is there, set URL to it",
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

// fetch asks for the set. before is what is held; a refetch asks for the whole set all the same, past
// caches, and so does not depend on the issuer's changing its ETag.
func (s *source) fetch(ctx context.Context, before *answer, refetch bool) (*answer, error) {
	a, err := s.get(ctx, before, refetch)
	if err != nil {
		return nil, fmt.Errorf("jwks: the key set of %q at %s: %w", s.Issuer, s.host, err)
	}
	return a, nil
}

func (s *source) get(ctx context.Context, before *answer, refetch bool) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, reason(err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	etag := ""
	switch {
	case refetch:
		req.Header.Set("Cache-Control", "no-cache")
	case before != nil && before.etag != "":
		etag = before.etag
		req.Header.Set("If-None-Match", etag)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, reason(err)
	}
	defer res.Body.Close()
	fresh := lifetime(res.Header, time.Now())
	switch {
	case res.StatusCode == http.StatusNotModified && etag != "":
		return &answer{before.set, before.body, etag, fresh}, nil
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers with status %d: %s", res.StatusCode, advice(res.StatusCode))
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "text/html" {
		return nil, errors.New("it answers with a page of HTML: check URL, and whether something before the issuer wants a sign-in")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxSet+1)) // decompressed; Parse refuses one byte too many
	if err != nil {
		return nil, reason(err)
	}
	set, err := Parse(body, s.Algorithms...)
	if err != nil {
		return nil, err
	}
	return &answer{set, body, res.Header.Get("ETag"), fresh}, nil
}

func advice(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "a key set is public, so have it published without a sign-in"
	case status == http.StatusTooManyRequests || status >= 500:
		return "see to the issuer; it is asked again"
	}
	return "check URL"
}

// refusal is an error whose text may be shown.
type refusal string

func (r refusal) Error() string { return string(r) }

// reason is err without what the other side, or the URL's query, may have put in its text.
func reason(err error) error {
	var (
		whole   *url.Error // its text has the URL
		refused refusal
		network *net.OpError
		timeout net.Error
		cert    *tls.CertificateVerificationError
		ca      x509.UnknownAuthorityError
	)
	if errors.As(err, &whole) {
		err = whole.Err
	}
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("it gave no whole answer in time: see whether this machine can reach it")
	case errors.As(err, &ca):
		return fmt.Errorf("%w: if it has an authority of its own, set RootCAs", ca)
	case errors.As(err, &cert):
		return cert
	case errors.As(err, &network):
		return network
	case errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("it does not speak TLS at this port: check URL")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ended its answer too early")
	}
	return fmt.Errorf("its answer cannot be read, or the request failed (%T)", err)
}
