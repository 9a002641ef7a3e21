package jwks

import (
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// Addresses on the Internet cannot be connected to in a test, so their rule is asked itself.
func TestWhichAddressesAreOnTheInternet(t *testing.T) {
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

func FuzzLifetime(f *testing.F) {
	for _, s := range [][4]string{
		{"max-age=300", "10", "", ""}, {`max-age="1", no-cache`, "x", "0", "0"}, {"", "-1", "Sat, 01 Jan 2000 00:02:00 GMT", ""}, {"max-age=99999999999999999999,=,", "", "", "x"},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, cacheControl, age, expires, date string) {
		h := http.Header{"Cache-Control": {cacheControl}, "Age": {age}, "Expires": {expires}, "Date": {date}}
		if d := lifetime(h, now); d < 0 {
			t.Errorf("%v", d)
		}
	})
}

// A proxy that the environment names would choose what the issuer is, and there is no asking without
// one that a test could see.
func TestNoProxyIsTakenFromTheEnvironment(t *testing.T) {
	client, _ := newClient(&RemoteConfig{Timeout: time.Second}, &RemoteIssuer{URL: "https://login.example"})
	if transport, ok := client.Transport.(*http.Transport); !ok || transport.Proxy != nil {
		t.Error("there is a proxy")
	}
}

// A monotonic clock stands still while the machine sleeps, and a wall clock can be set back.
func TestTheClockThatSawMoreTimeCounts(t *testing.T) {
	start := time.Now()
	wall := start.Round(0)
	for name, test := range map[string]struct{ got, want time.Duration }{
		"later":             {elapsed(start, start.Add(time.Hour)), time.Hour},
		"later by the wall": {elapsed(start, wall.Add(time.Hour)), time.Hour},
		"earlier":           {elapsed(start, wall.Add(-time.Hour)), 0},
		"until":             {until(start.Add(time.Hour), start), time.Hour},
		"until, passed":     {until(start, wall.Add(time.Hour)), -time.Hour},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}
