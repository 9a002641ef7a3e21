package keys

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// Secret is the Wrapper that needs nothing else: AES-256-GCM under a key derived, by HKDF-SHA256,
// from at least 32 random bytes. It refuses what is shorter or plainly not random; it cannot tell
// whether the rest is, so make it with a tool: openssl rand -base64 32. Errors never contain the
// secret.
//
// The sealed form is
//
//	version 1 (1 byte) | id of the wrapping key (4) | nonce (12, random) | ciphertext and tag
//
// The wrapping key is HKDF-SHA256(secret, no salt, info "writ 1 wrapping key"), 32 bytes; its id is
// the same with info "writ 1 wrapping key id", 4 bytes.
//
// Secrets that were in use before stay good for reading if they are given as former. To change the
// secret without a pause, give every process (old, new), which reads both; then every process (new,
// old), which wraps the ring under the new one, as RingRewrapped says; then new alone. Keep the old
// one as long as there are backups that it is needed for.
func Secret(current []byte, former ...[]byte) (Wrapper, error) {
	first, err := newWrappingKey(current)
	if err != nil {
		return nil, fmt.Errorf("keys: the secret %w", err)
	}
	s := &secret{keys: []*wrappingKey{first}}
	for _, b := range former {
		k, err := newWrappingKey(b)
		if err != nil {
			return nil, fmt.Errorf("keys: a former secret %w", err)
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

func newWrappingKey(b []byte) (*wrappingKey, error) {
	if len(b) < minSecret {
		return nil, fmt.Errorf("has %d bytes, at least %d are needed: %s", len(b), minSecret, makeSecret)
	}
	if reason := notRandom(b); reason != "" {
		return nil, fmt.Errorf("%s: %s", reason, makeSecret)
	}
	key, err := hkdf.Key(sha256.New, b, nil, "writ 1 wrapping key", 32)
	if err != nil {
		return nil, fmt.Errorf("cannot be used: %w", err)
	}
	id, err := hkdf.Key(sha256.New, b, nil, "writ 1 wrapping key id", 4)
	if err != nil {
		return nil, fmt.Errorf("cannot be used: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot be used: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("cannot be used: %w", err)
	}
	return &wrappingKey{header: append([]byte{1}, id...), aead: func() cipher.AEAD { return aead }}, nil
}

const (
	minSecret  = 32
	makeSecret = "make one with: openssl rand -base64 32"
)

// secret wraps under its first key and unwraps under any.
type secret struct{ keys []*wrappingKey }

type wrappingKey struct {
	header []byte             // version and key id
	aead   func() cipher.AEAD // a function for the reason given at Private
}

func (s *secret) Wrap(_ context.Context, plain, additional []byte) ([]byte, error) {
	k := s.keys[0]
	nonce := make([]byte, k.aead().NonceSize())
	rand.Read(nonce) // never fails: it ends the program instead
	out := append(bytes.Clone(k.header), nonce...)
	return k.aead().Seal(out, nonce, plain, additional), nil
}

func (s *secret) Unwrap(_ context.Context, wrapped, additional []byte) ([]byte, error) {
	first := s.keys[0]
	body := len(first.header) + first.aead().NonceSize()
	switch {
	case len(wrapped) < body+first.aead().Overhead():
		return nil, errors.New("keys: a sealed key is cut short: restore the ring from a backup")
	case wrapped[0] != first.header[0]:
		return nil, fmt.Errorf("keys: a key is sealed in form %d, which this version does not know: update writ", wrapped[0])
	}
	i := slices.IndexFunc(s.keys, func(k *wrappingKey) bool { return bytes.HasPrefix(wrapped, k.header) })
	if i < 0 {
		return nil, fmt.Errorf("%w: WRIT_SECRET changed?", ErrOtherSecret)
	}
	k := s.keys[i]
	plain, err := k.aead().Open(nil, wrapped[len(k.header):body], wrapped[body:], additional)
	if err != nil {
		return nil, errors.New("keys: a sealed key was altered, or moved from another entry: restore the ring from a backup")
	}
	return plain, nil
}

// Current reports whether wrapped is under the current secret; see Wrapper.
func (s *secret) Current(wrapped []byte) bool { return bytes.HasPrefix(wrapped, s.keys[0].header) }

// Format is redacted for every verb.
func (s *secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// String is redacted.
func (s *secret) String() string { return "secret (redacted)" }
