package main

import (
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/mldsa"
)

// What no ring of a test can be brought to by commands.
func TestTheDoctorFinds(t *testing.T) {
	now := time.Date(2026, 7, 29, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	public := func(a keys.Algorithm) *keys.Public {
		k, err := keys.Generate(a)
		if err != nil {
			t.Fatal(err)
		}
		return k.Public()
	}
	es, hs := public(keys.ES256), public(keys.HS256)
	active := keys.KeyInfo{Public: es, State: keys.Active, CreatedAt: now.Add(-day), ActivateAt: now.Add(-day), MaxTTL: time.Hour}
	pending := keys.KeyInfo{Public: public(keys.ES256), State: keys.Pending, CreatedAt: now.Add(-day), ActivateAt: now.Add(day), MaxTTL: time.Hour}
	with := func(k keys.KeyInfo, change func(*keys.KeyInfo)) keys.KeyInfo { change(&k); return k }
	for _, test := range []struct {
		name string
		keys []keys.KeyInfo
		want string // a line, or none
	}{
		{"nothing in a ring that is well", []keys.KeyInfo{active}, ""},
		{"nothing in a ring whose next key waits", []keys.KeyInfo{active, pending}, ""},
		{"a ring without a key that signs", []keys.KeyInfo{pending}, "PROBLEM no key is to sign yet"},
		{"an active key without its private half", []keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.Wiped = true })},
			"PROBLEM key " + es.ID() + " is the one to sign, but its private half is gone"},
		{"a next key that signs sooner than verifiers know it",
			[]keys.KeyInfo{active, with(pending, func(k *keys.KeyInfo) { k.ActivateAt = k.CreatedAt.Add(59 * time.Minute) })}, "note 59 min after it was published"},
		{"a next key that waits for years",
			[]keys.KeyInfo{active, with(pending, func(k *keys.KeyInfo) { k.ActivateAt = now.Add(800 * day) })}, "note does not sign until 2028"},
		{"two next keys", []keys.KeyInfo{active, pending, pending}, "note 2 keys are published and do not sign yet"},
		{"a shared secret that signs beside public keys (req 30)",
			[]keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.State, k.WipeAt = keys.Retired, now }), with(active, func(k *keys.KeyInfo) { k.Public = hs })},
			"PROBLEM signs with a shared secret"},
		{"a shared secret on its way out",
			[]keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.Public, k.State = hs, keys.Retired }), active}, "note the ring has shared secrets beside public keys"},
		{"nothing in a shared secret that was not wiped", []keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.Public = hs })}, ""},
		{"a key that may sign for longer than any program does",
			[]keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.MaxTTL = day })}, "note may sign tokens of 1 day"},
		{"an experimental key", []keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.Public = public(mldsa.MLDSA44) })}, "note is for ML-DSA-44, which is experimental"},
		{"a key that is elsewhere", []keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.Ref = "arn:1" })}, "note is kept elsewhere"},
		{"a short RSA key", []keys.KeyInfo{with(active, func(k *keys.KeyInfo) { k.Public = public(keys.PS256) })}, "note is RSA with 2048 bits"},
	} {
		c := newCommand("doctor").schedule()
		r := &reading{at: &target{name: "ring"}, now: now, info: &keys.Info{Keys: test.keys}}
		var f findings
		f.schedule(r, c)
		f.each(r, c)
		var lines []string
		for _, x := range f {
			kind := "note"
			if x.problem {
				kind = "PROBLEM"
			}
			lines = append(lines, kind+" "+x.what)
		}
		kind, what, _ := strings.Cut(test.want, " ")
		switch {
		case test.want == "" && len(lines) > 0, test.want != "" && len(lines) != 1:
			t.Errorf("%s: %q", test.name, lines)
		case test.want != "" && (!strings.HasPrefix(lines[0], kind+" ") || !strings.Contains(lines[0], what)):
			t.Errorf("%s: %q, want %q", test.name, lines[0], test.want)
		}
	}
}

// A ring that steps every few months has some MAC keys; one that is never pruned has more and more.
func TestTheDoctorCountsMACKeys(t *testing.T) {
	c := newCommand("doctor").schedule()
	for n, want := range map[int]int{1: 0, 8: 0, 9: 1} {
		r := &reading{at: &target{name: "ring"}, info: &keys.Info{Issuer: "https://app.example", MACs: n}}
		var f findings
		f.document(r, &snapshot{}, c)
		if len(f) != want {
			t.Errorf("%d MAC keys: %d findings", n, len(f))
		}
	}
}
