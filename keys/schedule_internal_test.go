package keys

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	testLead   = time.Hour + time.Minute + 10*time.Second
	testSecret = time.Minute + 10*time.Second // lead of MAC and data keys
	ms         = time.Millisecond
)

// epoch is when the rings of these tests begin.
var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func testConfig(t testing.TB) Config {
	c, err := Config{Issuer: "https://app.example", Vault: Dir("none"), InClear: true}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fixed is a source whose keys are called new1, new2 and so on.
type fixed int

func (f *fixed) kid() string {
	*f++
	return fmt.Sprint("new", int(*f))
}

func (f *fixed) signing() (signingItem, error) {
	return signingItem{item: item{KID: f.kid(), Private: "x"}, Alg: "ES256", MaxTTL: 3600}, nil
}

func (f *fixed) secret(alg string, taken func(string) bool) (item, error) {
	kid := f.kid()
	for taken(kid) {
		kid = f.kid()
	}
	return item{KID: kid, Private: "x"}, nil
}

func (f *fixed) rewrap(i item, _ string) (item, error) {
	if i.Private == "old" {
		i.Private = "x"
	}
	return i, nil
}

// key is a signing key that is active from a time after the epoch.
func key(kid string, at time.Duration) signingItem {
	return signingItem{item: secretKeyAt(kid, at), Alg: "ES256", MaxTTL: 3600}
}

func secretKeyAt(kid string, at time.Duration) item {
	return item{KID: kid, CreatedAt: epoch, ActivateAt: epoch.Add(at), Private: "x"}
}

func wipedKey(kid string, at time.Duration) signingItem {
	k := key(kid, at)
	k.item = k.wiped()
	return k
}

// ringOfKeys was written at the epoch, and has a MAC key m and a data key d.
func ringOfKeys(keys ...signingItem) content {
	return content{V: 1, Issuer: "https://app.example", UpdatedAt: epoch, Keys: keys, MAC: []item{secretKeyAt("m", 0)}, Data: []item{secretKeyAt("d", 0)}}
}

// text is a content in a line: "a 0s, b 1h0m0s wiped; mac m 0s; data d 0s; gone c".
func text(c content) string {
	list := func(items []item) string {
		var out []string
		for _, i := range items {
			s := fmt.Sprintf("%s %v", i.KID, i.ActivateAt.Sub(epoch))
			if !i.hasPrivate() {
				s += " wiped"
			}
			out = append(out, s)
		}
		return strings.Join(out, ", ")
	}
	var keys []item
	for _, k := range c.Keys {
		keys = append(keys, k.item)
	}
	s := list(keys) + "; mac " + list(c.MAC) + "; data " + list(c.Data)
	for _, t := range c.Removed {
		s += "; gone " + t.KID
		if t.Compromised {
			s += "!"
		}
	}
	return s
}

func TestStep(t *testing.T) {
	const rest = "; mac m 0s; data d 0s"
	period := 30 * day
	removal := time.Minute + time.Hour + time.Minute + 10*time.Second // S + T + K + 2 skew
	longLived, symmetric, entrusted := key("a", 0), key("a", 0), key("a", 0)
	longLived.MaxTTL = 24 * 3600
	symmetric.Alg = "HS256"
	entrusted.Private, entrusted.Ref = "", "kms:1"
	for _, c := range []struct {
		name   string
		change func(*Config)
		ring   content
		now    time.Duration
		want   string // or nothing, if nothing is due
	}{
		{"in the middle of a period nothing is due", nil, ringOfKeys(key("a", 0)), 15 * day, ""},
		{"a successor is published its lead before the period ends", nil, ringOfKeys(key("a", 0)), period - testLead,
			"a 0s, new1 720h0m0s" + rest},
		{"and not a millisecond sooner", nil, ringOfKeys(key("a", 0)), period - testLead - ms, ""},
		{"a ring that slept waits for its lead all the same", nil, ringOfKeys(key("a", 0)), 31 * day,
			"a 0s, new1 745h1m10s" + rest},
		{"while a successor is pending no other is made", nil, ringOfKeys(key("a", 0), key("b", period)), period - ms, ""},
		{"by hand only means never", func(c *Config) { c.Period = -1 }, ringOfKeys(key("a", 0)), 40 * day, ""},

		{"a retired key keeps its private half for MaxStale", nil, ringOfKeys(key("a", 0), key("b", day)), day + time.Minute - ms, ""},
		{"then it is wiped", nil, ringOfKeys(key("a", 0), key("b", day)), day + time.Minute, "a 0s wiped, b 24h0m0s" + rest},
		{"and that is all", nil, ringOfKeys(wipedKey("a", 0), key("b", day)), day + removal - ms, ""},
		{"what a Custodian keeps is forgotten then", nil, ringOfKeys(entrusted, key("b", day)), day + time.Minute, "a 0s wiped, b 24h0m0s" + rest},
		{"a symmetric key is not wiped: it could not verify", nil, ringOfKeys(symmetric, key("b", day)), day + time.Minute, ""},
		{"nor is one whose successor was wiped", nil, ringOfKeys(key("a", 0), wipedKey("b", day)), 2 * day, ""},
		{"nor the only one left to sign while its successor waits", nil, ringOfKeys(key("a", 0), wipedKey("b", day), key("c", 3*day)), 2 * day, ""},

		{"a retired key is removed when nobody accepts its tokens", nil, ringOfKeys(wipedKey("a", 0), key("b", day)), day + removal,
			"b 24h0m0s" + rest + "; gone a"},
		{"its own max_ttl counts", nil, ringOfKeys(longLived, key("b", day)), day + removal + 23*time.Hour - ms, "a 0s wiped, b 24h0m0s" + rest},
		{"for as long as it is", nil, ringOfKeys(longLived, key("b", day)), day + removal + 23*time.Hour, "b 24h0m0s" + rest + "; gone a"},
		{"a verifier's leeway counts", func(c *Config) { c.Leeway = time.Second }, ringOfKeys(wipedKey("a", 0), key("b", day)), day + removal - 59*time.Second,
			"b 24h0m0s" + rest + "; gone a"},
		{"many are removed at once after a long sleep, and the one that signs stays", func(c *Config) { c.Period = -1 },
			ringOfKeys(key("a", 0), key("b", day), key("c", 2*day)), 30 * day, "c 48h0m0s" + rest + "; gone a; gone b"},

		{"a MAC key is followed after MACPeriod", func(c *Config) { c.Period = -1; c.MACPeriod = day }, ringOfKeys(key("a", 0)), day - testSecret,
			"a 0s; mac m 0s, new1 24h0m0s; data d 0s, new2 24h0m0s"},
		{"and not a millisecond sooner, nor a data key", func(c *Config) { c.Period = -1; c.MACPeriod = day }, ringOfKeys(key("a", 0)), day - testSecret - ms, ""},
		{"it stays for MACLife", func(c *Config) { c.MACPeriod, c.MACLife = -1, day }, withMAC(ringOfKeys(key("a", 0)), "n", day), 2*day + testSecret - ms, ""},
		{"and is removed then", func(c *Config) { c.MACPeriod, c.MACLife = -1, day }, withMAC(ringOfKeys(key("a", 0)), "n", day), 2*day + testSecret,
			"a 0s; mac n 24h0m0s; data d 0s; gone m"},
		{"a ring of an early version gets a data key that is active at once", nil, withoutData(ringOfKeys(key("a", 0))), day,
			"a 0s; mac m 0s; data new1 24h0m0s"},
		{"a short kid that was used before is not used again", nil, withRemoved(withoutData(ringOfKeys(key("a", 0))), tombstone{"new1", epoch, false}), day,
			"a 0s; mac m 0s; data new2 24h0m0s; gone new1"},

		{"a removal is remembered for 400 days", func(c *Config) { c.Period, c.MACPeriod = -1, -1 },
			withRemoved(ringOfKeys(key("a", 0)), tombstone{"x", epoch, false}, tombstone{"y", epoch, true}), 400 * day, ""},
		{"one of a compromised key for good", func(c *Config) { c.Period, c.MACPeriod = -1, -1 },
			withRemoved(ringOfKeys(key("a", 0)), tombstone{"x", epoch, false}, tombstone{"y", epoch, true}), 400*day + ms, "a 0s" + rest + "; gone y!"},

		{"what is not under the current wrapping key is wrapped anew", nil, wrappedOnce(ringOfKeys(key("a", 0))), day, "a 0s" + rest},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := testConfig(t)
			if c.change != nil {
				c.change(&config)
			}
			before := text(c.ring)
			d := config.draft(c.ring, epoch.Add(c.now), new(fixed))
			if err := d.step(); err != nil || d.clock != nil {
				t.Fatal(err, d.clock)
			}
			switch {
			case c.want == "" && (d.changed || text(d.content) != before):
				t.Errorf("changed to %s", text(d.content))
			case c.want != "" && (!d.changed || text(d.content) != c.want):
				t.Errorf("changed %v, to %s, want %s", d.changed, text(d.content), c.want)
			}
			if text(c.ring) != before {
				t.Error("the old document was changed")
			}
			again := config.draft(d.content, epoch.Add(c.now), new(fixed))
			if err := again.step(); err != nil || again.changed {
				t.Errorf("the same step again changes it to %s: %v", text(again.content), err)
			}
		})
	}
}

