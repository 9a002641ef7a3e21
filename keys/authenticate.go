package keys

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// document is what the vault keeps. Ring is a content, byte for byte as it was sealed, and Seal the
// wrapped SHA-256 of these bytes. Whatever a document says stands in Ring: outside of it nothing is
// authentic, so that no other member is allowed there.
type document struct {
	Ring jsontext.Value `json:"ring"`
	Seal string         `json:"seal,omitzero"`
}

const documentVersion = 1

var (
	errDamaged = errors.New("the ring is damaged: restore it from a backup")
	errAltered = errors.New("the ring was altered after it was sealed: restore it from a backup")
	errInClear = errors.New("the ring, or a key in it, is not sealed, but a secret is configured: restore it from a backup; " +
		"if it was made in clear, set KeysInClear (WRIT_KEYS_IN_CLEAR=true), or make a new ring")
	errSealed = errors.New("the ring is sealed, but no secret is configured: " +
		"set the one that sealed it (WRIT_SECRET)")
)

// splitDocument parts the ring from its seal and refuses formats that this version does not know.
func splitDocument(doc []byte) (*document, error) {
	if len(doc) > maxDocument {
		return nil, fmt.Errorf("the ring is over %d bytes", maxDocument)
	}
	var version struct {
		Ring struct {
			V int `json:"v"`
		} `json:"ring"`
	}
	if json.Unmarshal(doc, &version) != nil {
		return nil, errDamaged
	}
	if v := version.Ring.V; v != documentVersion {
		return nil, fmt.Errorf("the ring has format %d, this version of writ knows format %d: update writ", v, documentVersion)
	}
	var d document
	if json.Unmarshal(doc, &d, json.RejectUnknownMembers(true)) != nil {
		return nil, errDamaged
	}
	return &d, nil
}

// authenticate returns nil only if the ring is, to the byte, what someone with the secret sealed for
// this issuer; or if the configuration gives that up. What it reads of the ring before it knows,
// serves only to refuse it. stale: the seal is to be made anew, under the Wrapper's current key.
func (c *Config) authenticate(ctx context.Context, d *document) (stale bool, err error) {
	var named struct {
		Issuer string `json:"issuer"`
	}
	if json.Unmarshal(d.Ring, &named) != nil || !validIssuer(named.Issuer) {
		return false, errDamaged
	}
	switch {
	case named.Issuer != c.Issuer:
		return false, fmt.Errorf("the ring is for another issuer, %.256q, not for %q: give each issuer a ring of its own", named.Issuer, c.Issuer)
	case c.InClear && d.Seal != "":
		return false, errSealed
	case c.InClear:
		return false, nil
	case d.Seal == "":
		return false, errInClear
	}
	wrapped, err := b64.DecodeString(d.Seal)
	if err != nil {
		return false, errAltered
	}
	sum, err := c.Wrapper.Unwrap(ctx, wrapped, additionalData(documentLabel, c.Issuer))
	if err != nil {
		return false, fmt.Errorf("the ring's seal: %w", err)
	}
	if want := sha256.Sum256(d.Ring); !bytes.Equal(sum, want[:]) {
		return false, errAltered
	}
	return !c.isCurrent(wrapped), nil
}

// sealDocument writes the document of a ring.
func (c *Config) sealDocument(ctx context.Context, r content) ([]byte, error) {
	ring, err := json.Marshal(r, jsontext.WithIndentPrefix("  "), jsontext.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	doc := fmt.Appendf(nil, "{\n  \"ring\": %s", ring)
	if !c.InClear {
		sum := sha256.Sum256(ring)
		seal, err := c.Wrapper.Wrap(ctx, sum[:], additionalData(documentLabel, c.Issuer))
		if err != nil {
			return nil, fmt.Errorf("sealing the ring: %w", err)
		}
		doc = fmt.Appendf(doc, ",\n  \"seal\": %q", b64.EncodeToString(seal))
	}
	return append(doc, "\n}\n"...), nil
}
