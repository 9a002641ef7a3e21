package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/rotation"
)

// said is what a token says, before anything of it is believed.
type said struct {
	header  jws.Header
	message jws.Message
	parts   [2][]byte // header and payload; nil if they cannot be decoded
	bytes   int       // of the signature
	claims  map[string]jsontext.Value
	fault   string // why this is no token that anybody may accept, whatever the keys
}

var strict = base64.RawURLEncoding.Strict()

func parseToken(raw string) *said {
	s := &said{}
	if s.fault = otherThing(raw); s.fault != "" {
		return s
	}
	parts := strings.Split(raw, ".")
	for i, what := range []string{"header", "payload"} {
		b, err := strict.DecodeString(parts[i])
		if err != nil || strings.ContainsAny(parts[i], "\r\n") {
			s.fault = fmt.Sprintf("its %s is not base64url without padding", what)
			continue
		}
		s.parts[i] = b
	}
	signature, err := strict.DecodeString(parts[2])
	s.bytes = len(signature)
	if json.Unmarshal(s.parts[1], &s.claims) != nil {
		s.claims = nil
	}
	switch {
	case s.fault != "":
	case len(signature) == 0 && err == nil:
		s.fault = "it has no signature: anybody could have written it"
	case err != nil:
		s.fault = "its signature is not base64url without padding"
	default:
		if s.message, err = jws.Parse(raw); err != nil {
			s.fault = headerFault(s.parts[0])
		}
		s.header = s.message.Header
	}
	return s
}

// otherThing says what a text is that is not three parts between two dots.
func otherThing(raw string) string {
	dots := strings.Count(raw, ".")
	switch {
	case strings.HasPrefix(raw, rotation.Prefix):
		return "this is a refresh token, which says nothing and works like a password. It was seen here: end its session"
	case len(raw) > jws.MaxSize:
		return fmt.Sprintf("it has %d characters, and a token may have %d", len(raw), jws.MaxSize)
	case strings.HasPrefix(strings.ToLower(raw), "bearer "):
		return "it begins with Bearer, which does not belong to the token: leave it out"
	case strings.ContainsFunc(raw, unicode.IsSpace):
		return "there is white space in it: it may have been broken into lines"
	case strings.HasPrefix(raw, `"`) || strings.HasPrefix(raw, "'"):
		return "it is in quotation marks: leave them out"
	case strings.HasPrefix(raw, "{"):
		return "it is JSON: give the token alone, three parts between two dots"
	case dots == 4:
		return "it has five parts: it is encrypted (JWE), and writ makes and accepts none such"
	case dots != 2:
		return fmt.Sprintf("a token has three parts between two dots, and this has %d: it may have been cut off", dots+1)
	}
	return ""
}

// headerFault says why jws.Parse refuses a header that can be decoded.
func headerFault(header []byte) string {
	var m map[string]jsontext.Value
	switch {
	case jsontext.Value(header).Kind() != '{' || json.Unmarshal(header, &m) != nil:
		return "its header is not one JSON object in UTF-8 with unique names"
	case m["crit"] != nil || m["b64"] != nil:
		return "its header wants extensions understood (crit, b64), and writ knows none"
	case m["alg"] == nil:
		return "its header has no alg"
	}
	return "its alg, kid or typ is not text, or its kid is over 128 characters or not printable"
}

// date is a claim that is one; the zero time if it is not.
func (s *said) date(claim string) time.Time {
	var seconds float64
	if v := s.claims[claim]; v.Kind() != '0' || json.Unmarshal(v, &seconds) != nil || seconds < 1 || seconds > 253402300799 {
		return time.Time{}
	}
	return time.Unix(int64(math.Floor(seconds)), 0)
}

// show never shows the signature.
func (s *said) show(w io.Writer, now time.Time) {
	for i, what := range []string{"Header", "Payload"} {
		if s.parts[i] == nil {
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", what, readable(s.parts[i]))
	}
	if s.bytes > 0 {
		fmt.Fprintf(w, "Signature: %d bytes, not shown.\n\n", s.bytes)
	}
	for _, claim := range []struct{ name, words string }{
		{"auth_time", "Signed in"}, {"iat", "Issued"}, {"nbf", "Not before"}, {"exp", "Expires"},
	} {
		if t := s.date(claim.name); !t.IsZero() {
			fmt.Fprintf(w, "%-10s %s, %s\n", claim.words, t.Local().Format("2006-01-02 15:04:05 MST"), relative(t, now))
		}
	}
}

// readable is JSON, indented, in characters that do nothing to a terminal.
func readable(text []byte) string {
	v := jsontext.Value(bytes.Clone(text))
	if v.Indent(jsontext.AllowDuplicateNames(true), jsontext.WithIndent("  ")) != nil {
		return fmt.Sprintf("%d bytes that are not JSON in UTF-8", len(text))
	}
	var out strings.Builder
	for _, r := range string(v) {
		switch {
		case r == '\n' || unicode.IsGraphic(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// quoted is for what a token, or a mistaken setting, says of itself.
func quoted(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strconv.QuoteToASCII(s)
}
