package middleware_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
)

func TestClientOfTrustsNoForwardingHeader(t *testing.T) { // req 75
	long := strings.Repeat("x", 255)
	for _, c := range []struct {
		name, remote, agent string
		addr                netip.Addr
		want                string
	}{
		{"IPv4", "192.0.2.1:1234", "Browser/1", netip.MustParseAddr("192.0.2.1"), "Browser/1"},
		{"IPv6", "[2001:db8::1]:1234", "", netip.MustParseAddr("2001:db8::1"), ""},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:1234", "", netip.MustParseAddr("192.0.2.1"), ""},
		{"without a port, as a proxy middleware may leave it", "192.0.2.1", "", netip.MustParseAddr("192.0.2.1"), ""},
		{"a socket without an address", "@", "", netip.Addr{}, ""},
		{"control characters", "", "a\x00b\r\nc\x1b[31m\x7fd\u0085e", netip.Addr{}, "abc[31mde"},
		{"bytes that are no UTF-8", "", "a\xff\xfeb", netip.Addr{}, "ab"},
		{"256 bytes", "", long + "y", netip.Addr{}, long + "y"},
		{"257 bytes", "", long + "yz", netip.Addr{}, long + "y"},
		{"a character across the cut", "", long + "é", netip.Addr{}, long},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.remote
			r.Header.Set("User-Agent", c.agent)
			for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip"} {
				r.Header.Set(h, "203.0.113.9")
			}
			if got := middleware.ClientOf(r); got.Addr != c.addr || got.UserAgent != c.want || got.ID != "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}
