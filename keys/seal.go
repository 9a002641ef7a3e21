package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// macAlgorithm stands in the additional data of a MAC key, where a signing key has its alg.
const macAlgorithm = "HMAC-SHA256"

const macKeySize = 32

// seal puts the private half into the item, as the configuration says.
func (c *Config) seal(ctx context.Context, i *item, alg string, private []byte) error {
	if c.InClear {
		i.PrivateInClear = b64.EncodeToString(private)
		return nil
	}
	wrapped, err := c.Wrapper.Wrap(ctx, private, additionalData(privateLabel, c.Issuer, i.KID, alg))
	i.Private = b64.EncodeToString(wrapped)
	return err
}

// unseal is the reverse. It never takes a half in clear for a sealed one: whoever can write the
// vault but does not know the secret could otherwise put in a key of their own.
func (c *Config) unseal(ctx context.Context, i *item, alg string) ([]byte, error) {
	switch {
	case i.PrivateInClear != "" && !c.InClear:
		return nil, errInClear
	case i.Private != "" && c.InClear:
		return nil, errSealed
	}
	raw, err := b64.DecodeString(i.Private + i.PrivateInClear) // one of them is empty
	if err != nil {
		return nil, errors.New("its private half is damaged: restore the ring from a backup")
	}
	if c.InClear {
		return raw, nil
	}
	return c.Wrapper.Unwrap(ctx, raw, additionalData(privateLabel, c.Issuer, i.KID, alg))
}

// keyring is an opened document: immutable, shared by all readers. The lists are in order of
// activation.
type keyring struct {
	version   uint64
	updatedAt time.Time
	publics   []*Public
	byID      map[string]*Public
	signers   []signer
	macs      []macKey
	macByID   map[[4]byte][]byte
}

type signer struct {
	item
	key *Private
}

type macKey struct {
	item
	key []byte
}

// open checks the seal, then unseals every private half and shows that it belongs to its public half.
func (c *Config) open(ctx context.Context, doc []byte, version uint64) (*keyring, error) {
	d, err := splitDocument(doc)
	if err != nil {
		return nil, err
	}
	if err := c.authenticate(ctx, d); err != nil {
		return nil, err
	}
	p, err := parse(d.Ring, c.Algorithm)
	if err != nil {
		return nil, err
	}
	k := &keyring{version: version, updatedAt: p.updatedAt, byID: map[string]*Public{}, macByID: map[[4]byte][]byte{}}
	for _, item := range p.keys {
		public := item.public
		if item.hasPrivate() {
			private, err := c.openSigning(ctx, &item)
			if err != nil {
				return nil, fmt.Errorf("key %s: %w", item.KID, err)
			}
			k.signers = append(k.signers, signer{item.item, private})
			public = private.public // of a symmetric key, that of the item verifies nothing
		}
		k.publics = append(k.publics, public)
		k.byID[item.KID] = public
	}
	if len(k.signers) == 0 {
		return nil, errors.New("the ring has no key that signs: restore it from a backup")
	}
	for _, m := range p.macs {
		key, err := c.unseal(ctx, &m.item, macAlgorithm)
		if err != nil {
			return nil, fmt.Errorf("MAC key %s: %w", m.KID, err)
		}
		kid := macKID(key)
		if len(key) != macKeySize || fmt.Sprintf("%x", kid) != m.KID {
			return nil, fmt.Errorf("MAC key %s: its kid is of another key: restore the ring from a backup", m.KID)
		}
		k.macs = append(k.macs, macKey{m.item, key})
		k.macByID[kid] = key
	}
	return k, nil
}

func (c *Config) openSigning(ctx context.Context, item *parsedKey) (*Private, error) {
	cleartext, err := c.unseal(ctx, &item.item, item.Alg)
	if err != nil {
		return nil, err
	}
	private, err := parseCleartext(item.public.algorithm, cleartext)
	if err != nil {
		return nil, err
	}
	if private.ID() != item.KID {
		return nil, errors.New("its private half is of another key: restore the ring from a backup")
	}
	private.maxTTL = time.Duration(item.MaxTTL) * time.Second
	return private, nil
}

// newDocument makes the first ring: one signing key and one MAC key, both active at once.
func (c *Config) newDocument(ctx context.Context) ([]byte, error) {
	now := c.Now().UTC().Truncate(time.Millisecond)
	private, err := Generate(c.Algorithm)
	if err != nil {
		return nil, err
	}
	cleartext, err := private.cleartext()
	if err != nil {
		return nil, err
	}
	signing := signingItem{
		item:   item{KID: private.ID(), CreatedAt: now, ActivateAt: now},
		Alg:    c.Algorithm.Name(),
		Public: private.public.document(),
		MaxTTL: int64(c.MaxTTL / time.Second),
	}
	if err := c.seal(ctx, &signing.item, signing.Alg, cleartext); err != nil {
		return nil, fmt.Errorf("sealing the signing key: %w", err)
	}
	key := make([]byte, macKeySize)
	rand.Read(key) // never fails: it ends the program instead
	mac := macItem{item{KID: fmt.Sprintf("%x", macKID(key)), CreatedAt: now, ActivateAt: now}}
	if err := c.seal(ctx, &mac.item, macAlgorithm, key); err != nil {
		return nil, fmt.Errorf("sealing the MAC key: %w", err)
	}
	return c.sealDocument(ctx, content{
		V: documentVersion, Issuer: c.Issuer, UpdatedAt: now, Keys: []signingItem{signing}, MAC: []macItem{mac},
	})
}
