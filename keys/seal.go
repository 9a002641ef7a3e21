package keys

import (
	"context"
	"errors"
	"time"
)

// These stand in the additional data of MAC and data keys, where a signing key has its alg.
const (
	macAlgorithm  = "HMAC-SHA256"
	dataAlgorithm = "A256GCM"
)

// secretSize is the length of MAC and data keys.
const secretSize = 32

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

// newDocument makes the first ring: one key of each kind, active at once.
func (c *Config) newDocument(ctx context.Context) ([]byte, *Private, error) {
	m := &mint{ctx: ctx, config: c}
	signing, err := m.signing()
	if err != nil {
		return nil, nil, err
	}
	mac, err := m.secret(macAlgorithm, func(string) bool { return false })
	if err != nil {
		return nil, nil, err
	}
	data, err := m.secret(dataAlgorithm, func(kid string) bool { return kid == mac.KID })
	if err != nil {
		return nil, nil, err
	}
	now := c.Now().UTC().Truncate(time.Millisecond)
	for _, i := range []*item{&signing.item, &mac, &data} {
		i.CreatedAt, i.ActivateAt = now, now
	}
	doc, err := c.sealDocument(ctx, content{
		V: documentVersion, Issuer: c.Issuer, UpdatedAt: now, Keys: []signingItem{signing}, MAC: []item{mac}, Data: []item{data},
	})
	return doc, m.signer, err
}
