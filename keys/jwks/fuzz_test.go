package jwks_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// CVE-2024-21664, CVE-2026-34986 and CVE-2026-42576 were panics of other readers of key sets.
func FuzzParse(f *testing.F) {
	for _, set := range []string{
		setOf(good), setOf(good, with(edJWK, `"kid":"b"`)), setOf(with(ecJWK, `"kid":"a","key_ops":["verify"],"x5c":["AA"]`), `{"kty":"PQ"}`, `null`),
		setOf(`{"kty":"oct","k":"AA"}`), setOf(good, good), setOf(), `{"keys":null}`, `{}`, `[]`, ``,
	} {
		f.Add([]byte(set))
	}
	allowed := slices.DeleteFunc(keys.Algorithms(), func(a keys.Algorithm) bool { return strings.HasPrefix(a.Name(), "HS") })
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := jwks.Parse(data, allowed...)
		if err != nil {
			if s != nil {
				t.Fatal("a set with an error")
			}
			return
		}
		if len(s.Keys) == 0 || len(s.Keys)+len(s.Skipped) > 100 {
			t.Fatalf("%d keys, %d skipped", len(s.Keys), len(s.Skipped))
		}
		var published []*keys.Public
		for kid, k := range s.Keys {
			if kid == "" || len(kid) > 128 || k == nil || k.Symmetric() || !slices.Contains(allowed, k.Algorithm()) {
				t.Fatalf("kid %.130q has a key that nobody may use", kid)
			}
			if err := k.Verify([]byte("m"), make([]byte, 64)); !errors.Is(err, keys.ErrSignature) {
				t.Fatalf("Verify: %v, want ErrSignature", err)
			}
			if !slices.ContainsFunc(published, func(p *keys.Public) bool { return p.ID() == k.ID() }) {
				published = append(published, k)
			}
		}
		again, err := jwks.Parse(jwks.Marshal(published), allowed...)
		if err != nil || len(again.Keys) != len(published) || len(again.Skipped) != 0 {
			t.Fatalf("what was read does not read back from what is published: %v", err)
		}
		for _, k := range published {
			if p := again.Keys[k.ID()]; p == nil || p.Algorithm() != k.Algorithm() {
				t.Fatalf("%s: the key changed on its way", k.ID())
			}
		}
	})
}
