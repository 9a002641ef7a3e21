package middleware

import (
	"errors"
	"net/http"
	"strings"

	"github.com/writ-go/writ/token"
)

// What a guard refuses beside what the Verifier does (token.ErrInvalid, token.ErrUnavailable).
var (
	ErrNone        = errors.New("no credential")                           // 401, bare challenge
	ErrAnonymous   = errors.New("nobody has signed in to this session")    // 401, bare challenge
	ErrAmbiguous   = errors.New("more than one credential")                // 400
	ErrForm        = errors.New("the form cannot be read")                 // 400
	ErrTooLarge    = errors.New("the form is too large")                   // 413
	ErrCrossOrigin = errors.New("cross-origin request")                    // 403
	ErrScope       = errors.New("insufficient scope")                      // 403
	ErrForbidden   = errors.New("forbidden")                               // 403; for the rules of Guard.Require
	ErrNotFresh    = errors.New("sign-in is too old or not strong enough") // 401, RFC 9470
)

// Status maps an error of this library to its HTTP status: 400, 401, 403, 413 or 503, and 500 for any
// other error. An error that is both token.ErrInvalid and token.ErrUnavailable is 503, so that
// nobody is signed out by a doubt.
func Status(err error) int {
	switch {
	case errors.Is(err, token.ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrAmbiguous), errors.Is(err, ErrForm):
		return http.StatusBadRequest
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrNone), errors.Is(err, ErrAnonymous), errors.Is(err, ErrNotFresh), errors.Is(err, token.ErrInvalid):
		return http.StatusUnauthorized
	case errors.Is(err, ErrCrossOrigin), errors.Is(err, ErrScope), errors.Is(err, ErrForbidden):
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}

// dead reports whether err says that the credential is no good, for certain.
func dead(err error) bool {
	return errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrUnavailable)
}

// scopeError is ErrScope with the scopes that the challenge names.
type scopeError struct{ scopes []string }

func (e *scopeError) Error() string { return ErrScope.Error() + ": needs " + e.list() }
func (e *scopeError) Unwrap() error { return ErrScope }
func (e *scopeError) list() string  { return strings.Join(e.scopes, " ") }

// ambiguousError is ErrAmbiguous with the places where there are credentials.
type ambiguousError struct{ places []string }

func (e *ambiguousError) Error() string {
	return ErrAmbiguous.Error() + ": " + strings.Join(e.places, ", ")
}
func (e *ambiguousError) Unwrap() error { return ErrAmbiguous }

// crossOriginError is ErrCrossOrigin with the rule that it broke.
type crossOriginError struct{ rule string }

func (e *crossOriginError) Error() string { return ErrCrossOrigin.Error() + ": " + e.rule }
func (e *crossOriginError) Unwrap() error { return ErrCrossOrigin }

// freshError is ErrNotFresh with what the challenge asks for.
type freshError struct {
	maxAge int // seconds
	acr    []string
}

func (e *freshError) Error() string { return ErrNotFresh.Error() }
func (e *freshError) Unwrap() error { return ErrNotFresh }
