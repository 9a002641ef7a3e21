package rotation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// Prefix begins every refresh token, and no access token: it tells which of the two a text would be.
const Prefix = "rt1."

const (
	macText = "rt1" // separates these MACs from any other use of the key

	// The binary form: kid 4, session 16, gen 8, fork 4, then the MAC.
	kidEnd     = 4
	sessionEnd = kidEnd + 16
	genEnd     = sessionEnd + 8
	forkEnd    = genEnd + 4
	binaryLen  = forkEnd + sha256.Size
	textLen    = (binaryLen*8 + 5) / 6 // base64url without padding
	tokenLen   = len(Prefix) + textLen

	genLimit = 1 << 63
)

// Strict refuses a last character whose unused bits are not zero, so a token has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// Token is what a refresh token says. One that Parse returned is authentic: we issued it.
type Token struct {
	Session [16]byte
	Gen     uint64 // rotations before it; below 2^63
	Fork    uint32 // which sibling of its generation
}

// MAC gives the authentication key of a kid, or nil if it knows none. A caller who must tell an
// unknown kid from a forgery (to reload a ring) notes it in this function.
type MAC func(kid [4]byte) []byte

// Kid names a MAC key: the first 4 bytes of its SHA-256. Two keys can share one; a ring must not
// hold both.
func Kid(key []byte) [4]byte {
	sum := sha256.Sum256(key)
	return [4]byte(sum[:kidEnd])
}

// Format writes a token, authenticated with key. It does not check the key's quality (32 random
// bytes) nor that t.Gen is below 2^63; Parse refuses a token that breaks the second.
func Format(t Token, key []byte) string {
	var b [binaryLen]byte
	kid := Kid(key)
	copy(b[:], kid[:])
	copy(b[kidEnd:], t.Session[:])
	binary.BigEndian.PutUint64(b[sessionEnd:], t.Gen)
	binary.BigEndian.PutUint32(b[genEnd:], t.Fork)
	sign(b[forkEnd:forkEnd], key, b[:forkEnd])

	var text [tokenLen]byte
	copy(text[:], Prefix)
	encoding.Encode(text[len(Prefix):], b[:])
	return string(text[:])
}

// Parse reads a token; ok is false, and t zero, for anything that is not authentic and canonical:
// truncated, padded, re-cased or re-spelled text, a kid that mac does not know, and gen >= 2^63.
// It does not check that the session exists or that the token is still good; Decide does.
func Parse(s string, mac MAC) (t Token, ok bool) {
	if len(s) != tokenLen || s[:len(Prefix)] != Prefix {
		return Token{}, false
	}
	var text [textLen]byte
	copy(text[:], s[len(Prefix):])
	var b [binaryLen]byte
	// The decoder skips line ends; the text is then too short, and n shows it.
	if n, err := encoding.Decode(b[:], text[:]); err != nil || n != binaryLen {
		return Token{}, false
	}
	key := mac([4]byte(b[:kidEnd]))
	if len(key) == 0 {
		return Token{}, false
	}
	var want [sha256.Size]byte
	sign(want[:0], key, b[:forkEnd])
	if !hmac.Equal(want[:], b[forkEnd:]) {
		return Token{}, false
	}
	t = Token{
		Session: [16]byte(b[kidEnd:sessionEnd]),
		Gen:     binary.BigEndian.Uint64(b[sessionEnd:genEnd]),
		Fork:    binary.BigEndian.Uint32(b[genEnd:forkEnd]),
	}
	if t.Gen >= genLimit {
		return Token{}, false
	}
	return t, true
}

// sign appends the MAC of body to dst.
func sign(dst, key, body []byte) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(macText))
	h.Write(body)
	h.Sum(dst)
}
