package jws

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/internal/plain"
)

// Header is what a JOSE header may decide. Members that would bring a key along (jwk, jku, x5c, x5u)
// are not read at all: a key comes from the key set or not.
type Header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid,omitempty"`
	Type      string `json:"typ,omitempty"`
}

// maxHeader keeps a stranger's header from costing more than a good token's signature.
const maxHeader = 2 << 10

// parseHeader applies every rule about a header that needs no key.
func parseHeader(segment string) (Header, error) {
	if len(segment) > maxHeader {
		return Header{}, ErrMalformed
	}
	var short [256]byte // most headers need no memory of their own
	b, err := strict.AppendDecode(short[:0], []byte(segment))
	if err != nil {
		return Header{}, ErrMalformed
	}
	text := string(b)
	h, ok := plainHeader(text)
	if !ok {
		if h, err = strictHeader(text); err != nil {
			return Header{}, err
		}
	}
	if h.Algorithm == "" || h.KeyID != "" && !printable(h.KeyID) {
		return Header{}, ErrMalformed
	}
	return h, nil
}

// plainHeader reads the header that nearly every token has. Where it is not ok, strictHeader decides.
func plainHeader(text string) (h Header, ok bool) {
	s := plain.Object(text)
	for s.Next() {
		var to *string
		switch s.Name() {
		case "alg":
			to = &h.Algorithm
		case "kid":
			to = &h.KeyID
		case "typ":
			to = &h.Type
		default:
			return Header{}, false
		}
		value, isText := s.Text()
		if !isText || value == "" || *to != "" {
			return Header{}, false
		}
		*to = value
	}
	return h, s.Ended()
}

func strictHeader(text string) (Header, error) {
	var h struct {
		Header
		Critical jsontext.Value `json:"crit"`
		Base64   jsontext.Value `json:"b64"`
	}
	b := []byte(text)
	if jsontext.Value(b).Kind() != '{' || json.Unmarshal(b, &h) != nil {
		return Header{}, ErrMalformed
	}
	if h.Critical != nil || h.Base64 != nil { // RFC 7515 section 4.1.11: we understand none
		return Header{}, ErrMalformed
	}
	return h.Header, nil
}

// printable reports whether a kid is one that anybody would choose. It stays data all the same: it
// is compared with the names of known keys and put nowhere.
func printable(kid string) bool {
	return len(kid) <= 128 && !strings.ContainsFunc(kid, func(r rune) bool { return r <= ' ' || r > '~' })
}
