package interop

import (
	"crypto/ed25519"
	"encoding/base64"
	"flag"
	"slices"
	"testing"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// fuzzKey is a test key, the same in every run, so that the corpus can name it.
func fuzzKey(t testing.TB) *keys.Private {
	t.Helper()
	key, err := keys.FromSigner(keys.EdDSA, ed25519.NewKeyFromSeed([]byte("writ: test key for fuzzing only!")))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// FuzzAgainstPeers looks for a token that writ accepts and a peer does not, or reads otherwise.
//
// The fuzzer writes header and payload, and replaces cut characters at a place of the compact text by
// others: before the signature is made, if resign, so that the signature covers what it did, or after.
func FuzzAgainstPeers(f *testing.F) {
	key := fuzzKey(f)
	writ := writReader(f, keySet{key.ID(): key.Public()})
	set := jwks.Marshal([]*keys.Public{key.Public()})
	peers := []peer{goJose, jwx}
	// A process is too slow for fuzzing, but not for the corpus.
	if flag.Lookup("test.fuzz").Value.String() == "" && nodeMissing() == nil {
		peers = append(peers, startNode(f).peer())
	}
	readers := map[string]reader{}
	for _, p := range peers {
		var err error
		if readers[p.name], err = p.reader(f, set, "EdDSA"); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, header, payload, edit string, at uint16, cut uint8, resign bool) {
		raw := encode(header) + "." + encode(payload)
		if resign {
			raw = replace(raw, edit, at, cut)
		}
		raw = signText(t, key, raw)
		if !resign {
			raw = replace(raw, edit, at, cut)
		}
		want, err := writ(raw)
		if err != nil {
			return
		}
		for _, p := range peers {
			got, err := readers[p.name](raw)
			if err != nil {
				if d, ok := harmless(p.name, raw); ok {
					t.Logf("%s refuses it: %s: %s", p.name, d.name, d.why)
				} else {
					t.Errorf("writ accepts it, and %s says: %v", p.name, err)
				}
				continue
			}
			if !slices.Contains(got.Audience, audience) || got.NotBefore > now.Add(leeway).Unix() {
				t.Errorf("%s reads the audience %q and nbf %d, which writ refuses", p.name, got.Audience, got.NotBefore)
			}
			if want.Audience == nil { // what a Verified does not tell, the first peer does
				want.Audience, want.NotBefore = got.Audience, got.NotBefore
			}
			compare(t, got, want)
		}
	})
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func sign(t testing.TB, key *keys.Private, header, payload string) string {
	t.Helper()
	return signText(t, key, encode(header)+"."+encode(payload))
}

func signText(t testing.TB, key *keys.Private, text string) string {
	t.Helper()
	signature, err := key.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(string(signature))
}

func replace(text, edit string, at uint16, cut uint8) string {
	from := int(at) % (len(text) + 1)
	to := min(len(text), from+int(cut))
	return text[:from] + edit + text[to:]
}
