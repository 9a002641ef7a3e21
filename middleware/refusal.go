package middleware

import (
	"errors"
	"net/http"
	"strings"

	"github.com/writ-go/writ/token"
)

// refusal is what a client is told: a code for programs, and for whoever is at fault what to do.
type refusal struct{ code, detail string }

// refusalOf has nothing of the request and nothing of the text of an error that is not this library's.
func refusalOf(err error) refusal {
	var scope *scopeError
	var origin *crossOriginError
	var ambiguous *ambiguousError
	switch Status(err) {
	case http.StatusServiceUnavailable:
		return refusal{"unavailable", "Your sign-in cannot be checked just now. It is kept: try again in a moment."}
	case http.StatusRequestEntityTooLarge:
		return refusal{"too_large", "This form is larger than is read here."}
	case http.StatusBadRequest:
		if errors.Is(err, ErrForm) {
			return refusal{"unreadable_form", "The form could not be read to its end. Send it again."}
		}
		found := ""
		if errors.As(err, &ambiguous) {
			found = " (" + strings.Join(ambiguous.places, ", ") + ")"
		}
		return refusal{"ambiguous_credential", "This request has more than one credential" + found + ". Send exactly one, once."}
	case http.StatusUnauthorized:
		switch {
		case errors.Is(err, ErrNone):
			return refusal{"no_credential", "Sign in, or send an access token."}
		case errors.Is(err, ErrAnonymous):
			return refusal{"anonymous", "Sign in: nobody has signed in to this session yet."}
		case errors.Is(err, ErrNotFresh):
			return refusal{"insufficient_user_authentication", "Sign in again: this needs a newer or a stronger sign-in."}
		}
		return refusal{"invalid_token", "The credential is not valid: " + reason(err) + ". Refresh it, or sign in again."}
	case http.StatusForbidden:
		switch {
		case errors.As(err, &scope):
			return refusal{"insufficient_scope", "The token must have these scopes: " + scope.list() + "."}
		case errors.Is(err, ErrScope):
			return refusal{"insufficient_scope", "The token lacks a scope that this needs."}
		case errors.As(err, &origin):
			return refusal{"cross_origin", "A request that changes something must come from a page of this site, but " + origin.rule + "."}
		case errors.Is(err, ErrCrossOrigin):
			return refusal{"cross_origin", "A request that changes something must come from a page of this site."}
		}
		return refusal{"forbidden", "This is not allowed to you."}
	}
	return refusal{"internal", "This server made a mistake. Try again later."}
}

// onPage is what people are told who look at a page.
func onPage(why refusal) string {
	switch why.code {
	case "unavailable":
		return "This does not work just now. Please try again in a moment; you stay signed in."
	case "insufficient_user_authentication":
		return "Please sign in again to do this."
	case "no_credential", "invalid_token", "anonymous":
		return "You are not signed in."
	case "insufficient_scope", "forbidden":
		return "You may not do this."
	case "cross_origin":
		return "This was sent from another site. Please open the page here, and try again."
	case "ambiguous_credential":
		return "Your browser sent more than one sign-in. Please sign out and in again, or delete the cookies of this site."
	case "too_large", "unreadable_form":
		return why.detail
	}
	return "Something went wrong here. Please try again later."
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
