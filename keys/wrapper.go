package keys

import (
	"context"
	"encoding/binary"
)

// Wrapper encrypts private halves at rest and seals the ring's document. Secret is one; a KMS that
// encrypts is another. Unwrap must fail for what Wrap did not make, and unless it is given the
// additional data that Wrap was given: that binds a half to its issuer, kid and algorithm, and the
// seal to its issuer. To Wrap must take a secret, as it does with authenticated encryption:
// encryption to a public key would let anyone make a ring.
//
// A Wrapper that changes its key, and can still unwrap what is under a former one, may also have the
// method Current(wrapped []byte) bool, which reports whether wrapped is under the key that Wrap uses
// now. Ring.Step then wraps anew what is not.
type Wrapper interface {
	Wrap(ctx context.Context, plain, additional []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, additional []byte) ([]byte, error)
}

// Labels of additional data. Neither is the beginning of the other.
const (
	privateLabel  = "writ ring 1"
	documentLabel = "writ ring seal 1"
)

// additionalData is a label, then each of parts after its length in 4 bytes, big-endian.
func additionalData(label string, parts ...string) []byte {
	out := []byte(label)
	for _, s := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return out
}
