package keys

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// mint is the source of real keys. What it has made once it gives again, so that a change that has to
// be computed anew, against a newer document or a later time, does not make other keys.
type mint struct {
	ctx     context.Context
	config  *Config
	spare   *signingItem // a Custodian's key that was made for a change that came to nothing
	signer  *Private     // of signingItem
	made    *signingItem
	secrets map[string]item
	wrapped map[string]string // what was wrapped anew, by what it was
	worked  bool              // something was made since this was last set to false
}

func (m *mint) signing() (signingItem, error) {
	if m.made != nil {
		return *m.made, nil
	}
	var k signingItem
	var err error
	if m.config.Custodian != nil {
		k, m.signer, err = m.config.entrust(m.ctx, m.spare)
	} else {
		k, m.signer, err = m.config.generate(m.ctx)
	}
	if err != nil {
		return k, fmt.Errorf("making a signing key: %w", err)
	}
	m.made, m.worked = &k, true
	return k, nil
}

func (c *Config) generate(ctx context.Context) (signingItem, *Private, error) {
	private, err := Generate(c.Algorithm)
	if err != nil {
		return signingItem{}, nil, err
	}
	cleartext, err := private.cleartext()
	if err != nil {
		return signingItem{}, nil, err
	}
	k := c.item(private)
	return k, private, c.seal(ctx, &k.item, k.Alg, cleartext)
}

// item is a new key's, without its private half.
func (c *Config) item(k *Private) signingItem {
	k.maxTTL = c.MaxTTL
	return signingItem{
		item:   item{KID: k.ID()},
		Alg:    c.Algorithm.Name(),
		Public: k.public.document(),
		MaxTTL: int64(c.MaxTTL / time.Second),
	}
}

func (m *mint) secret(alg string, taken func(kid string) bool) (item, error) {
	if i, ok := m.secrets[alg]; ok && !taken(i.KID) {
		return i, nil
	}
	key := make([]byte, secretSize)
	var i item
	for i.KID == "" || taken(i.KID) { // a kid has 4 bytes only
		rand.Read(key) // never fails: it ends the program instead
		i.KID = fmt.Sprintf("%x", secretKID(key))
	}
	if err := m.config.seal(m.ctx, &i, alg, key); err != nil {
		return i, fmt.Errorf("sealing a new key: %w", err)
	}
	if m.secrets == nil {
		m.secrets = map[string]item{}
	}
	m.secrets[alg], m.worked = i, true
	return i, nil
}

func (m *mint) rewrap(i item, alg string) (item, error) {
	if i.Private == "" {
		return i, nil
	}
	if again, ok := m.wrapped[i.Private]; ok {
		i.Private = again
		return i, nil
	}
	old := i.Private
	if raw, err := b64.DecodeString(old); err != nil || m.config.isCurrent(raw) {
		return i, err
	}
	plain, err := m.config.unseal(m.ctx, &i, alg)
	if err != nil {
		return i, err
	}
	if err := m.config.seal(m.ctx, &i, alg, plain); err != nil {
		return i, err
	}
	if m.wrapped == nil {
		m.wrapped = map[string]string{}
	}
	m.wrapped[old], m.worked = i.Private, true
	return i, nil
}

// isCurrent reports whether wrapped needs no wrapping anew. A Wrapper that cannot tell is taken to have
// one key for ever, or to change it by itself.
func (c *Config) isCurrent(wrapped []byte) bool {
	w, ok := c.Wrapper.(interface{ Current(wrapped []byte) bool })
	return !ok || w.Current(wrapped)
}
