package jwks_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// req 36
func TestURLsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		url    string
		allow  bool // what can be allowed
		reason string
	}{
		"none":                        {"", true, "is not a URL with a host"},
		"not one":                     {"https://login example/QUERY", true, "is not a URL with a host"},
		"a path":                      {"/keys", true, "is not a URL with a host"},
		"without a host":              {"https:///keys", true, "is not a URL with a host"},
		"http":                        {"http://login.example/keys?QUERY", true, "has http: use https, or anyone"},
		"http to a name like this":    {"http://localhost.evil.example/", true, "has http: use https, or anyone"},
		"http to an address like it":  {"http://127.0.0.1.evil.example/", true, "has http: use https, or anyone"},
		"http to this machine":        {"http://127.0.0.1:8080/", false, "set AllowPlainLoopback"},
		"http to localhost":           {"http://localhost:8080/", false, "set AllowPlainLoopback"},
		"a file":                      {"file://localhost/etc/passwd", true, "use https"},
		"a user":                      {"https://a:QUERY@login.example/", true, "has a user name"},
		"a fragment":                  {"https://login.example/#QUERY", true, "has a fragment"},
		"a private address":           {"https://10.1.2.3/keys", false, "set AllowPrivateAddresses"},
		"a private address in IPv6":   {"https://[fd00::1]/keys", false, "set AllowPrivateAddresses"},
		"one of IPv4 in IPv6":         {"https://[::ffff:10.0.0.1]/keys", false, "set AllowPrivateAddresses"},
		"the address of the cloud":    {"https://169.254.169.254/keys", true, "not an address on the Internet"},
		"no address":                  {"https://0.0.0.0/keys", true, "not an address on the Internet"},
		"a link-local one, with zone": {"https://[fe80::1%25lo]/keys", true, "not an address on the Internet"},
	} {
		c := jwks.RemoteConfig{Issuers: []jwks.RemoteIssuer{{
			Issuer: login, URL: test.url, Algorithms: []keys.Algorithm{keys.ES256}, AllowPlainLoopback: test.allow, AllowPrivateAddresses: test.allow,
		}}}
		_, err := jwks.NewRemote(c)
		if err == nil || !strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "QUERY") {
			t.Errorf("%s: %v", name, err)
		}
		if c.Issuers[0].AllowPlainLoopback, c.Issuers[0].AllowPrivateAddresses = true, true; !test.allow {
			if _, err := jwks.NewRemote(c); err != nil {
				t.Errorf("%s, allowed: %v", name, err)
			}
		}
	}
}

func TestPlainHTTPOnThisMachine(t *testing.T) {
	s := httptest.NewServer(answer(setOf(good)))
	t.Cleanup(s.Close)
	for _, host := range []string{"127.0.0.1", "LocalHost"} {
		want(t, loaded(t, jwks.RemoteConfig{Issuers: []jwks.RemoteIssuer{{
			Issuer: login, URL: strings.Replace(s.URL, "127.0.0.1", host, 1), Algorithms: []keys.Algorithm{keys.ES256}, AllowPlainLoopback: true,
		}}}), "good", "key")
	}
}

// req 36: what a name leads to is checked when it is connected to, so that a name server that changes
// its mind (DNS rebinding) gains nothing.
func TestANameThatLeadsInsideIsNotFollowed(t *testing.T) {
	var connected atomic.Int64
	c := secure(t, func(http.ResponseWriter, *http.Request) { connected.Add(1) })
	_, port, _ := strings.Cut(strings.TrimPrefix(c.Issuers[0].URL, "https://"), ":")
	c.Issuers[0].URL = "https://login.test:" + port
	for _, test := range []struct {
		address string
		private bool // and so can be allowed
	}{
		{"127.0.0.1", false}, {"127.8.8.8", false}, {"0.0.0.0", false}, {"::1", false}, {"::", false},
		{"169.254.169.254", false}, {"fe80::1", false}, {"224.0.0.1", false}, {"255.255.255.255", false},
		{"::ffff:127.0.0.1", false}, {"64:ff9b::7f00:1", false}, {"64:ff9b::a00:1", false}, {"2002:7f00:1::", false}, {"::127.0.0.1", false},
		{"10.0.0.1", true}, {"172.31.255.255", true}, {"192.168.1.1", true}, {"100.100.100.200", true}, {"fd00:ec2::254", true},
	} {
		resolveTo(t, netip.MustParseAddr(test.address))
		for _, allow := range []bool{false, true} {
			c.Timeout = 10 * time.Second
			c.Issuers[0].AllowPrivateAddresses = allow
			reason := "not an address on the Internet"
			switch {
			case test.private && allow:
				continue // it would be connected to
			case test.private:
				reason = "set AllowPrivateAddresses"
			}
			if got := fails(t, newRemote(t, c)); !strings.Contains(got, reason) {
				t.Errorf("%s: %s", test.address, got)
			}
		}
	}
	if n := connected.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// resolveTo has every name lead to ip until t ends.
func resolveTo(t *testing.T, ip netip.Addr) {
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			for {
				var size uint16
				if binary.Read(theirs, binary.BigEndian, &size) != nil {
					return
				}
				query := make([]byte, size)
				if _, err := io.ReadFull(theirs, query); err != nil {
					return
				}
				reply := dnsReply(query, ip)
				theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
			}
		}()
		return ours, nil
	}}
}

// dnsReply answers a query of one question: RFC 1035 section 4.
func dnsReply(query []byte, ip netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5
	kind, address := uint16(1), ip.AsSlice()
	if ip.Is6() {
		kind = 28
	}
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	if binary.BigEndian.Uint16(query[end-4:]) == kind {
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(address)))
		reply = append(reply, address...)
	}
	return reply
}
