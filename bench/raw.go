package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
)

var errSignature = errors.New("the signature is not the key's")

// rawSign is a JWS signature by the standard library.
func rawSign(private any, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	switch key := private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, input), nil
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	case []byte:
		h := hmac.New(sha256.New, key)
		h.Write(input)
		return h.Sum(nil), nil
	}
	return nil, errors.New("no such key")
}

// rawSigning is the signature alone over an input of the token's size, in the form that the standard
// library gives it.
func rawSigning(s *suite) func() error {
	input := []byte(s.good[:strings.LastIndexByte(s.good, '.')])
	if key, ok := s.private.(*ecdsa.PrivateKey); ok {
		return func() error {
			digest := sha256.Sum256(input)
			_, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
			return err
		}
	}
	return func() error {
		_, err := rawSign(s.private, input)
		return err
	}
}

// rawVerification is the check of the token's signature alone, whatever can be prepared prepared.
func rawVerification(s *suite, token string) (func() error, error) {
	dot := strings.LastIndexByte(token, '.')
	input := []byte(token[:dot])
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		return nil, err
	}
	verify := func() bool { return false }
	switch key := s.public.(type) {
	case ed25519.PublicKey:
		verify = func() bool { return ed25519.Verify(key, input, signature) }
	case *ecdsa.PublicKey:
		der, err := asn1.Marshal(struct{ R, S *big.Int }{
			new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])})
		if err != nil {
			return nil, err
		}
		verify = func() bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(key, digest[:], der)
		}
	case *rsa.PublicKey:
		verify = func() bool {
			digest := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
		}
	case []byte:
		verify = func() bool {
			h := hmac.New(sha256.New, key)
			h.Write(input)
			return hmac.Equal(signature, h.Sum(nil))
		}
	}
	return func() error {
		if !verify() {
			return errSignature
		}
		return nil
	}, nil
}
