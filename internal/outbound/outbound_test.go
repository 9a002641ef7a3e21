package outbound

import (
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// Addresses on the Internet cannot be connected to in a test, so their rule is asked itself. What a
// whole request is refused for is tested where requests are made: in keys/jwks.
func TestWhichAddressesAreOnTheInternet(t *testing.T) { // req 36
	for address, want := range map[string]bool{
		"1.1.1.1": true, "9.255.255.255": true, "11.0.0.0": true, "172.15.255.255": true, "172.32.0.0": true, "223.255.255.255": true,
		"100.63.255.255": true, "100.128.0.0": true, "2606:4700:4700::1111": true, "2a00::1": true, "64:ff9b::101:101": true,
		"10.0.0.0": false, "172.16.0.0": false, "192.168.255.255": false, "127.0.0.1": false, "0.0.0.1": false, "240.0.0.1": false,
		"::1": false, "::": false, "fc00::1": false, "fe80::1": false, "ff02::1": false, "2001::1": false, "2001:db8::1": false,
		"2002:a00:1::": false, "64:ff9b::a00:1": false, "64:ff9b:1::1": false, "::ffff:10.0.0.1": false, "::ffff:1.1.1.1": true,
		"2001:4860:4860::8888%eth0": false, "100::1": false, "fec0::1": false,
	} {
		ip := netip.MustParseAddr(address)
		if got := checkAddress(ip, false, false) == nil; got != want {
			t.Errorf("%s: %t", address, got)
		}
		if checkAddress(ip, true, true) == nil != (address == "127.0.0.1" || address == "::1") {
			t.Errorf("%s, where this machine is named", address)
		}
	}
}

// A proxy that the environment names would choose what the other side is, and there is no asking
// without one that a test could see.
func TestNoProxyIsTakenFromTheEnvironment(t *testing.T) {
	client := Target{URL: "https://login.example"}.Client(Connection{Timeout: time.Second})
	if transport, ok := client.Transport.(*http.Transport); !ok || transport.Proxy != nil || client.Jar != nil {
		t.Error("there is a proxy, or a cookie jar")
	}
}
