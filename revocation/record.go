package revocation

import (
	"encoding/binary"
	"errors"
)

// record is an entry as it goes over the network, whose ID is a digest. In bytes:
//
//	1   the kind in the three low bits; 8: a Before follows; 16: an expiry follows
//	16  the digest; none for Everything
//	8   Before; left out: Ended
//	4   when the entry expires, in seconds since 1970; left out: never
//
// Numbers are big-endian. A record has one spelling: what may be left out is.
type record struct {
	kind    Kind
	digest  raw
	before  int64
	expires second
}

const (
	kindBits   = 7
	hasBefore  = 8
	hasExpires = 16

	maxRecord = 1 + 16 + 8 + 4 // bytes
)

func (r *record) append(b []byte) []byte {
	at := len(b)
	b = append(b, byte(r.kind))
	if r.kind != Everything {
		b = append(b, r.digest[:]...)
	}
	if r.before != Ended {
		b[at] |= hasBefore
		b = binary.BigEndian.AppendUint64(b, uint64(r.before))
	}
	if r.expires != never {
		b[at] |= hasExpires
		b = binary.BigEndian.AppendUint32(b, uint32(r.expires))
	}
	return b
}

var errRecord = errors.New("a record in it is not well-formed")

// cutRecord reads the first record of b.
func cutRecord(b []byte) (r record, rest []byte, err error) {
	r.before, r.expires = Ended, never
	if len(b) == 0 {
		return r, nil, errRecord
	}
	flags := b[0]
	r.kind, b = Kind(flags&kindBits), b[1:]
	if r.kind < Token || r.kind > Everything || flags&^(kindBits|hasBefore|hasExpires) != 0 {
		return r, nil, errRecord
	}
	if r.kind != Everything {
		if len(b) < len(r.digest) {
			return r, nil, errRecord
		}
		b = b[copy(r.digest[:], b):]
		if r.digest == (raw{}) { // names nothing
			return r, nil, errRecord
		}
	}
	if flags&hasBefore != 0 {
		if len(b) < 8 {
			return r, nil, errRecord
		}
		r.before, b = int64(binary.BigEndian.Uint64(b)), b[8:]
		if r.before <= 0 || r.before == Ended {
			return r, nil, errRecord
		}
	}
	if flags&hasExpires != 0 {
		if len(b) < 4 {
			return r, nil, errRecord
		}
		r.expires, b = second(binary.BigEndian.Uint32(b)), b[4:]
		if r.expires == 0 || r.expires == never {
			return r, nil, errRecord
		}
	}
	return r, b, nil
}

// cutRecords calls add with all n records that b consists of.
func cutRecords(b []byte, n int, add func(*record)) error {
	for range n {
		r, rest, err := cutRecord(b)
		if err != nil {
			return err
		}
		add(&r)
		b = rest
	}
	if len(b) != 0 {
		return errRecord
	}
	return nil
}

// entry is the record as a list takes it.
func (r *record) entry() Entry {
	e := Entry{Kind: r.kind, Before: r.before, Expires: r.expires.time()}
	if r.kind != Everything {
		e.ID = r.digest.String()
	}
	return e
}