func withMAC(c content, kid string, at time.Duration) content {
	c.MAC = append(c.MAC, secretKeyAt(kid, at))
	return c
}

func withoutData(c content) content {
	c.Data = nil
	return c
}

func withRemoved(c content, list ...tombstone) content {
	c.Removed = list
	return c
}

func wrappedOnce(c content) content {
	c.MAC[0].Private = "old"
	return c
}

// TestADraftCountsFromTheDocumentsDate: a clock may be behind it by Skew.
func TestADraftCountsFromTheDocumentsDate(t *testing.T) {
	c := testConfig(t)
	for behind, right := range map[time.Duration]bool{c.Skew: true, c.Skew + ms: false, -day: true} {
		d := c.draft(ringOfKeys(key("a", 0)), epoch.Add(-behind), new(fixed))
		if (d.clock == nil) != right {
			t.Errorf("%v behind: %v", behind, d.clock)
		}
		if want := later(epoch, epoch.Add(-behind)); !d.now.Equal(want) {
			t.Errorf("%v behind: counts from %v, want %v", behind, d.now, want)
		}
	}
}

// TestOnlySoManyRemovalsAreRemembered: a document has its limit.
func TestOnlySoManyRemovalsAreRemembered(t *testing.T) {
	c := testConfig(t)
	ring := ringOfKeys(wipedKey("a", 0), key("b", day))
	for i := range maxRemovals {
		ring.Removed = append(ring.Removed, tombstone{fmt.Sprint("x", i), epoch.Add(time.Duration(i) * time.Second), i == maxRemovals-1})
	}
	d := c.draft(ring, epoch.Add(2*day), new(fixed))
	if err := d.step(); err != nil {
		t.Fatal(err)
	}
	if n := len(d.Removed); n != maxRemovals+1 || d.Removed[0].KID != "x0" {
		t.Errorf("%d removals, %v first: a compromised key does not count", n, d.Removed[0])
	}
	d.Removed = append(d.Removed, tombstone{"y", d.now, false})
	d.forget()
	if n := len(d.Removed); n != maxRemovals+1 || d.Removed[0].KID != "x1" {
		t.Errorf("%d removals, %v first: the oldest goes", n, d.Removed[0])
	}
	if _, lost := c.merge(ring, d.content, epoch.Add(2*day)); lost {
		t.Error("what was forgotten is taken for lost")
	}
}
