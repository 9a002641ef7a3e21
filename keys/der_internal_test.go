package keys

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"
)

type integers struct{ R, S *big.Int }

// FuzzDER compares with encoding/asn1, in both directions.
func FuzzDER(f *testing.F) {
	f.Add(make([]byte, 64), byte(0))
	f.Add(bytes.Repeat([]byte{0xff}, 64), byte(0))
	f.Add(bytes.Repeat([]byte{0x7f}, 96), byte(1))
	f.Add(append(bytes.Repeat([]byte{1}, 66), bytes.Repeat([]byte{0x80}, 66)...), byte(2))
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}, byte(0))
	f.Add([]byte{0x30, 0x81, 6, 2, 1, 1, 2, 1, 1}, byte(0))
	f.Add([]byte{0x30, 7, 2, 2, 0, 1, 2, 1, 1}, byte(1))
	f.Add(toDER(bytes.Repeat([]byte{0xff}, 132)), byte(2))
	f.Fuzz(func(t *testing.T, data []byte, curve byte) {
		size := []int{32, 48, 66}[curve%3]
		if len(data) == 2*size {
			der := toDER(data)
			want, err := asn1.Marshal(integers{new(big.Int).SetBytes(data[:size]), new(big.Int).SetBytes(data[size:])})
			if err != nil || !bytes.Equal(der, want) {
				t.Fatalf("toDER differs from encoding/asn1: %v", err)
			}
			back, ok := fromDER(der, size)
			zero := bytes.Count(data[:size], []byte{0}) == size || bytes.Count(data[size:], []byte{0}) == size
			if ok == zero || ok && !bytes.Equal(back, data) {
				t.Fatal("fromDER is not the reverse")
			}
		}
		var n integers
		_, err := asn1.Unmarshal(data, &n)
		again, _ := asn1.Marshal(n) // Unmarshal ignores what follows s
		good := err == nil && bytes.Equal(again, data) && n.R.Sign() > 0 && n.S.Sign() > 0 && n.R.BitLen() <= 8*size && n.S.BitLen() <= 8*size
		signature, ok := fromDER(data, size)
		if ok != good {
			t.Fatalf("fromDER: %t, encoding/asn1: %t", ok, good)
		}
		if ok && (new(big.Int).SetBytes(signature[:size]).Cmp(n.R) != 0 || new(big.Int).SetBytes(signature[size:]).Cmp(n.S) != 0) {
			t.Fatal("fromDER reads other integers")
		}
	})
}
