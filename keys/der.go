package keys

import "bytes"

// JWS has r and s of an ECDSA signature side by side (RFC 7518 section 3.4), crypto.Signer and
// crypto/ecdsa have them as an ASN.1 sequence of two integers in DER (RFC 3279 section 2.2.3).

const (
	tagInteger  = 0x02
	tagSequence = 0x30
)

// toDER writes the two halves of a signature, of at most 66 bytes each, as a sequence.
func toDER(signature []byte) []byte {
	r, s := minimal(signature[:len(signature)/2]), minimal(signature[len(signature)/2:])
	length := 2 + len(r) + int(r[0]>>7) + 2 + len(s) + int(s[0]>>7)
	der := append(make([]byte, 0, 3+length), tagSequence)
	if length >= 0x80 {
		der = append(der, 0x81)
	}
	der = append(der, byte(length))
	return appendInteger(appendInteger(der, r), s)
}

// minimal is n without leading zeros, but never empty.
func minimal(n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	return n
}

func appendInteger(der, n []byte) []byte {
	if n[0] >= 0x80 { // it would be negative
		return append(append(der, tagInteger, byte(len(n)+1), 0), n...)
	}
	return append(append(der, tagInteger, byte(len(n))), n...)
}

// fromDER is the reverse, with size bytes for each of r and s. It takes nothing but what toDER makes,
// and not zero, which is in no signature.
func fromDER(der []byte, size int) ([]byte, bool) {
	signature := make([]byte, 2*size)
	rest := der
	if len(rest) < 2 || rest[0] != tagSequence {
		return nil, false
	}
	if rest = rest[2:]; der[1] == 0x81 && len(rest) > 0 {
		rest = rest[1:]
	}
	for half := range 2 {
		if len(rest) < 2 || rest[0] != tagInteger || len(rest) < 2+int(rest[1]) {
			return nil, false
		}
		n := bytes.TrimLeft(rest[2:2+int(rest[1])], "\x00")
		if len(n) == 0 || len(n) > size {
			return nil, false
		}
		copy(signature[(half+1)*size-len(n):], n)
		rest = rest[2+int(rest[1]):]
	}
	// Whatever was not looked at above differs from the one right form.
	return signature, bytes.Equal(der, toDER(signature))
}
