// Package jws reads and writes the one form of JSON Web Signature that writ knows: compact, with a
// header that every rule of RFC 7515 and RFC 8725bis lets through. What stands in it is believed only
// after Verify.
package jws

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"

	"github.com/writ-go/writ/keys"
)

// MaxSize is the longest text, in bytes, that Parse looks at.
const MaxSize = 8 << 10

var (
	// ErrMalformed is a text that is not a JWS, or not in its one canonical form.
	ErrMalformed = errors.New("jws: malformed")
	// ErrAlgorithm is a header whose alg is not the one that the key is bound to.
	ErrAlgorithm = errors.New("jws: alg is not the key's")
	// ErrSignature is a signature that is not the key's over the message.
	ErrSignature = errors.New("jws: signature does not verify")
)

// strict refuses what the encoding leaves over in the last character: the same bytes have one
// spelling. (ECDSA still allows a second signature: who has a token can make another text of it.)
var strict = base64.RawURLEncoding.Strict()

// Message is a JWS cut into its parts, of which nothing is believed yet.
type Message struct {
	Header Header

	signed, payload, signature string
}

// Parse accepts three parts between two dots and no other serialization (RFC 7515 section 7.1), and a
// header that parseHeader lets through; only the payload may be empty. It allocates nothing before it knows that much,
// however long or dotted raw is. Every error is ErrMalformed.
func Parse(raw string) (Message, error) {
	if len(raw) > MaxSize {
		return Message{}, ErrMalformed
	}
	first := strings.IndexByte(raw, '.')
	last := strings.LastIndexByte(raw, '.')
	if first < 1 || last == first || last == len(raw)-1 || strings.IndexByte(raw[first+1:last], '.') >= 0 {
		return Message{}, ErrMalformed
	}
	// Go's decoder of base64 passes over line ends; all other strange characters it refuses.
	if strings.IndexByte(raw, '\n') >= 0 || strings.IndexByte(raw, '\r') >= 0 {
		return Message{}, ErrMalformed
	}
	h, err := parseHeader(raw[:first])
	if err != nil {
		return Message{}, err
	}
	return Message{Header: h, signed: raw[:last], payload: raw[first+1 : last], signature: raw[last+1:]}, nil
}

// scratch has the memory that one verification needs.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// Verify returns the payload if everything is in its one canonical spelling, the key is bound to the
// header's algorithm, and the signature is the key's. Which key to take, by the header's KeyID and the
// issuer, is the caller's affair, and so is the header's Type.
func (m *Message) Verify(key *keys.Public) (payload string, err error) {
	if key.Algorithm().Name() != m.Header.Algorithm {
		return "", ErrAlgorithm
	}
	memory := scratch.Get().(*[]byte)
	defer scratch.Put(memory)
	b := append((*memory)[:0], m.signed...)
	toSignature := len(b)
	if b, err = strict.AppendDecode(b, []byte(m.signature)); err != nil {
		return "", ErrMalformed
	}
	toPayload := len(b)
	if b, err = strict.AppendDecode(b, []byte(m.payload)); err != nil {
		return "", ErrMalformed
	}
	*memory = b
	if key.Verify(b[:toSignature:toSignature], b[toSignature:toPayload:toPayload]) != nil {
		return "", ErrSignature
	}
	return string(b[toPayload:]), nil
}

// Unverified is the second part of a text, decoded, whatever its length; nil if there is none. Nothing
// of it may be believed.
func Unverified(raw string) []byte {
	_, rest, _ := strings.Cut(raw, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, err := strict.DecodeString(payload)
	if err != nil {
		return nil
	}
	return b
}
