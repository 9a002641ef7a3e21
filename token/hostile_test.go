package token_test

import (
	"encoding/base64"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// hostile makes tokens as an attacker would, by kind. Those that are signed show what stands behind
// the signature; the key is one that the verifier trusts.
func hostile(t *testing.T, k key) map[string]func(r *rand.Rand) string {
	good := issue(t, k, token.Claims{})
	part := strings.Split(good, ".")
	dots, letters := strings.Repeat(".", 1<<20), strings.Repeat("A", 1<<20)
	encode := base64.RawURLEncoding.EncodeToString
	header := func(text string) string { return encode([]byte(text)) + "." + part[1] + "." + part[2] }
	signed := func(header, payload any) string { return forge(t, k, header, payload) }
	payload := func(member string) string {
		return signed(goodHeader(k), strings.Replace(asJSON(goodPayload()), "{", "{"+member+",", 1))
	}
	instead := func(name, value string) string { // of a member of the payload
		return signed(goodHeader(k), strings.Replace(asJSON(goodPayload().with(object{name: nil})), "{", `{"`+name+`":`+value+`,`, 1))
	}
	digits := func(r *rand.Rand) string { return strings.Repeat("9", 1+r.IntN(4000)) }
	nested := func(r *rand.Rand) string {
		depth := 1 + r.IntN(2500)
		open, shut := "[", "]"
		if r.IntN(2) == 0 {
			open, shut = `{"a":`, "}"
			depth /= 5
		}
		if r.IntN(2) == 0 {
			shut = ""
		}
		return strings.Repeat(open, depth) + "1" + strings.Repeat(shut, depth)
	}
	return map[string]func(r *rand.Rand) string{
		// CVE-2025-30204, CVE-2025-22868, CVE-2025-27144: req 20
		"a mebibyte of dots":    func(*rand.Rand) string { return dots },
		"a mebibyte of letters": func(*rand.Rand) string { return letters },
		"many short parts":      func(r *rand.Rand) string { return strings.Repeat("AA.", r.IntN(2700)) },
		"any bytes":             func(r *rand.Rand) string { return string(bytesOf(r, r.IntN(1000))) },
		"any letters of the right form": func(r *rand.Rand) string {
			return encode(bytesOf(r, r.IntN(500))) + "." + encode(bytesOf(r, r.IntN(500))) + "." + encode(bytesOf(r, r.IntN(500)))
		},
		// CVE-2023-48312
		"an empty one": func(r *rand.Rand) string { return []string{"", " ", "Bearer", "Bearer ", ".", "..", "null"}[r.IntN(7)] },
		// CVE-2016-9122, CVE-2016-9123: req 6
		"the JSON form": func(*rand.Rand) string {
			return `{"payload":"` + part[1] + `","signatures":[{"protected":"` + part[0] + `","signature":"` + part[2] + `"},{}]}`
		},
		"a changed character": func(r *rand.Rand) string { return change(r, good) },
		"a piece cut out": func(r *rand.Rand) string {
			i := r.IntN(len(good))
			return good[:i] + good[min(len(good), i+1+r.IntN(9)):]
		},
		"a piece twice": func(r *rand.Rand) string { i := 1 + r.IntN(len(good)-1); return good[:i] + good[r.IntN(i):] },
		"parts in another order": func(r *rand.Rand) string {
			p := r.Perm(3)
			return part[p[0]] + "." + part[p[1]] + "." + part[p[2]] + "A"
		},
		"another's signature": func(r *rand.Rand) string { return part[0] + "." + part[1] + "." + encode(bytesOf(r, 32)) },
		"a zero signature":    func(r *rand.Rand) string { return part[0] + "." + part[1] + "." + encode(make([]byte, 1+r.IntN(64))) },
		// req 4, req 2
		"alg none, unsigned": func(r *rand.Rand) string {
			return header(`{"alg":"` + []string{"none", "None", "NONE", "nOnE", ""}[r.IntN(5)] + `","kid":"` + k.ID() + `","typ":"at+jwt"}`)
		},
		"a nested header":            func(r *rand.Rand) string { return header(`{"alg":` + nested(r) + `}`) },
		"a header of huge numbers":   func(r *rand.Rand) string { return header(`{"alg":"HS256","typ":"at+jwt","kid":` + digits(r) + `}`) },
		"a header of many names":     func(r *rand.Rand) string { return header("{" + many(r, 500) + `"alg":"HS256"}`) },
		"a header in the other case": func(*rand.Rand) string { return header(`{"ALG":"HS256","KID":"` + k.ID() + `","TYP":"at+jwt"}`) },
		// CVE-2025-24976: req 19
		"a key brought along": func(r *rand.Rand) string {
			return header(`{"alg":"HS256","typ":"at+jwt","` + []string{"jwk", "jku", "x5c", "x5u"}[r.IntN(4)] + `":{"kty":"oct","k":"AAAA"},"kid":"mine"}`)
		},
		"a kid that is a path or a query": func(r *rand.Rand) string {
			return header(`{"alg":"HS256","typ":"at+jwt","kid":"` + []string{"../../../dev/null", "' OR 1=1 --", "http://127.0.0.1/", "|id"}[r.IntN(4)] + `"}`)
		},
		// Signed, as a careless issuer would let an attacker have them.
		"a signed nested payload":     func(r *rand.Rand) string { return instead("sub", nested(r)) },
		"signed nested data":          func(r *rand.Rand) string { return payload(`"data":` + nested(r) + `,"data":1`) },
		"signed huge dates: req 18":   func(r *rand.Rand) string { return instead("exp", digits(r)) },
		"signed huge exponents":       func(r *rand.Rand) string { return instead("exp", "1e"+digits(r)) },
		"signed small exponents":      func(r *rand.Rand) string { return instead("exp", "1e-"+digits(r)) },
		"signed dates that are texts": func(r *rand.Rand) string { return instead("exp", `"`+digits(r)+`"`) },
		"signed dates of no kind": func(r *rand.Rand) string {
			return instead("exp", []string{"null", "true", "[]", "{}", "NaN", "-1", "0", "Infinity"}[r.IntN(8)])
		},
		"signed stamps of no kind": func(r *rand.Rand) string {
			return instead("ist", []string{"null", "1.5", "-1", "0", "1e300", `"1"`, strings.Repeat("9", 16+r.IntN(100))}[r.IntN(7)])
		},
		"a signed name twice: req 9": func(r *rand.Rand) string {
			return payload([]string{`"sub":"root"`, `"\u0073ub":"root"`, `"exp":9999999999`}[r.IntN(3)])
		},
		// CVE-2020-26160
		"a signed audience of no kind": func(r *rand.Rand) string {
			return instead("aud", []string{"null", "[]", "[null]", "5", "{}", `""`, `[""]`, `["x","y"]`, `[[]]`}[r.IntN(9)])
		},
		"a signed array as payload":   func(*rand.Rand) string { return signed(goodHeader(k), "[]") },
		"signed broken UTF-8: req 10": func(*rand.Rand) string { return payload("\"x\":\"\xff\"") },
		"signed crit: req 8": func(r *rand.Rand) string {
			return signed(goodHeader(k).with(object{"crit": []string{"b64"}, "b64": false}), goodPayload())
		},
		// CVE-2026-41164: req 13
		"another type, signed": func(r *rand.Rand) string {
			return signed(goodHeader(k).with(object{"typ": []string{"JWT", "jwt", "rt+jwt", "logout+jwt", "statuslist+jwt", "token-introspection+jwt", "AT+JWT", "dpop+jwt"}[r.IntN(8)]}), goodPayload())
		},
	}
}

func bytesOf(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func change(r *rand.Rand, raw string) string {
	b := []byte(raw)
	i := r.IntN(len(b))
	b[i] ^= byte(1 + r.IntN(255))
	return string(b)
}

func many(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n) {
		b.WriteString(`"` + base64.RawURLEncoding.EncodeToString(bytesOf(r, 4)) + `":1,`)
	}
	return b.String()
}

// 100,000 hostile tokens: never a panic, never a token, never an error that is not exactly one of
// two, and never more memory than a few times what was sent.
func TestHostileTokens(t *testing.T) {
	const tokens, most = 100_000, 256 << 10
	k := newKey(t, keys.HS256)
	v := verifier(t, token.VerifierConfig{Keys: k})
	run(t, v)
	kinds := hostile(t, k)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for name, make := range kinds {
		r := rand.New(rand.NewPCG(seed, 1))
		var before, after runtime.MemStats
		for range tokens/len(kinds)/100 + 1 {
			raws := [100]string{}
			for i := range raws {
				raws[i] = make(r)
			}
			runtime.ReadMemStats(&before)
			for _, raw := range raws {
				if got, err := verify(v, raw); got != nil || err == nil {
					t.Fatalf("%s: accepted (seed %d)", name, seed)
				} else {
					wantErr(t, got, err, err)
				}
			}
			runtime.ReadMemStats(&after)
			if used := (after.TotalAlloc - before.TotalAlloc) / uint64(len(raws)); used > most {
				t.Fatalf("%s: %d bytes a token (seed %d)", name, used, seed)
			}
		}
	}
}
