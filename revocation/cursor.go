package revocation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// place is a position in the changes of one instance of a Handler. Who stands there has all changes
// before it, whatever else he has.
type place struct {
	instance [8]byte
	position uint64
}

// cursor is where one who follows stands: at places, and as of when his copy is complete. Each is enough
// to go on from: a place exactly, at the instance that gave it out, and the time, with some overlap, at
// any.
//
// Its text is parts with dots between them: <instance, position, MAC> for each place, the latest first,
// and <time, MAC>, in base64url. The MACs keep strangers from asking for answers that nobody was asked
// for yet, of which each would cost a signature.
type cursor struct {
	places []place
	asOf   int64
}

type cursorKey [keySize]byte

const (
	macSize   = 8
	placeSize = 8 + 8 + macSize
	timeSize  = 8 + macSize

	// maxPlaces is of how many nodes one who follows remembers where he stood. Of others he hears again
	// what came since then.
	maxPlaces = 8
)

// maxCursor is how long the text of a cursor is at most.
var maxCursor = maxPlaces*(spelling.EncodedLen(placeSize)+1) + spelling.EncodedLen(timeSize)

var (
	errCursor  = errors.New("after is not a cursor of this feed")
	errForeign = errors.New("after was given out under another key")
)

func (k *cursorKey) seal(label byte, b []byte) string {
	return spelling.EncodeToString(append(b, k.mac(label, b)...))
}

func (k *cursorKey) mac(label byte, b []byte) []byte {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte{label})
	m.Write(b)
	return m.Sum(nil)[:macSize]
}

func (k *cursorKey) place(p place) string {
	return k.seal('p', binary.BigEndian.AppendUint64(append(make([]byte, 0, placeSize), p.instance[:]...), p.position))
}

func (k *cursorKey) time(asOf int64) string {
	return k.seal('t', binary.BigEndian.AppendUint64(make([]byte, 0, timeSize), uint64(asOf)))
}

func (k *cursorKey) text(p place, asOf int64) string { return k.place(p) + "." + k.time(asOf) }

func (k *cursorKey) open(label byte, text string, size int) ([]byte, error) {
	b, err := spelling.DecodeString(text)
	if err != nil || len(b) != size || len(text) != spelling.EncodedLen(size) {
		return nil, errCursor
	}
	b, mac := b[:size-macSize], b[size-macSize:]
	if !hmac.Equal(mac, k.mac(label, b)) {
		return nil, errForeign
	}
	return b, nil
}

// parse reads a cursor. errForeign: it may be one of another Handler.
func (k *cursorKey) parse(text string) (c cursor, err error) {
	if len(text) > maxCursor {
		return c, errCursor
	}
	parts := strings.Split(text, ".")
	last := len(parts) - 1
	b, err := k.open('t', parts[last], timeSize)
	if err != nil {
		return c, err
	}
	c.asOf = int64(binary.BigEndian.Uint64(b))
	for _, part := range parts[:last] {
		b, err := k.open('p', part, placeSize)
		if err != nil {
			return cursor{}, err
		}
		c.places = append(c.places, place{[8]byte(b), binary.BigEndian.Uint64(b[8:])})
	}
	return c, nil
}

// What follows is for those who follow. They cannot check the MACs.

// follows reports whether an answer to what came after a part is for one at the cursor.
func follows(after, cursor string) bool { return slices.Contains(strings.Split(cursor, "."), after) }

// cutTime cuts off the last part, which is the time.
func cutTime(cursor string) (places, time string) {
	if i := strings.LastIndexByte(cursor, '.'); i >= 0 {
		return cursor[:i], cursor[i+1:]
	}
	return "", cursor
}

// moved is where one stands who stood at from, and has heard what leads to the cursor to. The time is
// that of to, or of from, if that is later.
func moved(from, to string, later bool) string {
	latest, time := cutTime(to)
	former, formerTime := cutTime(from)
	if !later {
		time = formerTime
	}
	parts := []string{latest}
	for part := range strings.SplitSeq(former, ".") {
		if part != "" && instanceOf(part) != instanceOf(latest) && len(parts) < maxPlaces {
			parts = append(parts, part)
		}
	}
	return strings.Join(append(parts, time), ".")
}

// earlier is the place that comes first of two at one instance; empty: they are none.
func earlier(a, b string) string {
	if instanceOf(a) == "" || instanceOf(a) != instanceOf(b) {
		return ""
	}
	if positionOf(b) < positionOf(a) {
		return b
	}
	return a
}

// positionOf is of a place.
func positionOf(part string) uint64 {
	b, _ := spelling.DecodeString(part)
	return binary.BigEndian.Uint64(b[8:])
}

// instanceOf is empty for what is not a place.
func instanceOf(part string) string {
	b, err := spelling.DecodeString(part)
	if err != nil || len(b) != placeSize {
		return ""
	}
	return string(b[:8])
}
