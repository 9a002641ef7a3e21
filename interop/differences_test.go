package interop

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// difference is a kind of token that writ accepts and peers refuse, and why that is no fault of writ.
// A token that a peer reads otherwise than writ does is never harmless.
type difference struct {
	name  string
	peers []string
	why   string
	holds func(*opened) bool

	header, payload string // members of an example
}

// opened is a token that writ accepted.
type opened struct {
	header, payload               []byte
	headerMembers, payloadMembers map[string]jsontext.Value
}

const never = "writ does not read this member, which could only bring a key along (RFC 8725bis section 3.10)"

var differences = []difference{
	{
		name: "jwk", peers: []string{"go-jose", "jwx"}, why: never,
		holds:  func(o *opened) bool { return o.headerMembers["jwk"] != nil },
		header: `"jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`,
	}, {
		name: "x5c", peers: []string{"go-jose", "jwx"}, why: never,
		holds:  func(o *opened) bool { return o.headerMembers["x5c"] != nil },
		header: `"x5c":["AAAA"]`,
	}, {
		name: "a URL or thumbprint that is no text", peers: []string{"jwx"}, why: never,
		holds:  func(o *opened) bool { return o.noText("jku", "x5u", "x5t", "x5t#S256") },
		header: `"jku":5`,
	}, {
		name: "cty that is no text", peers: []string{"jwx"},
		why:    "writ does not read cty: what a payload is, typ says",
		holds:  func(o *opened) bool { return o.noText("cty") },
		header: `"cty":5`,
	}, {
		name: "nonce that is no text", peers: []string{"go-jose"},
		why:    "writ does not read nonce, which is ACME's (RFC 8555 section 6.5.2)",
		holds:  func(o *opened) bool { return o.noText("nonce") },
		header: `"nonce":5`,
	}, {
		name: "a number beyond a double in the header", peers: []string{"go-jose", "jwx"},
		why:    "writ does not read it: no member that it reads is a number",
		holds:  func(o *opened) bool { return beyondDouble(o.header) },
		header: `"x":1e999`,
	}, {
		name: "a number beyond a double in the payload", peers: []string{"jwx"},
		why:     "writ does not read it: it refuses a date that is one",
		holds:   func(o *opened) bool { return beyondDouble(o.payload) },
		payload: `"x":{"y":[1e999]}`,
	}, {
		name: "white space around the header", peers: []string{"jwx"},
		why:    "jwx drops it, so that the signature is over something else; it belongs to the header (RFC 7515 section 5.2)",
		holds:  func(o *opened) bool { return len(bytes.TrimSpace(o.header)) < len(o.header) },
		header: " ", // goes around the example
	}, {
		name: "-0 for nbf", peers: []string{"jwx"},
		why: "-0 is 0, and 1970 has begun",
		holds: func(o *opened) bool {
			nbf, err := strconv.ParseFloat(string(o.payloadMembers["nbf"]), 64)
			return err == nil && nbf == 0 && math.Signbit(nbf)
		},
		payload: `"nbf":-0`,
	},
}

// harmless is the difference that explains why the peer refuses a token.
func harmless(peer, raw string) (difference, bool) {
	o, err := open(raw)
	if err != nil {
		return difference{}, false
	}
	i := slices.IndexFunc(differences, func(d difference) bool { return slices.Contains(d.peers, peer) && d.holds(o) })
	if i < 0 {
		return difference{}, false
	}
	return differences[i], true
}

func open(raw string) (o *opened, err error) {
	part := strings.Split(raw, ".")
	o = &opened{}
	for to, segment := range map[*[]byte]string{&o.header: part[0], &o.payload: part[1]} {
		if *to, err = base64.RawURLEncoding.DecodeString(segment); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(o.header, &o.headerMembers); err != nil {
		return nil, err
	}
	return o, json.Unmarshal(o.payload, &o.payloadMembers)
}

// noText reports whether one of these members of the header is there and no text.
func (o *opened) noText(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return o.headerMembers[name] != nil && o.headerMembers[name].Kind() != '"'
	})
}

func beyondDouble(text []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return false
		}
		if token.Kind() == '0' {
			if _, err := strconv.ParseFloat(token.String(), 64); err != nil {
				return true
			}
		}
	}
}

// Each difference is there: writ accepts its example, and just the peers that it names refuse it. So a
// peer that comes to agree is struck out.
func TestDifferences(t *testing.T) {
	key := fuzzKey(t)
	writ := writReader(t, keySet{key.ID(): key.Public()})
	peers := []peer{goJose, jwx}
	if nodeMissing() == nil {
		peers = append(peers, startNode(t).peer())
	}
	for _, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			raw := d.example(t)
			if _, err := writ(raw); err != nil {
				t.Fatalf("writ: %v", err)
			}
			for _, p := range peers {
				read, err := p.reader(t, setOf(t, key), "EdDSA")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := read(raw); (err != nil) != slices.Contains(d.peers, p.name) {
					t.Errorf("%s: the error is %v", p.name, err)
				}
			}
		})
	}
}

func (d difference) example(t *testing.T) string {
	t.Helper()
	key := fuzzKey(t)
	header := fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"typ":"at+jwt"}`, key.ID())
	switch {
	case d.header == " ":
		header += " "
	case d.header != "":
		header = strings.Replace(header, "{", "{"+d.header+",", 1)
	}
	var extra map[string]jsontext.Value
	if err := json.Unmarshal([]byte("{"+d.payload+"}"), &extra); err != nil {
		t.Fatal(err)
	}
	claims := payload()
	for name, value := range extra {
		claims[name] = value
	}
	body, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, key, header, string(body))
}
