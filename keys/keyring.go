package keys

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"time"
)

// keyring is an opened document: immutable, shared by all readers. The lists are in order of
// activation.
type keyring struct {
	*parsed
	version   uint64
	unsaved   bool // it was merged, and the vault does not have it yet
	early     bool // it holds what the document has no more; see keepEarly
	staleSeal bool // the document's seal is not under the Wrapper's current key

	kept     []*Public // beside those of the document
	byID     map[string]*Public
	signers  []signer
	macs     []secretKey
	macByID  map[[4]byte][]byte
	data     []secretKey
	dataByID map[[4]byte]cipher.AEAD
}

// signer has a key, or the reason why a Custodian does not give it.
type signer struct {
	item
	key    *Private
	maxTTL time.Duration
	err    error
}

type secretKey struct {
	item
	alg string
	key []byte
}

// open checks the seal, then unseals every private half and shows that it belongs to its public half.
func (c *Config) open(ctx context.Context, doc []byte, version uint64, known opened) (*keyring, error) {
	d, err := splitDocument(doc)
	if err != nil {
		return nil, err
	}
	staleSeal, err := c.authenticate(ctx, d)
	if err != nil {
		return nil, err
	}
	p, err := parse(d.Ring, c.also())
	if err != nil {
		return nil, err
	}
	k, err := c.unsealAll(ctx, p, known)
	if err != nil {
		return nil, err
	}
	k.version, k.staleSeal = version, staleSeal
	return k, nil
}

// also are the algorithms that keys may have beside those of this package.
func (c *Config) also() []Algorithm { return append([]Algorithm{c.Algorithm}, c.Also...) }

func (c *Config) unsealAll(ctx context.Context, p *parsed, known opened) (*keyring, error) {
	k := &keyring{parsed: p, byID: map[string]*Public{}, macByID: map[[4]byte][]byte{}, dataByID: map[[4]byte]cipher.AEAD{}}
	for i := range p.Keys {
		item := &p.Keys[i]
		public := known.public(p.publics[i])
		if item.hasPrivate() {
			s, err := c.openSigning(ctx, item, public.algorithm, known)
			if err != nil {
				return nil, fmt.Errorf("key %s: %w", item.KID, err)
			}
			if k.signers = append(k.signers, s); s.key != nil {
				public = s.key.public // of a symmetric key, that of the item verifies nothing
			}
		}
		p.publics[i] = public
		k.byID[item.KID] = public
	}
	if len(k.signers) == 0 {
		return nil, errors.New("the ring has no key that signs: restore it from a backup")
	}
	for _, m := range p.MAC {
		key, kid, err := c.openSecret(ctx, m, macAlgorithm, known)
		if err != nil {
			return nil, fmt.Errorf("MAC key %s: %w", m.KID, err)
		}
		k.macs = append(k.macs, secretKey{m, macAlgorithm, key})
		k.macByID[kid] = key
	}
	for _, d := range p.Data {
		key, kid, err := c.openSecret(ctx, d, dataAlgorithm, known)
		if err != nil {
			return nil, fmt.Errorf("data key %s: %w", d.KID, err)
		}
		k.data = append(k.data, secretKey{d, dataAlgorithm, key})
		if k.dataByID[kid], err = newAEAD(key); err != nil {
			return nil, fmt.Errorf("data key %s: %w", d.KID, err)
		}
	}
	c.reopenAll(ctx, k)
	return k, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// openSigning leaves out what a Custodian keeps: see reopenAll.
func (c *Config) openSigning(ctx context.Context, item *signingItem, a Algorithm, known opened) (signer, error) {
	s := signer{item: item.item, maxTTL: time.Duration(item.MaxTTL) * time.Second}
	if s.key = known.signing(&s, a); s.key != nil || item.Ref != "" {
		return s, nil
	}
	cleartext, err := c.unseal(ctx, &item.item, item.Alg)
	if err != nil {
		return s, err
	}
	private, err := parseCleartext(a, cleartext)
	if err != nil {
		return s, err
	}
	if private.ID() != item.KID {
		return s, errors.New("its private half is of another key: restore the ring from a backup")
	}
	s.key, private.maxTTL = private, s.maxTTL
	return s, nil
}

func (c *Config) openSecret(ctx context.Context, i item, alg string, known opened) (key []byte, kid [4]byte, err error) {
	if key = known.secret(i, alg); key == nil {
		if key, err = c.unseal(ctx, &i, alg); err != nil {
			return nil, kid, err
		}
	}
	if kid = secretKID(key); len(key) != secretSize || fmt.Sprintf("%x", kid) != i.KID {
		return nil, kid, errors.New("its kid is of another key: restore the ring from a backup")
	}
	return key, kid, nil
}

// opened is what need not be opened again: it stands in a document exactly as in an earlier one.
type opened struct {
	rings []*keyring
	made  *Private // by the Custodian, just now
}

func (o opened) signing(of *signer, a Algorithm) *Private {
	for _, k := range o.rings {
		for _, s := range k.signers {
			if s.key != nil && s.KID == of.KID && s.sameHalf(of.item) && s.maxTTL == of.maxTTL && s.key.Algorithm().Name() == a.Name() {
				return s.key
			}
		}
	}
	if o.made != nil && o.made.ID() == of.KID && of.Ref != "" { // other halves are to show that they can be unsealed
		return o.made
	}
	return nil
}

func (o opened) secret(of item, alg string) []byte {
	for _, k := range o.rings {
		for _, s := range slices.Concat(k.macs, k.data) {
			if s.alg == alg && s.KID == of.KID && s.sameHalf(of) {
				return s.key
			}
		}
	}
	return nil
}

// public is p itself unless an earlier document had it: then readers see that it is the same.
func (o opened) public(p *Public) *Public {
	for _, k := range o.rings {
		if q := k.byID[p.id]; q != nil && q.algorithm.Name() == p.algorithm.Name() {
			return q
		}
	}
	return p
}

func (i item) sameHalf(as item) bool {
	return i.Private == as.Private && i.PrivateInClear == as.PrivateInClear && i.Ref == as.Ref
}
