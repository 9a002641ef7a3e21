package middleware

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// prefersHTML reports whether a client would rather have HTML than JSON (RFC 9110 section 12.5.1), as
// a browser does that asks for a page.
func prefersHTML(h http.Header) bool {
	html := accepted(h, "text/html", "text/*", "*/*")
	return html > accepted(h, "application/problem+json", "application/json", "application/*", "*/*")
}

// accepted is the weight of the first of these media ranges that the Accept header has; 0 if it has
// none.
func accepted(h http.Header, ranges ...string) float64 {
	for _, want := range ranges {
		for _, line := range h["Accept"] {
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
		if q, err := strconv.ParseFloat(value, 64); strings.EqualFold(name, "q") && err == nil {
			return q
		}
	}
	return 1
}
