package jws

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

func signed(t testing.TB, k *keys.Private, payload string) string {
	t.Helper()
	p, err := Prefix(k, "at+jwt")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Sign(p, []byte(payload), k)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestWhatIsSignedVerifies(t *testing.T) {
	for _, a := range keys.Algorithms() {
		k, err := keys.Generate(a)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(signed(t, k, `{"x":1}`))
		if err != nil {
			t.Fatalf("%s: %v", a.Name(), err)
		}
		if m.Header != (Header{a.Name(), k.ID(), "at+jwt"}) {
			t.Errorf("%s: header %+v", a.Name(), m.Header)
		}
		payload, err := m.Verify(k.Public())
		if err != nil || payload != `{"x":1}` {
			t.Errorf("%s: payload %q, %v", a.Name(), payload, err)
		}
		if m, err = Parse(signed(t, k, "")); err != nil {
			t.Fatal(err)
		}
		if payload, err := m.Verify(k.Public()); err != nil || payload != "" {
			t.Errorf("%s, empty payload: %q, %v", a.Name(), payload, err)
		}
		other, err := keys.Generate(a)
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := m.Verify(other.Public()); err != ErrSignature || payload != "" {
			t.Errorf("%s under another key: %v", a.Name(), err)
		}
	}
}

// req 6, 7, 11, 20
func TestOnlyTheCompactFormInItsOneSpelling(t *testing.T) {
	k, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	good := signed(t, k, `{"x":1}`)
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	part := strings.Split(good, ".")
	for name, raw := range map[string]string{
		"nothing":                          "",
		"two dots":                         "..",
		"one part":                         part[0],
		"two parts":                        part[0] + "." + part[1],
		"four parts":                       good + "." + part[2],
		"five parts, as JWE has":           good + ".." + part[2],
		"no header":                        "." + part[1] + "." + part[2],
		"no signature":                     part[0] + "." + part[1] + ".",
		"a dot in front":                   "." + good,
		"a dot behind":                     good + ".",
		"white space in front":             " " + good,
		"a line end behind":                good + "\n",
		"a line end inside":                part[0] + "\r\n." + part[1] + "." + part[2],
		"padding":                          good + "=",
		"padding inside":                   part[0] + "=." + part[1] + "." + part[2],
		"the other alphabet":               good[:len(good)-1] + "+",
		"a zero byte":                      good + "\x00",
		"a character beyond ASCII":         good + "ä",
		"the JSON serialization":           `{"payload":"` + part[1] + `","signatures":[]}`,
		"a header of odd length":           part[0] + "AAAA"[:(5-len(part[0])%4)%4] + "." + part[1] + "." + part[2],
		"a header that is no JSON":         "AAAA." + part[1] + "." + part[2],
		"8 KiB and a byte":                 part[0] + "." + strings.Repeat("A", MaxSize) + "." + part[2],
		"a header of 3 KiB":                encoded(`{"alg":"EdDSA","x":"`+strings.Repeat("x", 3<<10)+`"}`) + "." + part[1] + "." + part[2],
		"a mebibyte of dots":               strings.Repeat(".", 1<<20),
		"a mebibyte of letters":            strings.Repeat("A", 1<<20),
		"a bearer scheme in front":         "Bearer " + good,
		"a percent sign":                   strings.Replace(good, ".", "%2E", 1),
		"a header with bits left over":     leftOver(part[0]) + "." + part[1] + "." + part[2],
		"a signature with bits left over":  part[0] + "." + part[1] + "." + leftOver(part[2]),
		"a signature of odd length":        good + "AAA",
		"a payload with bits left over":    part[0] + "." + leftOver(part[1]) + "." + part[2],
		"a header spelled as an array":     "W10." + part[1] + "." + part[2],
		"a header that is the JSON string": "IiI." + part[1] + "." + part[2],
	} {
		m, err := Parse(raw)
		if err == nil {
			_, err = m.Verify(k.Public())
		}
		if err != ErrMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// leftOver spells the same bytes with other bits in the last character, where there are such.
func leftOver(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[last^1])
}

func TestParseAllocatesNothingForWhatHasNotTheForm(t *testing.T) { // req 20
	for name, raw := range map[string]string{
		"dots":             strings.Repeat(".", 1<<20),
		"letters":          strings.Repeat("A", 1<<20),
		"letters and dots": strings.Repeat("A.", 4000),
		"line ends":        "AAAA.AAAA." + strings.Repeat("\n", 4000),
	} {
		if n := testing.AllocsPerRun(10, func() { Parse(raw) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzHeader holds plainHeader to its promise: what it reads, the strict decoder reads to the same.
func FuzzHeader(f *testing.F) {
	f.Add(`{"alg":"ES256","kid":"x","typ":"at+jwt"}`)
	f.Add(`{"typ":"at+jwt","alg":"ES256","kid":"x","crit":[]}`)
	f.Add(`{"alg":"ES256","alg":"none"}`)
	f.Add(`{"ALG":"none"}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := plainHeader(text)
		if !ok {
			return
		}
		if want, err := strictHeader(text); err != nil || got != want {
			t.Fatalf("plainHeader reads %+v, the strict decoder %+v, %v", got, want, err)
		}
	})
}
