package keys

import (
	"fmt"
)

// Seal encrypts plain with AES-256-GCM under the ring's data key, so that nodes with this ring, and
// nobody else, can read it. additional is not encrypted: name in it what the data is of, such as a
// session and a member of it, and data of another place will not open. It returns ErrUnavailable as
// Signing does, and for a ring of an early version which has no data key yet; Run makes one.
//
// What is sealed can be opened for Config.MACLife at least. Do not seal more than some thousand
// million times in one Config.MACPeriod: nonces are random.
//
// The sealed form is
//
//	kid (4 bytes) | nonce (12, random) | ciphertext and tag
func (r *Ring) Seal(plain, additional []byte) ([]byte, error) {
	if err := r.Ready(); err != nil {
		return nil, err
	}
	s := r.state.Load()
	i := current(s.data, r.config.Now())
	if i < 0 {
		return nil, fmt.Errorf("%w: the ring has no data key yet: call Run or Step", ErrUnavailable)
	}
	kid := secretKID(s.data[i].key)
	return s.dataByID[kid].Seal(kid[:], nil, plain, additional), nil
}

// Unseal is the reverse. It returns ErrSealed for what was altered, or sealed with other additional
// data, and as Public does ErrUnknown if the ring does not have the key: see Refresh.
func (r *Ring) Unseal(sealed, additional []byte) ([]byte, error) {
	s := r.state.Load()
	if s == nil {
		return nil, ErrUnavailable
	}
	if len(sealed) < 4 {
		return nil, ErrSealed
	}
	aead, ok := s.dataByID[[4]byte(sealed)]
	if !ok {
		if err := r.Ready(); err != nil {
			return nil, err
		}
		return nil, ErrUnknown
	}
	plain, err := aead.Open(nil, nil, sealed[4:], additional)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
