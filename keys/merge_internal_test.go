package keys

import (
	"testing"
	"time"
)

// TestMerge has an hour and a minute as the lead, less 50 s: see testLead.
func TestMerge(t *testing.T) {
	const rest = "; mac m 0s; data d 0s"
	now := 10 * day
	from := func(ms time.Duration) string { return (now + testLead + ms*time.Millisecond).String() }
	dated := func(c content, at time.Duration) content {
		c.UpdatedAt = epoch.Add(at)
		return c
	}
	for _, c := range []struct {
		name         string
		held, stored content
		want         string // or nothing, if nothing is lost
	}{
		{"the same", ringOfKeys(key("a", 0)), ringOfKeys(key("a", 0)), ""},
		{"a date alone is no loss", dated(ringOfKeys(key("a", 0)), day), ringOfKeys(key("a", 0)), ""},
		{"a newer document with another key", ringOfKeys(key("a", 0)), dated(ringOfKeys(key("a", 0), key("b", day)), day), ""},
		{"a newer one without a key that was removed", ringOfKeys(key("a", 0), key("b", day)),
			dated(withRemoved(ringOfKeys(key("b", day)), tombstone{"a", epoch, false}), 2*day), ""},
		{"what comes back keeps its order", ringOfKeys(key("a", 0), wipedKey("z", day), key("b", 2*day), key("c", 20*day)), ringOfKeys(key("a", 0)),
			"a 0s, z " + from(0) + " wiped, b " + from(1) + ", c 480h0m0s" + rest},
		{"and its dates, if nothing else can sign", ringOfKeys(wipedKey("a", 0), wipedKey("z", day), key("b", 2*day), key("c", 10*day+time.Hour)), ringOfKeys(key("a", 0)),
			"a 0s wiped, z 24h0m0s wiped, b 48h0m0s, c " + from(0) + rest},
		{"a date that was moved stands, in the later document", dated(ringOfKeys(key("a", 0), key("b", 11*day)), day), ringOfKeys(key("a", 0), key("b", 12*day)),
			"a 0s, b 264h0m0s" + rest},
		{"and only there", ringOfKeys(key("a", 0), key("b", 11*day)), dated(ringOfKeys(key("a", 0), key("b", 12*day)), day), ""},
		{"MAC keys come back, too", withMAC(ringOfKeys(key("a", 0)), "n", day), ringOfKeys(key("a", 0)),
			"a 0s; mac m 0s, n " + (now + testSecret).String() + "; data d 0s"},
		{"and data keys, at once if there is none", ringOfKeys(key("a", 0)), withoutData(ringOfKeys(key("a", 0))), "a 0s" + rest},
		{"a removal wins", withRemoved(ringOfKeys(key("b", day)), tombstone{"a", epoch, false}), ringOfKeys(key("a", 0), key("b", day)),
			"b 24h0m0s" + rest + "; gone a"},
		{"and a mark", withRemoved(ringOfKeys(key("b", day)), tombstone{"a", epoch, true}), withRemoved(ringOfKeys(key("b", day)), tombstone{"a", epoch, false}),
			"b 24h0m0s" + rest + "; gone a!"},
		{"a removal that may be forgotten does not come back", withRemoved(ringOfKeys(key("a", 0)), tombstone{"x", epoch, false}),
			dated(ringOfKeys(key("a", 0)), 401*day), ""},
		{"unless the key does", withRemoved(ringOfKeys(key("a", 0)), tombstone{"x", epoch, false}),
			dated(ringOfKeys(key("a", 0), key("x", 0)), 401*day), "a 0s" + rest + "; gone x"},
		{"one that is compromised is never forgotten", withRemoved(ringOfKeys(key("a", 0)), tombstone{"x", epoch, true}),
			dated(ringOfKeys(key("a", 0)), 401*day), "a 0s" + rest + "; gone x!"},
		{"if each has removed the other's last key, the one that was published last is spared",
			withRemoved(ringOfKeys(keyMade("b", day)), tombstone{"a", epoch, false}), withRemoved(ringOfKeys(key("a", 0)), tombstone{"b", epoch, false}),
			"b 24h0m0s" + rest + "; gone a"},
		{"whoever asks",
			withRemoved(ringOfKeys(key("a", 0)), tombstone{"b", epoch, false}), withRemoved(ringOfKeys(keyMade("b", day)), tombstone{"a", epoch, false}), ""},
		{"but not if it is compromised",
			withRemoved(ringOfKeys(key("a", 0)), tombstone{"b", epoch, true}), withRemoved(ringOfKeys(keyMade("b", day)), tombstone{"a", epoch, false}),
			"a 0s" + rest + "; gone b!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := testConfig(t)
			before := text(c.held) + text(c.stored)
			union, lost := config.merge(c.held, c.stored, epoch.Add(now))
			if lost != (c.want != "") || lost && text(union) != c.want || !lost && text(union) != text(c.stored) {
				t.Errorf("lost %v: %s, want %s", lost, text(union), c.want)
			}
			if text(c.held)+text(c.stored) != before {
				t.Error("what was merged was changed")
			}
		})
	}
}

func keyMade(kid string, at time.Duration) signingItem {
	k := key(kid, at)
	k.CreatedAt = epoch.Add(at)
	return k
}

// TestAKidThatIsTakenIsNotUsed: it has 4 bytes.
func TestAKidThatIsTakenIsNotUsed(t *testing.T) {
	c := testConfig(t)
	m := &mint{ctx: t.Context(), config: &c}
	first, err := m.secret(macAlgorithm, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.secret(macAlgorithm, func(string) bool { return false }); err != nil || again.KID != first.KID {
		t.Error("a change that is computed again has another key")
	}
	refused := 0
	next, err := m.secret(macAlgorithm, func(kid string) bool {
		if kid != first.KID {
			refused++
		}
		return kid == first.KID || refused < 3
	})
	if err != nil || next.KID == first.KID || refused != 3 {
		t.Errorf("%d were refused", refused)
	}
}
