package middleware

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
)

// retryAfter is what a 503 asks for, in seconds.
const retryAfter = "5"

// Deny writes the answer to a request that Check refused, with Status(err). It sends nothing of the
// request, but for where to return to after a sign-in, and nothing of the text of err.
func (g *Guard) Deny(w http.ResponseWriter, r *http.Request, err error) {
	if g.deny != nil {
		custom := &response{ResponseWriter: w}
		g.deny(custom, r, err)
		if custom.answered {
			return
		}
	}
	status := Status(err)
	h := w.Header()
	noStore.apply(h)
	form := preferred(r.Header)
	if status == http.StatusUnauthorized && form == asHTML && g.signIn.page != nil {
		h.Set("Location", g.signIn.location(r, err))
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	if c := challenge(err); c != "" {
		h.Set("WWW-Authenticate", c)
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("Content-Length")
	h.Set("Content-Type", string(form))
	if form == asHTML && h["Content-Security-Policy"] == nil {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
	w.WriteHeader(status)
	writeRefusal(w, form, status, refusalOf(err))
}

func writeRefusal(w io.Writer, form mediaType, status int, why refusal) {
	title := http.StatusText(status)
	switch form {
	case asHTML:
		fmt.Fprintf(w, `<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<title>%s</title>
<h1>%[1]s</h1>
<p>%[2]s</p>
`, title, html.EscapeString(onPage(why)))
	case asText:
		io.WriteString(w, why.detail+"\n")
	default:
		json.NewEncoder(w).Encode(map[string]any{
			"type":   "about:blank",
			"title":  title,
			"status": status,
			"detail": why.detail,
			"code":   why.code,
		})
	}
}
