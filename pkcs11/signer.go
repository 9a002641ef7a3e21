package pkcs11

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"sync/atomic"

	p11 "github.com/miekg/pkcs11"
)

// signer is a key in the token.
type signer struct {
	token  *token
	name   name
	public crypto.PublicKey
	found  atomic.Pointer[found]
}

// found is where the private half is, which a new connection may change.
type found struct {
	object     p11.ObjectHandle
	generation int
}

func (k *signer) Public() crypto.PublicKey { return k.public }

// Sign waits for a session, and for the token as long as that takes. The signature is verified before it
// is given out: a token that was reset may have another key under the same handle.
func (k *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	f, err := k.form(digest, opts)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: %w", err)
	}
	var signature []byte
	err = k.token.use(context.Background(), false, func(c call) error {
		object, err := k.object(c)
		if err != nil {
			return err
		}
		if err := c.SignInit(c.session, []*p11.Mechanism{f.mechanism}, object); err != nil {
			return err
		}
		if signature, err = c.Sign(c.session, f.input); err != nil {
			return err
		}
		if signature, err = f.finish(signature); err != nil {
			return err
		}
		if !f.verifies(signature) {
			return fmt.Errorf("what it signed does not verify: %w", errAnew)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return signature, nil
}

func (k *signer) object(c call) (p11.ObjectHandle, error) {
	if f := k.found.Load(); f != nil && f.generation == c.generation {
		return f.object, nil
	}
	object, err := c.private(k.name)
	if err != nil {
		return 0, err
	}
	k.found.Store(&found{object, c.generation})
	return object, nil
}

// form is what a signature is made by, and what becomes of the token's answer.
type form struct {
	mechanism *p11.Mechanism
	input     []byte
	finish    func([]byte) ([]byte, error)
	verifies  func(signature []byte) bool
}

func (k *signer) form(digest []byte, opts crypto.SignerOpts) (form, error) {
	hash := opts.HashFunc()
	if _, isEd := k.public.(ed25519.PublicKey); !isEd && (prefixes[hash] == nil || len(digest) != hash.Size()) {
		return form{}, errors.New("the digest is not one of SHA-256, SHA-384 or SHA-512")
	}
	asIs := func(b []byte) ([]byte, error) { return b, nil }
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return form{
			mechanism: p11.NewMechanism(p11.CKM_ECDSA, nil),
			input:     digest,
			finish:    derSignature,
			verifies:  func(s []byte) bool { return ecdsa.VerifyASN1(public, digest, s) },
		}, nil
	case ed25519.PublicKey:
		if o, ok := opts.(*ed25519.Options); hash != 0 || ok && o.Context != "" {
			return form{}, errors.New("Ed25519 signs the message itself, without a context")
		}
		return form{
			mechanism: p11.NewMechanism(ckmEdDSA, nil),
			input:     digest,
			finish:    asIs,
			verifies:  func(s []byte) bool { return ed25519.Verify(public, digest, s) },
		}, nil
	case *rsa.PublicKey:
		pss, ok := opts.(*rsa.PSSOptions)
		if !ok {
			return form{
				mechanism: p11.NewMechanism(p11.CKM_RSA_PKCS, nil),
				input:     slices.Concat(prefixes[hash], digest),
				finish:    asIs,
				verifies:  func(s []byte) bool { return rsa.VerifyPKCS1v15(public, hash, digest, s) == nil },
			}, nil
		}
		salt := pss.SaltLength
		if salt == rsa.PSSSaltLengthEqualsHash {
			salt = hash.Size()
		}
		if salt <= 0 {
			return form{}, errors.New("RSA-PSS needs a fixed length of the salt")
		}
		parameters := pssParameters[hash]
		exact := &rsa.PSSOptions{SaltLength: salt, Hash: hash}
		return form{
			mechanism: p11.NewMechanism(p11.CKM_RSA_PKCS_PSS, p11.NewPSSParams(parameters[0], parameters[1], uint(salt))),
			input:     digest,
			finish:    asIs,
			verifies:  func(s []byte) bool { return rsa.VerifyPSS(public, hash, digest, s, exact) == nil },
		}, nil
	}
	return form{}, errors.New("the key's type is not known")
}

// derSignature makes of r|s, which is what tokens return, what crypto.Signer wants.
func derSignature(raw []byte) ([]byte, error) {
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil, errors.New("its signature is not two numbers of one length")
	}
	half := len(raw) / 2
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
}
