package keys

import "errors"

// ErrUnknown is returned for a kid that no key of the set has, by a set recent enough to know.
var ErrUnknown = errors.New("keys: unknown kid")

// ErrUnavailable is returned when the key set could not be had, or is too old to be trusted. It
// says nothing about the kid that was asked for: answer 503, never 401.
var ErrUnavailable = errors.New("keys: key set unavailable")

// ErrConflict is returned by Vault.Save when the document is not the version that was expected, and
// by Create when there is a ring already.
var ErrConflict = errors.New("keys: document changed meanwhile")

// ErrSignature is returned by Verify for a signature that is not the key's over the message.
var ErrSignature = errors.New("keys: signature does not verify")

// ErrOtherSecret is returned by the Wrapper of Secret for bytes that another secret sealed. Bytes
// that this secret sealed and someone changed give a different error.
var ErrOtherSecret = errors.New("keys: sealed under another secret")

// ErrNoRing is returned by Load if the vault is empty.
var ErrNoRing = errors.New("keys: there is no ring")

// ErrSealed is returned by Unseal for what Seal of this ring did not make, or not with that additional
// data.
var ErrSealed = errors.New("keys: sealed data was altered, or is of another place")
