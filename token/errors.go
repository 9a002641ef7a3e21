package token

import (
	"errors"
	"fmt"
)

// Every error about a credential is exactly one of these two, by errors.Is.
var (
	// ErrInvalid: the credential is no good and will not become good. The answer is 401. The error
	// that wraps it says why.
	ErrInvalid = errors.New("invalid")
	// ErrUnavailable: the credential could not be judged now. The answer is 503 with Retry-After,
	// and the client keeps its tokens.
	ErrUnavailable = errors.New("unavailable")
)

// The reasons. Each wraps ErrInvalid or ErrUnavailable.
var (
	ErrMalformed   = fmt.Errorf("token %w: malformed", ErrInvalid)
	ErrSignature   = fmt.Errorf("token %w: signature", ErrInvalid)
	ErrUnknownKey  = fmt.Errorf("token %w: unknown key", ErrInvalid)
	ErrExpired     = fmt.Errorf("token %w: expired", ErrInvalid)
	ErrNotYetValid = fmt.Errorf("token %w: not yet valid", ErrInvalid)
	ErrIssuer      = fmt.Errorf("token %w: wrong issuer", ErrInvalid)
	ErrAudience    = fmt.Errorf("token %w: wrong audience", ErrInvalid)
	ErrType        = fmt.Errorf("token %w: wrong type", ErrInvalid)
	ErrRevoked     = fmt.Errorf("token %w: revoked", ErrInvalid)
	ErrReused      = fmt.Errorf("token %w: a spent refresh token came back; the session has ended", ErrInvalid)
	ErrBound       = fmt.Errorf("token %w: bound to a key (cnf), and no proof of it was given", ErrInvalid)
	ErrStale       = fmt.Errorf("%w: revocations are older than allowed", ErrUnavailable)
)

// ErrNoData is returned by Data for a token that carries no application object.
var ErrNoData = errors.New("token: no application data")

// ErrNoClaim is returned by Claim for a token that does not have the claim.
var ErrNoClaim = errors.New("token: it does not have this claim")

var errNoAnswer = fmt.Errorf("%w: the check of this token did not end", ErrUnavailable)
