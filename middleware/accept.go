package middleware

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// PrefersHTML reports whether a client would rather have a page than JSON, as a browser does that was sent to
// one.
func PrefersHTML(r *http.Request) bool { return preferred(r.Header) == asHTML }

// mediaType is what an answer of a guard's own is written in.
type mediaType string

const (
	asHTML mediaType = "text/html; charset=utf-8"
	asText mediaType = "text/plain; charset=utf-8"
	asJSON mediaType = "application/problem+json"
)

// preferred is what a client would rather have than JSON (RFC 9110 section 12.5.1): HTML, as a browser
// does that asks for a page, or text.
func preferred(h http.Header) mediaType {
	best, form := accepted(h, "application/problem+json", "application/json", "application/*", "*/*"), asJSON
	if q := accepted(h, "text/plain", "text/*", "*/*"); q > best {
		best, form = q, asText
	}
	if q := accepted(h, "text/html", "text/*", "*/*"); q >= best && form == asText || q > best {
		form = asHTML
	}
	return form
}

// maxAccept is how many bytes of a line are looked at: no browser sends a fifth of it.
const maxAccept = 1024

// accepted is the weight of the first of these media ranges that the Accept header has; 0 if it has
// none.
func accepted(h http.Header, ranges ...string) float64 {
	for _, want := range ranges {
		for _, line := range h["Accept"] {
			if len(line) > maxAccept {
				continue
			}
			for part := range strings.SplitSeq(line, ",") {
				media, params, _ := strings.Cut(part, ";")
				if strings.EqualFold(textproto.TrimString(media), want) {
					return weight(params)
				}
			}
		}
	}
	return 0
}

// weight is the q of a media range's parameters; 1 if there is none that can be read.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(textproto.TrimString(param), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		if q, err := strconv.ParseFloat(value, 64); err == nil {
			return q
		}
	}
	return 1
}
