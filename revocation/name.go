package revocation

import (
	"encoding/base64"
	"hash/maphash"
)

// key is what a table is searched by.
type key interface {
	comparable
	hash(maphash.Seed) uint64
	String() string
}

// raw is an ID that is the base64url of 16 bytes, as every jti and sid of ours is. It takes a third
// of the memory that its text would.
type raw [16]byte

// text is any other ID.
type text string

// spelling is that of RFC 7515 section 2.
var spelling = base64.RawURLEncoding.Strict()

// rawLen is how long a raw is in text.
const rawLen = 22

// parseRaw returns the raw that id spells. An id that spells its bytes in another way than a raw does
// is another name, and a text.
func parseRaw(id string) (r raw, ok bool) {
	if len(id) != rawLen {
		return r, false
	}
	var source [rawLen]byte
	copy(source[:], id)
	n, err := spelling.Decode(r[:], source[:])
	return r, err == nil && n == len(r) // the decoder skips line ends: then there are fewer bytes
}

func (r raw) String() string  { return spelling.EncodeToString(r[:]) }
func (t text) String() string { return string(t) }

func (r raw) hash(seed maphash.Seed) uint64  { return maphash.Bytes(seed, r[:]) | 1 }
func (t text) hash(seed maphash.Seed) uint64 { return maphash.String(seed, string(t)) &^ 1 }

// name is the hash of an ID and, in its last bit, whether that is a raw: what finds the ID's part.
type name uint64

func nameOf(seed maphash.Seed, id string) name {
	if r, ok := parseRaw(id); ok {
		return name(r.hash(seed))
	}
	return name(text(id).hash(seed))
}

func (n name) raw() bool    { return n&1 == 1 }
func (n name) hash() uint64 { return uint64(n) }
