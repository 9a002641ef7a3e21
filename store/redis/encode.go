package redis

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// Numbers are stored as 20 decimal digits, which compare as strings in the order of the numbers.
// Lua's own numbers are exact only to 2^53; and it compares strings by the server's locale, in which
// letters, unlike digits, may stand anywhere.
const numberLen = 20

func appendNumber(b []byte, n uint64) []byte {
	var d [numberLen]byte
	for i := numberLen - 1; i >= 0; i-- {
		d[i] = '0' + byte(n%10)
		n /= 10
	}
	return append(b, d[:]...)
}

func number(n uint64) string { return string(appendNumber(nil, n)) }

// digits is an int64 as a number: the least is 0.
func digits(n int64) string { return number(ordered(n)) }

func ordered(n int64) uint64 { return uint64(n) ^ 1<<63 }

func parseDigits(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return int64(n ^ 1<<63), err == nil && len(s) == numberLen
}

// A row is stored as its version, its expiry, the length of its owner, its owner and its data.
const (
	ownerLen  = 8
	headerLen = 2*numberLen + ownerLen
)

func pack(row writ.Row) string {
	b := make([]byte, 0, headerLen+len(row.Owner)+len(row.Data))
	b = appendNumber(b, row.Version)
	b = appendNumber(b, ordered(micros(row.Expires)))
	b = append(b, ownerPrefix(row.Owner)...)
	b = append(b, row.Data...)
	return string(b)
}

// ownerPrefix is an owner so that none is the beginning of another.
func ownerPrefix(owner string) string { return fmt.Sprintf("%0*d%s", ownerLen, len(owner), owner) }

// maxOwner is what ownerLen digits can count.
const maxOwner = 99_999_999

// unpackRow is pack backwards. cutoff is as a script returns it.
func unpackRow(id, packed, cutoff string) (writ.Row, error) {
	if len(packed) < headerLen {
		return writ.Row{}, errAnswer
	}
	version, err1 := strconv.ParseUint(packed[:numberLen], 10, 64)
	expires, ok1 := parseDigits(packed[numberLen : 2*numberLen])
	owned, err2 := strconv.ParseUint(packed[2*numberLen:headerLen], 10, 64)
	before, ok2 := parseDigits(cutoff)
	if err1 != nil || err2 != nil || !ok1 || !ok2 || owned > uint64(len(packed)-headerLen) {
		return writ.Row{}, errAnswer
	}
	rest := packed[headerLen:]
	return writ.Row{
		ID: id, Owner: strings.Clone(rest[:owned]), Version: version, Expires: moment(expires), Data: []byte(rest[owned:]), Cutoff: before,
	}, nil
}

// An entry has Before and Expires as its value, in a field that is its kind's digit and its ID. In the
// order of the log it is the value and then the field, so that the log is read without a look elsewhere.
func field(e revocation.Entry) string { return string('0'+byte(e.Kind)) + e.ID }

const valueLen = 2 * numberLen

func unpackEntry(packed string) (revocation.Entry, error) {
	if len(packed) <= valueLen {
		return revocation.Entry{}, errAnswer
	}
	before, ok1 := parseDigits(packed[:numberLen])
	expires, ok2 := parseDigits(packed[numberLen:valueLen])
	e := revocation.Entry{
		Kind: revocation.Kind(packed[valueLen] - '0'), ID: strings.Clone(packed[valueLen+1:]), Before: before, Expires: moment(expires),
	}
	if !ok1 || !ok2 || revocation.Check([]revocation.Entry{e}) != nil {
		return revocation.Entry{}, errAnswer
	}
	return e, nil
}

func unpackEntries(answer []string, add func(revocation.Entry)) error {
	for _, packed := range answer {
		e, err := unpackEntry(packed)
		if err != nil {
			return err
		}
		add(e)
	}
	return nil
}

const never = math.MaxInt64

// micros is how a time is stored; the zero time is never.
func micros(t time.Time) int64 {
	switch {
	case t.IsZero(), t.Year() > 200_000: // beyond what microseconds can count
		return never
	case t.Year() < -200_000:
		return math.MinInt64
	}
	return t.UnixMicro()
}

func moment(micros int64) time.Time {
	if micros == never {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
