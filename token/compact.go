package token

import (
	"encoding/base64"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxSize is the longest token, in bytes, that is issued or looked at.
const MaxSize = 8 << 10

const tokenType = "at+jwt" // RFC 9068 section 2.1

// strict refuses what the encoding leaves over in the last character: one token has one spelling.
var strict = base64.RawURLEncoding.Strict()

// compact is a token cut at its dots: still text, and nothing of it believed.
type compact struct {
	header, payload, signature string
	signed                     string // what the signature is over
}

// cut accepts three non-empty parts in the base64url alphabet and nothing else: no white space, no
// padding, no other serialization (RFC 7515 section 7.1, RFC 8725bis section 3.14). It allocates
// nothing, however long or dotted raw is.
func cut(raw string) (compact, bool) {
	if len(raw) > MaxSize {
		return compact{}, false
	}
	var dots [2]int
	n := 0
	for i := range len(raw) {
		switch c := raw[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.' && n < len(dots):
			dots[n] = i
			n++
		default:
			return compact{}, false
		}
	}
	if n != len(dots) {
		return compact{}, false
	}
	c := compact{
		header:    raw[:dots[0]],
		payload:   raw[dots[0]+1 : dots[1]],
		signature: raw[dots[1]+1:],
		signed:    raw[:dots[1]],
	}
	return c, c.header != "" && c.payload != "" && c.signature != ""
}

// header is what a JOSE header may decide. Members that would bring a key along (jwk, jku, x5c, x5u)
// are not read at all: a key comes from the key set or not.
type header struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid,omitempty"`
	Type      string         `json:"typ"`
	Critical  jsontext.Value `json:"crit,omitempty"`
	Base64    jsontext.Value `json:"b64,omitempty"`
}

func (h header) encode() (string, error) {
	b, err := jsonv2.Marshal(h)
	return base64.RawURLEncoding.EncodeToString(b), err
}

// decodeHeader applies every rule about a header that needs no key.
func decodeHeader(segment string) (header, error) {
	var h header
	b, err := strict.DecodeString(segment)
	if err != nil || jsonv2.Unmarshal(b, &h) != nil {
		return header{}, ErrMalformed
	}
	if h.Critical != nil || h.Base64 != nil { // RFC 7515 section 4.1.11: we understand none
		return header{}, ErrMalformed
	}
	if h.Type != tokenType && h.Type != "application/"+tokenType {
		return header{}, ErrType
	}
	if h.Algorithm == "" || !printable(h.KeyID) {
		return header{}, ErrMalformed
	}
	return h, nil
}

// printable reports whether a kid is one that anybody would choose. It stays data all the same: it
// is compared with the names of known keys and put nowhere.
func printable(kid string) bool {
	return kid != "" && len(kid) <= 128 && !strings.ContainsFunc(kid, func(r rune) bool {
		return r <= ' ' || r > '~'
	})
}
