// Package jwks writes and reads key sets (RFC 7517): the public keys with which others verify an
// issuer's tokens, without knowing any secret.
//
// # Publishing yours
//
// An issuer serves the keys of its ring:
//
//	mux.Handle("/.well-known/jwks.json", jwks.Handler(ring))
//
// A new key stands there long before it signs, and a retired one for as long as tokens that it signed
// are good: the ring sees to it. Answers may be kept for 5 minutes. Nothing secret can get in: a ring
// whose keys are shared secrets (HS256 and its like) has nothing to publish, and the answer is 404.
//
// # Reading another's
//
// Parse reads a set for the algorithms that you expect, and no others:
//
//	set, err := jwks.Parse(body, keys.ES256, keys.EdDSA)
//	if err != nil {
//		return err // keep the last good set
//	}
//	for _, reason := range set.Skipped {
//		log.Println(reason)
//	}
//	key, ok := set.Keys[kid]
//
// Each key is bound to one algorithm: whatever a token's header says, Verify uses that one. Look a kid
// up only in the set of the token's own issuer: two issuers may use the same.
//
// Parse does not fetch. Whoever does must allow HTTPS only, follow no redirect to another origin, and
// bound the time and the bytes that it reads.
package jwks
