package revocation

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// FuzzRecords holds the decoder to one spelling for each record, and to its bounds.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{5}, 1)
	f.Add((&record{Session, raw{1}, 7, 8}).append(nil), 1)
	f.Add((&record{Token, raw{1}, Ended, never}).append((&record{Subject, raw{2}, 1, never}).append(nil)), 2)
	f.Add([]byte{1 | hasBefore, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 1)
	explicit := func(flags byte, tail ...byte) { f.Add(append([]byte{5 | flags}, tail...), 1) }
	explicit(hasBefore, 0x7f, 255, 255, 255, 255, 255, 255, 255)
	explicit(hasBefore, 0xff, 255, 255, 255, 255, 255, 255, 255)
	explicit(hasExpires, 255, 255, 255, 255)
	explicit(hasExpires, 0, 0, 0, 0)
	explicit(32)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n > len(b) { // as where it is called
			n = len(b)
		}
		var again []byte
		if err := cutRecords(b, n, func(r *record) {
			again = r.append(again)
			if e := r.entry(); !e.valid() {
				t.Fatalf("a record that is not valid: %+v", e)
			} else if back := itemOf(e); back.text != "" || e.Kind != Everything && back.raw != r.digest || back.expires != r.expires {
				t.Fatal("the list keeps another one")
			}
		}); err == nil && n >= 0 && !bytes.Equal(again, b) {
			t.Fatal("one record has two spellings")
		}
	})
}

func FuzzCursor(f *testing.F) {
	k := cursorKey{1}
	good := k.text(place{[8]byte{1}, 2}, 3)
	f.Add(good)
	f.Add(moved(good, k.text(place{[8]byte{2}, 9}, 4), true))
	f.Add("..")
	f.Add(k.time(3))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := k.parse(text)
		if err == nil {
			again := ""
			for _, p := range c.places {
				again += k.place(p) + "."
			}
			if again += k.time(c.asOf); again != text {
				t.Fatal("one cursor has two spellings")
			}
		}
		if after := moved(text, good, true); len(text) <= maxCursor && err == nil && len(after) > maxCursor {
			t.Fatalf("a cursor of %d bytes", len(after))
		}
		moved(good, text, false)
		follows(text, good)
	})
}

// test is a key set of one test key.
type test struct{ *keys.Private }

func (k test) Public(string, string) (*keys.Public, error) { return k.Private.Public(), nil }

// FuzzAnswer has whatever somebody may send read, signed and not.
func FuzzAnswer(f *testing.F) {
	private, err := keys.ParsePrivateJWK(keys.EdDSA, []byte(`{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)) // a test key: RFC 8037
	if err != nil {
		f.Fatal(err)
	}
	k := test{private}
	v := verifier{"i", k, time.Minute, time.Now}
	good, err := claims{Issuer: "i", Answer: laterChanges, AsOf: 1, After: "x", Cursor: "x", KeyID: "y", Count: 1}.sign(private, []byte{5})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(good.head, good.records...), []byte{5}, "x", 1, 1)
	f.Add([]byte("\n"), []byte{}, "", -1, 1<<30)
	f.Fuzz(func(t *testing.T, raw, records []byte, cursor string, count, pages int) {
		b := newBlinding(sha256.Sum256(records))
		signed, err := claims{
			Issuer: "i", Answer: snapshotPage, AsOf: int64(count), After: cursor, Cursor: cursor, KeyID: b.id, Key: cursor, Count: count, Page: pages / 2, Pages: pages,
		}.sign(private, records)
		if err != nil {
			return
		}
		for _, body := range [][]byte{raw, append(signed.head, signed.records...)} {
			for _, answer := range []string{snapshotBegins, snapshotPage, laterChanges} {
				c, rest, err := v.open(body, answer)
				if err != nil {
					continue
				}
				if col, err := collect(c, 1000); err == nil {
					col.page(c, rest, 1000)
				}
				if c.Count <= len(rest) {
					cutRecords(rest, c.Count, func(*record) {})
				}
			}
		}
	})
}

// FuzzKept reads what may stand in CacheDir.
func FuzzKept(f *testing.F) {
	f.Add(binary.BigEndian.AppendUint32(nil, 0), 10)
	f.Add(binary.BigEndian.AppendUint32(nil, 1<<31), 10)
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		limit = max(limit, 0) % (1 << 20)
		r := &keptReader{from: newReader(b)}
		for {
			body, err := r.next(limit)
			if err != nil {
				return
			}
			if len(body) > limit || r.size > int64(len(b)) {
				t.Fatalf("%d bytes of %d", len(body), limit)
			}
		}
	})
}

func newReader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }
