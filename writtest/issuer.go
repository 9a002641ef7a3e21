package writtest

import (
	"cmp"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// Issuer is a server that issues tokens: a Manager with its key set and its feed of revocations, to test
// a service that follows it. Its methods fail the test where they cannot do what they say.
type Issuer struct {
	// URL is the issuer's name, as it stands in tokens. The key set is at /.well-known/jwks.json below it,
	// and the feed at /.well-known/revocations.
	URL string
	// Manager runs until the test ends. It signs in, refreshes and ends sessions: End, EndAll, Revoke.
	Manager *writ.Manager
	// Mux is what the server serves. Add what your issuer serves beside: Manager.Endpoints().Keys where
	// another issuer has its key set, a token endpoint, and so on.
	Mux *http.ServeMux

	t       testing.TB
	config  writ.Config
	ring    *keys.Ring // the Manager's, as another of its nodes has it
	server  *httptest.Server
	gate    *gate
	network *pipes // nil: a socket
}

// NewIssuer starts a server on this machine, with TLS and a port of its own, and stops it when the test
// ends. What c leaves empty is filled in as by New; the Audience is https://api.example, and the feed is
// public unless there is a FeedAllow.
//
// An Issuer in c may name another address of this machine, such as http://127.0.0.1:0 for a client that
// does not trust the certificate: port 0 is any that is free. One that names another host, such as
// https://login.example, opens no socket: Client, and who has the FollowConfig, reach it in memory, also
// in the bubbles of testing/synctest. An Issuer may have a path.
func NewIssuer(t testing.TB, c writ.Config) *Issuer {
	t.Helper()
	u, err := url.Parse(cmp.Or(c.Issuer, "https://127.0.0.1"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		t.Fatal("writtest: Config.Issuer is no http(s) URL")
	}
	if u.Scheme == "https" && u.Hostname() == "localhost" {
		t.Fatal("writtest: Config.Issuer is https://localhost, and the certificate is for 127.0.0.1 and ::1: name one of them")
	}
	i := &Issuer{t: t, Mux: http.NewServeMux()}
	var listener net.Listener
	if onThisMachine(u.Hostname()) {
		if listener, err = net.Listen("tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "0"))); err != nil {
			t.Fatalf("writtest: no server at Config.Issuer: %v", err)
		}
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		u.Host = net.JoinHostPort(u.Hostname(), port)
	} else {
		i.network = newPipes(u.Hostname())
		listener = i.network
	}
	t.Cleanup(func() { listener.Close() })
	i.URL = u.String()
	c.Issuer, c.Audience = i.URL, cmp.Or(c.Audience, "https://api.example")
	c.FeedPublic = c.FeedAllow == nil
	i.config = filledIn(t, c)
	i.Manager = New(t, i.config)
	i.ring = openRing(t, i.config)

	base := strings.TrimSuffix(u.Path, "/")
	endpoints := i.Manager.Endpoints()
	i.Mux.Handle(base+"/.well-known/jwks.json", endpoints.Keys)
	i.Mux.Handle(base+"/.well-known/revocations", endpoints.Revocations)
	i.serve(listener, u.Scheme)
	return i
}

func (i *Issuer) serve(l net.Listener, scheme string) {
	i.gate = &gate{next: i.Mux, requests: map[string]int{}}
	i.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: i.gate}}
	if scheme == "https" {
		i.server.StartTLS()
	} else {
		i.server.Start()
	}
	if i.network != nil {
		transport := i.server.Client().Transport.(*http.Transport)
		transport.DialContext = i.network.dial
		if scheme == "https" {
			transport.TLSClientConfig.ServerName = "example.com" // the name in httptest's certificate
		}
	}
	i.t.Cleanup(func() {
		i.Manager.Drain()
		closeServer(i.server)
	})
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// openRing opens a Manager's ring once more, as its other nodes and cmd/keygen do.
func openRing(t testing.TB, c writ.Config) *keys.Ring {
	t.Helper()
	vault, wrapper := c.Keys, c.KeyWrapper
	if vault == nil {
		vault = writ.Vault(c.Store)
	}
	if len(c.Secret) > 0 {
		var err error
		if wrapper, err = keys.Secret(c.Secret, c.FormerSecrets...); err != nil {
			t.Fatalf("writtest: %v", err)
		}
	}
	ring, err := keys.Load(t.Context(), keys.Config{
		Issuer:    c.Issuer,
		Vault:     vault,
		Algorithm: c.Algorithm,
		Also:      c.KeyAlgorithms,
		Period:    c.KeyPeriod,
		Custodian: c.Custodian,
		MaxTTL:    token.MaxTTL,
		MaxStale:  c.MaxStale,
		Skew:      c.Rotation.Skew,
		Wrapper:   wrapper,
		InClear:   c.KeysInClear,
		Now:       c.Now,
	})
	if err != nil {
		t.Fatalf("writtest: %v", err)
	}
	return ring
}

// FollowConfig is what writ.Follow needs to follow this issuer: where it is, and how to reach and to trust
// it. Set what your service sets beside, such as Foreign, UntilExpiry or MaxStale.
func (i *Issuer) FollowConfig(audience string) writ.FollowConfig {
	c := writ.FollowConfig{
		Issuer:             i.URL,
		Audience:           audience,
		KeysURL:            strings.TrimSuffix(i.URL, "/") + "/.well-known/jwks.json",
		CacheBytes:         -1, // see filledIn
		AllowPlainLoopback: true,
		Now:                i.config.Now,
	}
	if i.network != nil {
		c.Transport, c.AllowPrivateAddresses = i.server.Client().Transport, true
	} else if certificate := i.server.Certificate(); certificate != nil {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AddCert(certificate)
	}
	return c
}

// VerifierConfig is what token.NewVerifier needs to accept this issuer's tokens, until they expire. It asks
// no server. For a Verifier that knows of revocations see Manager.Verifier and writ.Follow.
func (i *Issuer) VerifierConfig(audience string) token.VerifierConfig {
	return token.VerifierConfig{
		Issuer:      i.URL,
		Audience:    audience,
		Keys:        keySet{i},
		UntilExpiry: true,
		Now:         i.config.Now,
	}
}

// Client reaches and trusts the server, for whatever else is to be asked of it.
func (i *Issuer) Client() *http.Client { return i.server.Client() }
