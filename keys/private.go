package keys

import (
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Private is a signing key bound to its one algorithm. It prints redacted in every format and
// refuses to be marshalled; only the methods whose names begin with Cleartext give the key away.
type Private struct {
	public *Public
	// A function, because package fmt cannot look into one: where it does not call Format, as for a
	// Private that stands in an unexported field, it goes through the fields, and through some
	// pointers too.
	signer func() crypto.Signer
	maxTTL time.Duration
}

// selfTest is signed by every new Private. The spaces keep it from being a JWS signing input.
var selfTest = []byte("writ: self-test of a signing key")

// Generate makes a new key.
func Generate(a Algorithm) (*Private, error) {
	if a == nil {
		return nil, errNoAlgorithm
	}
	s, err := a.Generate()
	if err != nil {
		return nil, fmt.Errorf("keys: making a key: %w", err)
	}
	return FromSigner(a, s)
}

// FromSigner makes a key of a signer whose private half stays where it is: KMS, HSM, PKCS#11. It
// signs once and verifies, so that a signer that does not work, or works with another key than its
// Public, is refused here.
func FromSigner(a Algorithm, s crypto.Signer) (*Private, error) {
	if s == nil {
		return nil, errors.New("keys: no signer given")
	}
	public, err := newPublic(a, s.Public())
	if err != nil {
		return nil, err
	}
	k := &Private{public: public, signer: func() crypto.Signer { return s }}
	sig, err := k.Sign(selfTest)
	if err != nil {
		return nil, fmt.Errorf("keys: self-test: %w", err)
	}
	if err := public.Verify(selfTest, sig); err != nil {
		return nil, fmt.Errorf("keys: self-test: the signer does not sign for its own public key: %w", err)
	}
	return k, nil
}

// ID is the kid: the RFC 7638 SHA-256 thumbprint of the public half.
func (k *Private) ID() string { return k.public.id }

// Algorithm is the one algorithm that this key may be used with.
func (k *Private) Algorithm() Algorithm { return k.public.algorithm }

// Public is the verification half.
func (k *Private) Public() *Public { return k.public }

// MaxTTL is the longest lifetime of a token that this key may sign; 0 means that the key sets no
// limit. Whoever issues tokens must keep to it: a ring keeps the public half only that long after
// the key has retired.
func (k *Private) MaxTTL() time.Duration { return k.maxTTL }

// Sign signs message in the form that JWS wants. It is safe for concurrent use if the signer is;
// Go's own keys are.
func (k *Private) Sign(message []byte) ([]byte, error) {
	return k.public.algorithm.Sign(k.signer(), message)
}

// String names the key without its private half.
func (k *Private) String() string {
	if k == nil {
		return "no key"
	}
	return "private " + k.public.String() + " (redacted)"
}

// GoString is String.
func (k *Private) GoString() string { return k.String() }

// Format writes String for every verb.
func (k *Private) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue is String, for package slog.
func (k *Private) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON writes String, so that a private key never slips into JSON.
func (k *Private) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", k.String()), nil }
