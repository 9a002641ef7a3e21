package rotation_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strings"
	"testing"

	"github.com/writ-go/writ/rotation"
)

// These keys are public: tests only.
var (
	testKey  = []byte("rotation test key: not a secret.")
	otherKey = []byte("another rotation test key, known")
)

var session = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func ring(keys ...[]byte) rotation.MAC {
	return func(kid [4]byte) []byte {
		for _, key := range keys {
			if rotation.Kid(key) == kid {
				return key
			}
		}
		return nil
	}
}

const maxGen = 1<<63 - 1

var tokens = []rotation.Token{
	{},
	{Session: session},
	{Session: session, Gen: 1, Fork: 1},
	{Session: session, Gen: 1 << 40, Fork: 77},
	{Session: session, Gen: maxGen, Fork: math.MaxUint32},
}

func TestFormatIsTheDocumentedLayout(t *testing.T) {
	text := rotation.Format(rotation.Token{Session: session, Gen: 0x0102030405060708, Fork: 0x0a0b0c0d}, testKey)
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "rt1."))
	if err != nil || len(raw) != 64 || len(text) != 90 {
		t.Fatalf("%d characters, %d bytes, %v", len(text), len(raw), err)
	}
	sum := sha256.Sum256(testKey)
	want := bytes.Join([][]byte{sum[:4], session[:], {1, 2, 3, 4, 5, 6, 7, 8, 0x0a, 0x0b, 0x0c, 0x0d}}, nil)
	if !bytes.Equal(raw[:32], want) {
		t.Errorf("layout\n got %x\nwant %x", raw[:32], want)
	}
	// HMAC-SHA256 of "rt1" and the 32 bytes above, computed with another implementation.
	const mac = "JiW_aM0p2L6MhOppgOEq3ebpo9lbVC6pcxBOvHKdOKw"
	if got := base64.RawURLEncoding.EncodeToString(raw[32:]); got != mac {
		t.Errorf("MAC is %s, want %s", got, mac)
	}
}

func TestParseReadsWhatFormatWrote(t *testing.T) {
	for _, tok := range tokens {
		for _, key := range [][]byte{testKey, otherKey} {
			got, ok := rotation.Parse(rotation.Format(tok, key), ring(testKey, otherKey))
			if !ok || got != tok {
				t.Errorf("Parse(Format(%+v)) = %+v, %v", tok, got, ok)
			}
		}
	}
}

// req 56
func TestParseRefuses(t *testing.T) {
	good := rotation.Format(tokens[2], testKey)
	refused := func(name, text string, mac rotation.MAC) {
		t.Helper()
		if got, ok := rotation.Parse(text, mac); ok || got != (rotation.Token{}) {
			t.Errorf("%s is accepted as %+v", name, got)
		}
	}
	for n := range good {
		refused("a truncated token", good[:n], ring(testKey))
		refused("a token without its head", good[n+1:], ring(testKey))
		// A line end is skipped by many decoders.
		for _, extra := range []string{"=", "A", "\n", "\r", " ", ".", "\x00"} {
			refused("a token with something put in", good[:n]+extra+good[n:], ring(testKey))
			refused("a token with something put in, cut to length", (good[:n] + extra + good[n:])[:len(good)], ring(testKey))
		}
	}
	for _, tail := range []string{"=", "==", "\n", "\r\n", " ", "A", good} {
		refused("a padded token", good+tail, ring(testKey))
	}
	refused("a lower-case token", strings.ToLower(good), ring(testKey))
	refused("an upper-case token", strings.ToUpper(good), ring(testKey))
	std := good
	for gen := uint64(2); !strings.Contains(std, "+") || !strings.Contains(std, "/"); gen++ {
		std = strings.NewReplacer("-", "+", "_", "/").Replace(rotation.Format(token(gen, 0), testKey))
	}
	refused("standard base64 for url base64", std, ring(testKey))
	refused("another version", "rt2."+good[4:], ring(testKey))
	refused("an unknown kid", good, ring(otherKey))
	refused("a token of another key", good, func([4]byte) []byte { return otherKey })
	refused("an empty key", good, func([4]byte) []byte { return []byte{} })
	for _, gen := range []uint64{1 << 63, math.MaxUint64} {
		refused("a generation of 2^63 and more", rotation.Format(rotation.Token{Session: session, Gen: gen}, testKey), ring(testKey))
	}
}

// req 56
func TestNoSingleCharacterCanBeChanged(t *testing.T) {
	for _, tok := range tokens[3:] {
		good := rotation.Format(tok, testKey)
		b := []byte(good)
		for i := range b {
			for c := range 256 {
				if b[i] = byte(c); b[i] == good[i] {
					continue
				}
				if _, ok := rotation.Parse(string(b), ring(testKey)); ok {
					t.Errorf("character %d may be %q", i, c)
				}
			}
			b[i] = good[i]
		}
	}
}

func TestParseAsksForNoKeyOfMalformedText(t *testing.T) {
	asked := func([4]byte) []byte { t.Error("the ring was asked"); return nil }
	good := rotation.Format(tokens[1], testKey)
	for _, text := range []string{"", "rt1.", strings.Repeat("A", len(good)), good[:len(good)-1] + "!", good + "A"} {
		rotation.Parse(text, asked)
	}
}

func TestParseOfLongGarbageAllocatesNothing(t *testing.T) {
	long := "rt1." + strings.Repeat("A", 1<<20)
	mac := ring(testKey)
	if n := testing.AllocsPerRun(100, func() { rotation.Parse(long, mac) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	short := "rt1." + strings.Repeat("A", 86)
	if n := testing.AllocsPerRun(100, func() { rotation.Parse(short, mac) }); n > 1 {
		t.Errorf("%v allocations for an unknown kid", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, tok := range tokens {
		good := rotation.Format(tok, testKey)
		f.Add(good)
		f.Add(good[:len(good)-1] + "_")
		f.Add(strings.ToLower(good))
	}
	for _, text := range []string{"", "rt1.", "rt1." + strings.Repeat("A", 86), "rt1." + strings.Repeat("\n", 86), "rt2." + strings.Repeat("A", 86)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if tok, ok := rotation.Parse(text, ring(testKey)); ok && rotation.Format(tok, testKey) != text {
			t.Error("a token has two spellings")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text, mac := rotation.Format(tokens[2], testKey), ring(testKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := rotation.Parse(text, mac); !ok {
			b.Fatal("refused")
		}
	}
}
