package keys_test

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// TestOneWhoCanOnlyWriteTheVaultChangesNothing has an attacker who can read and write every document
// of this issuer and secret, but does not know the secret.
func TestOneWhoCanOnlyWriteTheVaultChangesNothing(t *testing.T) {
	_, other := newRing(t, nil) // the same issuer and secret: its key was removed long ago
	var removed object
	_, sealOfAnother := ringOf(t, other, func(ring object) { removed = ring })
	past := time.Now().Add(-time.Second).UTC().Format(time.RFC3339Nano)

	// Each gets the document that is there and its seal.
	changed := func(change func(ring object)) func(*testing.T, keys.Config, string, string) string {
		return func(t *testing.T, c keys.Config, _, _ string) string {
			ring, seal := ringOf(t, c, change)
			return fmt.Sprintf(`{"ring":%s,"seal":%q}`, ring, seal)
		}
	}
	replaced := func(old, new string) func(*testing.T, keys.Config, string, string) string {
		return func(_ *testing.T, _ keys.Config, genuine, seal string) string {
			return strings.Replace(genuine, strings.ReplaceAll(old, "SEAL", seal), strings.ReplaceAll(new, "SEAL", seal), 1)
		}
	}
	for name, forge := range map[string]func(t *testing.T, c keys.Config, genuine, seal string) string{
		"a removed key that verifies": changed(func(ring object) { add(ring, firstKey(removed)) }),
		"a removed key that signs": changed(func(ring object) {
			k := maps.Clone(firstKey(removed))
			k["activate_at"], k["max_ttl"] = past, 86400
			add(ring, k)
		}),
		"a removed MAC key":        changed(func(ring object) { ring["mac"] = append(ring["mac"].([]any), firstMAC(removed)) }),
		"another activate_at":      changed(func(ring object) { firstKey(ring)["activate_at"] = past }),
		"another created_at":       changed(func(ring object) { firstMAC(ring)["created_at"] = past }),
		"another updated_at":       changed(func(ring object) { ring["updated_at"] = "2099-01-01T00:00:00Z" }),
		"another max_ttl":          replaced(`"max_ttl": 3600`, `"max_ttl": 7200`),
		"a later version's member": replaced(`"v": 1`, `"v": 1, "later": true`),
		"one space more":           replaced(`"v": 1`, `"v":  1`),
		"a member beside the ring": replaced(`"seal"`, `"keys": [], "seal"`),
		"no seal": replaced(`,
  "seal": "SEAL"`, ""),
		"an empty seal":            replaced("SEAL", ""),
		"a seal that is none":      replaced("SEAL", "!"),
		"half a seal":              replaced("SEAL", "AQ"),
		"the seal of another ring": replaced("SEAL", sealOfAnother),
		"a sealed half as the seal": func(t *testing.T, c keys.Config, genuine, seal string) string {
			var half string
			ringOf(t, c, func(ring object) { half = firstMAC(ring)["private"].(string) })
			return strings.Replace(genuine, seal, half, 1)
		},
	} {
		path := filepath.Join(t.TempDir(), "ring")
		r, c := newRing(t, func(c *keys.Config) { c.Vault = keys.Dir(path) })
		before := fingerprint(t, r)
		genuine, err := os.ReadFile(filepath.Join(path, "ring.json"))
		check(t, err)
		_, seal := ringOf(t, c, func(object) {})
		forged := forge(t, c, string(genuine), seal)
		if forged == string(genuine) {
			t.Fatalf("%s: nothing is forged", name)
		}
		rewrite(t, path, []byte(forged))
		if err := r.Reload(t.Context()); err == nil {
			t.Errorf("%s: Reload succeeded", name)
		}
		if after := fingerprint(t, r); after != before {
			t.Errorf("%s: the ring changed", name)
		}
		if _, err := keys.Open(t.Context(), c); err == nil {
			t.Errorf("%s: Open succeeded", name)
		}
		rewrite(t, path, genuine)
		if err := r.Reload(t.Context()); err != nil {
			t.Errorf("%s: with what was sealed in its place again: %v", name, err)
		}
	}
}

// TestAWholeOlderDocumentUndoesNothingWhereSomeoneRemembers, and only there, as the package
// documentation says.
func TestAWholeOlderDocumentUndoesNothingWhereSomeoneRemembers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	r, c := newRing(t, func(c *keys.Config) { c.Vault = keys.Dir(path) })
	old, err := os.ReadFile(filepath.Join(path, "ring.json"))
	check(t, err)
	stolen := r.Publics()[0].ID()
	_, err = r.Replace(t.Context(), stolen)
	check(t, err)
	rewrite(t, path, old)
	if _, err := reopen(t, c).Public(issuer, stolen); err != nil {
		t.Errorf("one that remembers nothing: %v", err)
	}
	_, err = r.Step(t.Context())
	check(t, err)
	for name, r := range map[string]*keys.Ring{"the running node": r, "one that starts now": reopen(t, c)} {
		if _, err := r.Public(issuer, stolen); !errors.Is(err, keys.ErrUnknown) {
			t.Errorf("%s: %v, want ErrUnknown", name, err)
		}
	}
}

// TestLaterMembersAreSealedToo: a later version may add members, which this one neither knows nor
// needs to seal anew.
func TestLaterMembersAreSealedToo(t *testing.T) {
	r, c := newRing(t, nil)
	c.Vault = stored(documentOf(t, c, func(ring object) {
		ring["later"] = object{"x": []int{1}}
		firstKey(ring)["later"] = "é"
	}))
	if fingerprint(t, reopen(t, c)) != fingerprint(t, r) {
		t.Error("another ring")
	}
}

// firstDocument is a ring that the first version made, under the test secret.
//
//go:embed testdata/ring.v1.json
var firstDocument []byte

// TestTheDocumentsFormatIsFinal opens what the first version wrote.
func TestTheDocumentsFormatIsFinal(t *testing.T) {
	c := keys.Config{Issuer: issuer, Vault: stored(firstDocument), Wrapper: wrapper(t)}
	r := reopen(t, c)
	k, err := r.Signing()
	check(t, err)
	if k.ID() != "qUQHOw8jD7wSN8dSYQ9dZVOMHIL2QAIQgZ525qK18wU" || k.MaxTTL() != time.Hour {
		t.Errorf("signs with %v for %v", k, k.MaxTTL())
	}
	if _, ok := r.MAC([4]byte{0x6b, 0x76, 0x4f, 0x1c}); !ok {
		t.Error("the MAC key is not there")
	}
	info, err := keys.Inspect(context.Background(), c.Vault, time.Now())
	check(t, err)
	if info.Issuer != issuer || len(info.Keys) != 1 || info.MACs != 1 {
		t.Errorf("Inspect: %+v", info)
	}
}
