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
// documentation. Members that this version does not know are kept as they are, or an old version that
// rotates a key would drop what a new one has written. What an old version must not overlook has to
// raise V.
type content struct {
	V         int            `json:"v"`
	Issuer    string         `json:"issuer"`
	UpdatedAt time.Time      `json:"updated_at"`
	Keys      []signingItem  `json:"keys"`
	MAC       []item         `json:"mac"`
	Data      []item         `json:"data,omitempty"`
	Removed   []tombstone    `json:"removed,omitempty"`
	Unknown   jsontext.Value `json:",unknown"`
}

type signingItem struct {
	item
	Alg    string         `json:"alg"`
	Public jsontext.Value `json:"public"`
	MaxTTL int64          `json:"max_ttl"` // seconds
}

// item is what signing, MAC and data keys have in common.
type item struct {
	KID            string         `json:"kid"`
	CreatedAt      time.Time      `json:"created_at"`
	ActivateAt     time.Time      `json:"activate_at"`
	Private        string         `json:"private,omitzero"`          // sealed by the Wrapper
	PrivateInClear string         `json:"private_in_clear,omitzero"` // as it is
	Ref            string         `json:"ref,omitzero"`              // the Custodian has it
	Unknown        jsontext.Value `json:",unknown"`
}

// timed is an item, or what has one in it.
type timed interface {
	activateAt() time.Time
	hasPrivate() bool
}

func (i item) activateAt() time.Time { return i.ActivateAt }

// hasPrivate is false for a retired signing key whose private half was wiped.
func (i item) hasPrivate() bool { return i.Private != "" || i.PrivateInClear != "" || i.Ref != "" }

// parsed is a content that is right as far as can be told without the secret. Its lists are in order
// of activation.
type parsed struct {
	content
	publics []*Public // of Keys
}

// parse checks everything that needs no secret. also are the algorithms that keys may have beside
// those of this package.
func parse(ring jsontext.Value, also []Algorithm) (*parsed, error) {
	var c content
	if json.Unmarshal(ring, &c) != nil {
		return nil, errDamaged
	}
	return c.check(also)
}

func (c content) check(also []Algorithm) (*parsed, error) {
	if !validIssuer(c.Issuer) || c.UpdatedAt.IsZero() || len(c.Keys) == 0 || len(c.MAC) == 0 {
		return nil, errors.New("the ring is damaged: it lacks its issuer, its date or its keys: restore it from a backup")
	}
	c = c.sorted()
	p := &parsed{content: c}
	seen := map[string]bool{}
	once := func(what, kid string, err error) error {
		if err == nil && seen[kid] {
			err = errors.New("it stands there twice")
		}
		seen[kid] = true
		if err != nil {
			return fmt.Errorf("the ring is damaged: %s %.43q: %w", what, kid, err)
		}
		return nil
	}
	for _, k := range c.Keys {
		public, err := k.check(also)
		if err := once("key", k.KID, err); err != nil {
			return nil, err
		}
		p.publics = append(p.publics, public)
	}
	for _, m := range c.MAC {
		if err := once("MAC key", m.KID, m.checkSecret()); err != nil {
			return nil, err
		}
	}
	for _, d := range c.Data {
		if err := once("data key", d.KID, d.checkSecret()); err != nil {
			return nil, err
		}
	}
	for _, t := range c.Removed {
		if err := once("removed key", t.KID, t.check()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// sorted is a copy whose lists are its own, in order of activation and of removal.
func (c content) sorted() content {
	c.Keys, c.MAC, c.Data, c.Removed = slices.Clone(c.Keys), slices.Clone(c.MAC), slices.Clone(c.Data), slices.Clone(c.Removed)
	slices.SortFunc(c.Keys, func(a, b signingItem) int { return compareItems(&a.item, &b.item) })
	for _, secrets := range [][]item{c.MAC, c.Data} {
		slices.SortFunc(secrets, func(a, b item) int { return compareItems(&a, &b) })
	}
	slices.SortFunc(c.Removed, func(a, b tombstone) int {
		return cmp.Or(a.RemovedAt.Compare(b.RemovedAt), cmp.Compare(a.KID, b.KID))
	})
	return c
}

// has reports whether a key of any kind has the kid.
func (c *content) has(kid string) bool {
	return find(c.MAC, kid) >= 0 || find(c.Data, kid) >= 0 ||
		slices.ContainsFunc(c.Keys, func(k signingItem) bool { return k.KID == kid })
}

func (c *content) buried(kid string) bool {
	return slices.ContainsFunc(c.Removed, func(t tombstone) bool { return t.KID == kid })
}

func find(items []item, kid string) int {
	return slices.IndexFunc(items, func(i item) bool { return i.KID == kid })
}

// compareItems breaks ties by kid, so that every node chooses the same key.
func compareItems(a, b *item) int {
	return cmp.Or(a.ActivateAt.Compare(b.ActivateAt), cmp.Compare(a.KID, b.KID))
}

func (i *item) check() error {
	forms := 0
	for _, form := range []string{i.Private, i.PrivateInClear, i.Ref} {
		if form != "" {
			forms++
		}
	}
	switch {
	case i.CreatedAt.IsZero() || i.ActivateAt.IsZero():
		return errors.New("it lacks a date")
	case forms > 1:
		return errors.New("it must not have both private and private_in_clear, nor ref beside them")
	}
	return nil
}

// checkSecret is check for a MAC or data key.
func (i *item) checkSecret() error {
	raw, err := hex.DecodeString(i.KID)
	switch {
	case i.Private == "" && i.PrivateInClear == "":
		return errors.New("it lacks its key")
	case err != nil || len(raw) != 4 || hex.EncodeToString(raw) != i.KID:
		return errors.New("its kid is not 4 bytes in hexadecimal")
	}
	return i.check()
}

func (k *signingItem) check(also []Algorithm) (*Public, error) {
	a, ok := algorithmNamed(k.Alg, also)
	if !ok {
		return nil, fmt.Errorf("this version does not know its algorithm %.20q: update writ, or name it in Config.Also", k.Alg)
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
	case public.Symmetric() && k.Private == "" && k.PrivateInClear == "":
		return nil, errors.New("it lacks its secret, without which a symmetric key does not verify")
	case k.MaxTTL < 1 || k.MaxTTL > int64(maxMaxTTL/time.Second):
		return nil, fmt.Errorf("its max_ttl is not 1 to %d seconds", maxMaxTTL/time.Second)
	case len(k.Ref) > maxRef:
		return nil, fmt.Errorf("its ref is over %d bytes", maxRef)
	}
	return public, k.item.check()
}

// symmetric reports whether the private half is all there is of the key.
func (k *signingItem) symmetric() bool {
	a, _ := algorithmNamed(k.Alg, nil)
	_, ok := a.(hs)
	return ok
}

// current is the index of the newest item that is active at now and has its private half. If there is
// none, the clock is behind the one that made the ring, or the ring was put together again; then the
// one that has been published longest is the best: it must not be left without a key. It is -1 if no
// item has a private half.
func current[T timed](items []T, now time.Time) int {
	best := -1
	for i := len(items) - 1; i >= 0; i-- {
		if !items[i].hasPrivate() {
			continue
		}
		if best = i; !items[i].activateAt().After(now) {
			break
		}
	}
	return best
}

// secretKID is the kid of a MAC or data key.
func secretKID(key []byte) (kid [4]byte) {
	sum := sha256.Sum256(key)
	copy(kid[:], sum[:])
	return kid
}
