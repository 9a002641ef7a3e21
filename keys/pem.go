package keys

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	publicBlock  = "PUBLIC KEY"
	privateBlock = "PRIVATE KEY"
)

// ParsePEM reads a PKIX "PUBLIC KEY" block as a key for the algorithm a. There must be exactly one
// block.
func ParsePEM(a Algorithm, data []byte) (*Public, error) {
	der, err := onlyBlock(data, publicBlock)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("keys: PEM: not a PKIX public key")
	}
	return newPublic(a, key)
}

func onlyBlock(data []byte, want string) ([]byte, error) {
	data = bytes.TrimSpace(data)
	if !bytes.HasPrefix(data, []byte("-----BEGIN ")) {
		return nil, fmt.Errorf("keys: PEM: does not begin with a %q block", want)
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("keys: PEM: the block is damaged")
	case len(bytes.TrimSpace(rest)) != 0 || bytes.Count(data, []byte("-----BEGIN ")) != 1: // Decode skips damaged blocks
		return nil, errors.New("keys: PEM: more than one block: pass exactly one")
	case want == privateBlock && (block.Type == "EC PRIVATE KEY" || block.Type == "RSA PRIVATE KEY"):
		return nil, errors.New("keys: PEM: convert it to PKCS#8 first: openssl pkcs8 -topk8 -nocrypt")
	case want == publicBlock && block.Type == "RSA PUBLIC KEY":
		return nil, errors.New("keys: PEM: convert it to PKIX first: openssl rsa -RSAPublicKey_in -pubout")
	case block.Type != want || len(block.Headers) != 0:
		return nil, fmt.Errorf("keys: PEM: not a %q block", want)
	}
	return block.Bytes, nil
}
