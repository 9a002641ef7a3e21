package middleware

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/writ-go/writ/token"
)

const maxUserAgent = 256 // bytes

// ClientOf reads what a request says about its sender: the User-Agent, without control characters
// and cut to 256 bytes, and RemoteAddr. It trusts no forwarding header: behind a proxy of yours, set
// RemoteAddr from what the proxy says before the guard. ID is left empty.
func ClientOf(r *http.Request) token.Client {
	var c token.Client
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.Addr = ap.Addr().Unmap()
	} else if a, err := netip.ParseAddr(r.RemoteAddr); err == nil {
		c.Addr = a.Unmap()
	}
	var agent strings.Builder
	for _, char := range strings.ToValidUTF8(r.UserAgent(), "") {
		if unicode.IsControl(char) {
			continue
		}
		if agent.Len()+utf8.RuneLen(char) > maxUserAgent {
			break
		}
		agent.WriteRune(char)
	}
	c.UserAgent = agent.String()
	return c
}
