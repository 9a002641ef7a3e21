package keys

import (
	"context"
	"encoding/binary"
)

// Wrapper encrypts private halves at rest. Secret is one; a KMS that encrypts is another. The
// additional data binds each sealed half to its issuer, kid and algorithm, so that entries cannot
// be swapped: Unwrap must fail unless it is given what Wrap was given.
type Wrapper interface {
	Wrap(ctx context.Context, plain, additional []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, additional []byte) ([]byte, error)
}

// additionalData is a label, then issuer, kid and algorithm, each after its length in 4 bytes,
// big-endian.
func additionalData(issuer, kid, alg string) []byte {
	out := []byte("writ ring 1")
	for _, s := range []string{issuer, kid, alg} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return out
}
