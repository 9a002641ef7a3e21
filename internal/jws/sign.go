package jws

import (
	"encoding/base64"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/writ-go/writ/keys"
)

// Prefix is the header's segment and a dot: the same for all that key signs under one typ.
func Prefix(key *keys.Private, typ string) (string, error) {
	b, err := json.Marshal(Header{Algorithm: key.Algorithm().Name(), KeyID: key.ID(), Type: typ})
	if err != nil {
		return "", fmt.Errorf("jws: header: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b) + ".", nil
}

// Sign is the JWS of payload under a Prefix of key. The error is the signer's.
func Sign(prefix string, payload []byte, key *keys.Private) (string, error) {
	const signature = 128 // enough for most
	b := make([]byte, 0, len(prefix)+base64.RawURLEncoding.EncodedLen(len(payload))+1+signature)
	b = append(b, prefix...)
	b = base64.RawURLEncoding.AppendEncode(b, payload)
	s, err := key.Sign(b)
	if err != nil {
		return "", err
	}
	b = append(b, '.')
	return string(base64.RawURLEncoding.AppendEncode(b, s)), nil
}
