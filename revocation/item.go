package revocation

import (
	"hash/maphash"
	"strings"
)

// item is an entry as the set has it.
type item struct {
	kind    Kind
	raw     raw // the ID, if text is empty
	text    text
	before  int64
	expires second
}

// itemOf is e, which must be valid.
func itemOf(e Entry) item {
	i := item{kind: e.Kind, before: e.Before, expires: secondOf(e.Expires)}
	if e.Kind != Everything {
		var ok bool
		if i.raw, ok = parseRaw(e.ID); !ok {
			// The ID may be part of an answer of the store, which must not be kept with it.
			i.text = text(strings.Clone(e.ID))
		}
	}
	return i
}

func (i *item) hash(seed maphash.Seed) uint64 {
	if i.text != "" {
		return i.text.hash(seed)
	}
	return i.raw.hash(seed)
}

func (i *item) id() string {
	switch {
	case i.kind == Everything:
		return ""
	case i.text != "":
		return string(i.text)
	}
	return i.raw.String()
}

func (i *item) entry() Entry { return Entry{i.kind, i.id(), i.before, i.expires.time()} }
