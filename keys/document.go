package keys

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// content is the member ring of the stored document. The format is described in the package
// documentation. Members that this version does not know are ignored; it never rewrites a document,
// so it loses none. What an old version must not overlook has to raise V.
type content struct {
	V         int           `json:"v"`
	Issuer    string        `json:"issuer"`
	UpdatedAt time.Time     `json:"updated_at"`
	Keys      []signingItem `json:"keys"`
	MAC       []macItem     `json:"mac"`
}

type signingItem struct {
	item
	Alg    string         `json:"alg"`
	Public jsontext.Value `json:"public"`
	MaxTTL int64          `json:"max_ttl"` // seconds
}

type macItem struct{ item }

// item is what signing and MAC keys have in common.
type item struct {
	KID            string    `json:"kid"`
	CreatedAt      time.Time `json:"created_at"`
	ActivateAt     time.Time `json:"activate_at"`
	Private        string    `json:"private,omitzero"`          // sealed by the Wrapper
	PrivateInClear string    `json:"private_in_clear,omitzero"` // as it is
}

func (i item) activateAt() time.Time { return i.ActivateAt }

// parsed is a content that is right as far as can be told without the secret. Both lists are in
// order of activation.
type parsed struct {
	issuer    string
	updatedAt time.Time
	keys      []parsedKey
	macs      []macItem
}

type parsedKey struct {
	signingItem
	public *Public
}

// parse checks everything that needs no secret. extra is one more algorithm that keys may have, or
// nil.
func parse(ring jsontext.Value, extra Algorithm) (*parsed, error) {
	var d content
	if json.Unmarshal(ring, &d) != nil {
		return nil, errDamaged
	}
	if !validIssuer(d.Issuer) || d.UpdatedAt.IsZero() || len(d.Keys) == 0 || len(d.MAC) == 0 {
		return nil, errors.New("the ring is damaged: it lacks its issuer, its date or its keys: restore it from a backup")
	}
	p := &parsed{issuer: d.Issuer, updatedAt: d.UpdatedAt, macs: d.MAC}
	seen := map[string]bool{}
	for _, k := range d.Keys {
		public, err := k.check(extra)
		if err == nil && seen[k.KID] {
			err = errors.New("it stands there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("the ring is damaged: key %.43q: %w", k.KID, err)
		}
		seen[k.KID] = true
		p.keys = append(p.keys, parsedKey{k, public})
	}
	for _, m := range d.MAC {
		err := m.item.check()
		if err == nil && !m.hasPrivate() {
			err = errors.New("it lacks its key")
		}
		if raw, hexErr := hex.DecodeString(m.KID); err == nil && (hexErr != nil || len(raw) != 4 || hex.EncodeToString(raw) != m.KID) {
			err = errors.New("its kid is not 4 bytes in hexadecimal")
		}
		if err == nil && seen[m.KID] {
			err = errors.New("it stands there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("the ring is damaged: MAC key %.8q: %w", m.KID, err)
		}
		seen[m.KID] = true
	}
	slices.SortFunc(p.keys, func(a, b parsedKey) int { return compareItems(&a.item, &b.item) })
	slices.SortFunc(p.macs, func(a, b macItem) int { return compareItems(&a.item, &b.item) })
	return p, nil
}

// compareItems breaks ties by kid, so that every node chooses the same key.
func compareItems(a, b *item) int {
	return cmp.Or(a.ActivateAt.Compare(b.ActivateAt), cmp.Compare(a.KID, b.KID))
}

func (i *item) check() error {
	switch {
	case i.CreatedAt.IsZero() || i.ActivateAt.IsZero():
		return errors.New("it lacks a date")
	case i.Private != "" && i.PrivateInClear != "":
		return errors.New("it must not have both private and private_in_clear")
	}
	return nil
}

// hasPrivate is false for a retired signing key whose private half was wiped.
func (i *item) hasPrivate() bool { return i.Private != "" || i.PrivateInClear != "" }

func (k *signingItem) check(extra Algorithm) (*Public, error) {
	a, ok := algorithmNamed(k.Alg, extra)
	if !ok {
		return nil, fmt.Errorf("this version does not know its algorithm %.20q: update writ", k.Alg)
	}
	public, err := parsePublic(a, k.Public)
	if err != nil {
		return nil, err
	}
	var named struct {
		KID *string `json:"kid"`
	}
	err = json.Unmarshal(k.Public, &named)
	switch {
	case public.id != k.KID || err != nil || named.KID != nil && *named.KID != k.KID:
		return nil, errors.New("its kid is not the thumbprint of its public half")
	case public.Symmetric() && !k.hasPrivate():
		return nil, errors.New("it lacks its secret, without which a symmetric key does not verify")
	case k.MaxTTL < 1 || k.MaxTTL > int64(maxMaxTTL/time.Second):
		return nil, fmt.Errorf("its max_ttl is not 1 to %d seconds", maxMaxTTL/time.Second)
	}
	return public, k.item.check()
}

// current is the index of the newest item that is active at now. If none is, the clock is behind
// the one that made the ring, and the item that has been published longest is the best: a clock
// step must not leave the ring without a key.
func current[T interface{ activateAt() time.Time }](items []T, now time.Time) int {
	for i := len(items) - 1; i > 0; i-- {
		if !items[i].activateAt().After(now) {
			return i
		}
	}
	return 0
}

// macKID is the kid of a MAC key.
func macKID(key []byte) (kid [4]byte) {
	sum := sha256.Sum256(key)
	copy(kid[:], sum[:])
	return kid
}
