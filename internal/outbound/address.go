package outbound

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// private are the addresses that AllowPrivateAddresses permits: RFC 1918, RFC 6598, RFC 4193.
var private = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")

// notGlobal are, among those of IPv4 and of the one range of IPv6 that is given out (2000::/3), the
// addresses that no host on the Internet has: the registries of RFC 6890.
var notGlobal = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	givenOut = netip.MustParsePrefix("2000::/3")
	nat64    = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: an IPv4 address is in its last 4 bytes
)

func prefixes(all ...string) (p []netip.Prefix) {
	for _, s := range all {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func within(ip netip.Addr, set []netip.Prefix) bool {
	return slices.ContainsFunc(set, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// checkAddress refuses an address that a host must not have. loopback: the configuration
// names this machine, and then nothing else is meant.
func checkAddress(ip netip.Addr, loopback, allowPrivate bool) error {
	ip = ip.Unmap()
	switch {
	case loopback && ip.IsLoopback():
		return nil
	case loopback:
		return fmt.Errorf("this machine, but leads to %s: see to what resolves its name", ip)
	case isGlobal(ip), allowPrivate && within(ip, private):
		return nil
	case within(ip, private):
		return fmt.Errorf("%s, which is not a public address: if it is inside your network, set AllowPrivateAddresses", ip)
	}
	return fmt.Errorf("%s, which is not an address on the Internet: give the host another", ip)
}

// isGlobal expects no IPv4 address in the form of IPv6.
func isGlobal(ip netip.Addr) bool {
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	return (ip.Is4() || givenOut.Contains(ip)) && !within(ip, notGlobal)
}

// dialControl checks an address just before it is connected to. At that point no other answer of the
// name servers can come in between.
func dialControl(loopback, allowPrivate bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("what its host leads to is not an address: %w", err)
		}
		if err := checkAddress(at.Addr(), loopback, allowPrivate); err != nil {
			return fmt.Errorf("its host is %w", err)
		}
		return nil
	}
}
