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
func Secret(b []byte) (Wrapper, error) {
	if len(b) < minSecret {
		return nil, fmt.Errorf("keys: the secret has %d bytes, at least %d are needed: %s", len(b), minSecret, makeSecret)
	}
	if reason := notRandom(b); reason != "" {
		return nil, fmt.Errorf("keys: the secret %s: %s", reason, makeSecret)
	}
	key, err := hkdf.Key(sha256.New, b, nil, "writ 1 wrapping key", 32)
	if err != nil {
		return nil, fmt.Errorf("keys: secret: %w", err)
	}
	id, err := hkdf.Key(sha256.New, b, nil, "writ 1 wrapping key id", 4)
	if err != nil {
		return nil, fmt.Errorf("keys: secret: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("keys: secret: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("keys: secret: %w", err)
	}
	return &secret{header: append([]byte{1}, id...), aead: func() cipher.AEAD { return aead }}, nil
}

const (
	minSecret  = 32
	makeSecret = "make one with: openssl rand -base64 32"
)

type secret struct {
	header []byte             // version and key id
	aead   func() cipher.AEAD // a function for the reason given at Private
}

func (s *secret) Wrap(_ context.Context, plain, additional []byte) ([]byte, error) {
	nonce := make([]byte, s.aead().NonceSize())
	rand.Read(nonce) // never fails: it ends the program instead
	out := append(bytes.Clone(s.header), nonce...)
	return s.aead().Seal(out, nonce, plain, additional), nil
}

func (s *secret) Unwrap(_ context.Context, wrapped, additional []byte) ([]byte, error) {
	body := len(s.header) + s.aead().NonceSize()
	switch {
	case len(wrapped) < body+s.aead().Overhead():
		return nil, errors.New("keys: a sealed key is cut short: restore the ring from a backup")
	case wrapped[0] != s.header[0]:
		return nil, fmt.Errorf("keys: a key is sealed in form %d, which this version does not know: update writ", wrapped[0])
	case !bytes.Equal(wrapped[:len(s.header)], s.header):
		return nil, fmt.Errorf("%w: WRIT_SECRET changed?", ErrOtherSecret)
	}
	plain, err := s.aead().Open(nil, wrapped[len(s.header):body], wrapped[body:], additional)
	if err != nil {
		return nil, errors.New("keys: a sealed key was altered, or moved from another entry: restore the ring from a backup")
	}
	return plain, nil
}

// Format is redacted for every verb.
func (s *secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// String is redacted.
func (s *secret) String() string { return "secret (redacted)" }
