package middleware

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/writ-go/writ/token"
)

// retryAfter is what a 503 asks for, in seconds.
const retryAfter = "5"

// Deny writes the answer to a request that Check refused, with Status(err). It sends nothing of the
// request and nothing of the text of err.
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
	h.Set("Cache-Control", "no-store")
	html := prefersHTML(r.Header)
	if status == http.StatusUnauthorized && html && g.signInPage != "" {
		h.Set("Location", g.signInPage)
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
	detail := advice(err)
	if html {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		io.WriteString(w, detail+"\n")
		return
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{
		"type":   "about:blank",
		"title":  http.StatusText(status),
		"status": status,
		"detail": detail,
	})
}

// advice tells who sent the request what to do.
func advice(err error) string {
	var scope *scopeError
	switch Status(err) {
	case http.StatusServiceUnavailable:
		return "Your sign-in cannot be checked just now. Keep your tokens and try again."
	case http.StatusBadRequest:
		return "Send exactly one credential, once."
	case http.StatusUnauthorized:
		switch {
		case errors.Is(err, ErrNone):
			return "Sign in, or send an access token."
		case errors.Is(err, ErrAnonymous):
			return "Sign in: nobody has signed in to this session yet."
		case errors.Is(err, ErrNotFresh):
			return "Sign in again: this needs a newer or a stronger sign-in."
		}
		return "The credential is not valid: " + reason(err) + ". Refresh it, or sign in again."
	case http.StatusForbidden:
		switch {
		case errors.As(err, &scope):
			return "The token must have these scopes: " + scope.list() + "."
		case errors.Is(err, ErrScope):
			return "The token lacks a scope that this needs."
		case errors.Is(err, ErrCrossOrigin):
			return "A request that changes something must come from a page of this site."
		}
		return "This is not allowed to you."
	}
	return "This server made a mistake. Try again later."
}

// reason is why a credential is no good, from this library's own errors only: the text of any other
// may hold anything.
func reason(err error) string {
	for _, why := range []struct {
		err  error
		text string
	}{
		{token.ErrMalformed, "malformed"},
		{token.ErrSignature, "wrong signature"},
		{token.ErrUnknownKey, "unknown key"},
		{token.ErrExpired, "expired"},
		{token.ErrNotYetValid, "not yet valid"},
		{token.ErrIssuer, "wrong issuer"},
		{token.ErrAudience, "wrong audience"},
		{token.ErrType, "wrong type"},
		{token.ErrRevoked, "revoked"},
		{token.ErrReused, "already used; the session has ended"},
		{token.ErrBound, "bound to a key, and no proof of it was given"},
	} {
		if errors.Is(err, why.err) {
			return why.text
		}
	}
	return "refused"
}

// challenge is the WWW-Authenticate value of RFC 6750 section 3 and RFC 9470 section 3; empty for an
// error that a better token would not mend.
func challenge(err error) string {
	c, separator := "Bearer", " "
	add := func(name, value string) {
		c += separator + name + "=" + quote(value)
		separator = ", "
	}
	var scope *scopeError
	var fresh *freshError
	switch status := Status(err); {
	case status == http.StatusBadRequest:
		add("error", "invalid_request")
		add("error_description", ErrAmbiguous.Error())
	case status == http.StatusForbidden && errors.Is(err, ErrScope):
		add("error", "insufficient_scope")
		if errors.As(err, &scope) {
			add("scope", scope.list())
		}
	case status != http.StatusUnauthorized:
		return ""
	case errors.Is(err, ErrNone), errors.Is(err, ErrAnonymous):
	case errors.Is(err, ErrNotFresh):
		add("error", "insufficient_user_authentication")
		add("error_description", ErrNotFresh.Error())
		if errors.As(err, &fresh) {
			add("max_age", strconv.Itoa(fresh.maxAge))
			if len(fresh.acr) > 0 {
				add("acr_values", strings.Join(fresh.acr, " "))
			}
		}
	default:
		add("error", "invalid_token")
		add("error_description", reason(err))
	}
	return c
}

// quote makes a quoted-string of the characters that RFC 6750 section 3 allows; any other becomes "?".
func quote(value string) string {
	return `"` + strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, value) + `"`
}
