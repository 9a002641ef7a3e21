package revocation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/writ-go/writ/token"
)

// keySize is of the keys of HMAC-SHA256 here, in bytes.
const keySize = 32

// blinding replaces IDs by digests, so that who reads them learns only what he can guess.
type blinding struct {
	key  [keySize]byte
	id   string // tells one key from another
	idle sync.Pool
}

func newBlinding(key [keySize]byte) *blinding {
	sum := sha256.Sum256(key[:])
	b := &blinding{key: key, id: base64.RawURLEncoding.EncodeToString(sum[:8])}
	b.idle.New = func() any { return &digester{mac: hmac.New(sha256.New, b.key[:])} }
	return b
}

// digester computes one digest at a time.
type digester struct {
	mac hash.Hash
	buf []byte
}

// digest is HMAC-SHA256(key, kind || ID), cut to 128 bits, which is long enough that nobody finds two
// IDs with one digest, or an ID with a given one (2^64 and 2^128 tries).
func (b *blinding) digest(kind Kind, id string) (r raw) {
	d := b.idle.Get().(*digester)
	defer b.idle.Put(d)
	d.buf = append(append(d.buf[:0], byte(kind)), id...)
	d.mac.Reset()
	d.mac.Write(d.buf)
	d.buf = d.mac.Sum(d.buf[:0])
	copy(r[:], d.buf)
	return r
}

// naming is how entries are named in a list: by their IDs, or by digests of them. It is replaced as a
// whole, so what was computed under one is never used under another.
type naming struct {
	seed    maphash.Seed
	blinded bool
	// keys of a blinded list: the present one first, none before the list was loaded. Of those before
	// it the list still has entries.
	keys []*blinding
}

// formerKeys is how many keys before the present one still count. A source changes its key when its
// issuer does, which is once in years.
const formerKeys = 3

// under is the naming with b for its present key.
func (n *naming) under(b *blinding) *naming {
	if len(n.keys) > 0 && n.keys[0].id == b.id {
		return n
	}
	all := slices.DeleteFunc(slices.Clone(n.keys), func(k *blinding) bool { return k.id == b.id })
	return &naming{n.seed, true, append([]*blinding{b}, all[:min(len(all), formerKeys)]...)}
}

// digests is what is kept with a token of the names by which a blinded list can revoke it.
type digests struct {
	// First what every request looks at, in one line of the processor's cache.
	names
	former *digests        // under the key before
	of     [Everything]raw // by Kind
}

func (n *naming) digests(v *token.Verified) (all *digests) {
	for _, b := range slices.Backward(n.keys) {
		d := &digests{former: all, of: [Everything]raw{
			Token: b.digest(Token, v.ID()), Session: b.digest(Session, v.SessionID()),
			Key: b.digest(Key, v.KeyID()), Subject: b.digest(Subject, v.Subject()),
		}}
		hash := func(kind Kind) name { return name(d.of[kind].hash(n.seed)) }
		d.names = names{hash(Token), hash(Session), hash(Key), hash(Subject)}
		all = d
	}
	return all
}

// before is the greatest Before of what names a token by a digest; d may be nil.
func (d *digests) before(s *set) (before int64) {
	for ; d != nil; d = d.former {
		if s.mayHave(Session, d.session) {
			before = max(before, s.beforeRaw(Session, d.of[Session]))
		}
		if s.mayHave(Token, d.token) {
			before = max(before, s.beforeRaw(Token, d.of[Token]))
		}
		if s.mayHave(Subject, d.subject) {
			before = max(before, s.beforeRaw(Subject, d.of[Subject]))
		}
		if s.mayHave(Key, d.key) {
			before = max(before, s.beforeRaw(Key, d.of[Key]))
		}
	}
	return before
}

// find is the greatest Before of the entries for an ID.
func (n *naming) find(s *set, kind Kind, id string) (before int64) {
	if kind == Everything || !kind.named(id) {
		return s.named(kind, id)
	}
	for _, b := range n.keys {
		before = max(before, s.beforeRaw(kind, b.digest(kind, id)))
	}
	return before
}

// entry is e as the list keeps it. Before a blinded list has its key it keeps none but those for
// Everything.
func (n *naming) entry(e Entry) (Entry, bool) {
	if n.blinded && e.Kind != Everything {
		if len(n.keys) == 0 {
			return e, false
		}
		e.ID = n.keys[0].digest(e.Kind, e.ID).String()
	}
	return e, true
}
