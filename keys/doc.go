// Package keys holds signing keys: one key, one algorithm, and the Ring that says which key signs
// and which verify. Most programs never import it; writ.Open keeps a ring in the session store.
// Operators use cmd/keygen.
//
// # Keys
//
// A Private signs, its Public verifies. Both are bound to one Algorithm for life, and their ID, the
// kid, is the RFC 7638 thumbprint:
//
//	key, err := keys.Generate(keys.ES256)
//	signature, err := key.Sign(message)
//	err = key.Public().Verify(message, signature)
//
// FromSigner makes a Private of a KMS or HSM key. Keys are read from and written as JWK and PEM.
// Private keys print redacted; only methods whose names begin with Cleartext give one away.
//
// ES256 is the default. EdDSA and Ed25519, two names of one signature, are faster to sign. RS256,
// PS256 and their kin are for those who verify nothing else. HS256, HS384 and HS512 are for one
// service only: there the key that verifies also signs, so that a Public is as secret as a Private,
// and has no JWK and no PEM. Package keys/mldsa has signatures that withstand quantum computers.
//
// # The ring
//
// Open loads the ring of one issuer from a Vault and makes the first one if there is none:
//
//	secret, err := keys.ReadSecretFile("ring.secret")
//	wrapper, err := keys.Secret(secret)
//	ring, err := keys.Open(ctx, keys.Config{
//		Issuer:  "https://app.example",
//		Vault:   keys.Dir("ring"),
//		Wrapper: wrapper,
//	})
//	go func() { log.Println(ring.Run(ctx)) }()
//
// Besides signing keys it holds MAC keys, which authenticate refresh tokens and are never
// published. Reads are answered from memory without waiting. A ring that has not read its vault
// within MaxStale neither signs nor calls a kid unknown; keys that it holds still verify. For a kid
// that it does not hold, call Refresh and look again.
//
// # The stored document
//
// The vault keeps one JSON document:
//
//	{
//	  "ring": {
//	    "v": 1,
//	    "issuer": "https://app.example",
//	    "updated_at": RFC 3339,
//	    "keys": [{
//	      "kid": thumbprint, "alg": "ES256", "public": JWK,
//	      "private": sealed PKCS#8 or private JWK, in base64url,
//	      "created_at": RFC 3339, "activate_at": RFC 3339, "max_ttl": seconds
//	    }],
//	    "mac": [{
//	      "kid": first 4 bytes of the key's SHA-256, in hexadecimal,
//	      "private": sealed key of 32 bytes, in base64url,
//	      "created_at": RFC 3339, "activate_at": RFC 3339
//	    }]
//	  },
//	  "seal": sealed SHA-256 of the value of "ring", in base64url
//	}
//
// The seal is over the bytes of the value of "ring" exactly as they stand in the document, from its
// first brace to its last, white space included: who stores a document anew must not format it. Only
// "ring" and "seal" may stand in the document, so that all it says is sealed. With Config.InClear
// there is no seal, and the private halves are called private_in_clear and not sealed.
//
// A private half is a JWK, which begins with a brace, where crypto/x509 does not know the type: a
// symmetric key (kty and k) or ML-DSA. Otherwise it is PKCS#8. The public member of a symmetric key
// is its name alone, {"alg": "HS256", "kid": thumbprint, "kty": "oct"}, and its private half is never
// wiped, because nothing else verifies.
//
// What signs is the newest key that has a private half and whose activate_at has come. The private
// half of a retired signing key may be wiped: taken out. Members of "ring" that a version does not
// know are ignored, but sealed like the rest; what it must not overlook raises v, and another v is
// refused.
//
// The additional data of a sealed half is the text "writ ring 1", then issuer, kid and algorithm,
// each after its length in 4 bytes, big-endian; the algorithm of a MAC key is "HMAC-SHA256". That of
// the seal is the text "writ ring seal 1", then the issuer after its length. Secret documents its
// own sealed form.
//
// # What sealing keeps out
//
// One who can read the vault cannot forge tokens. One who can write it, but does not know the
// secret, cannot add a key, bring a removed one back, or change when and for how long a key signs:
// Open and Reload check the seal before they believe anything else. Inspect does not.
//
// What is left to a writer is to take the document away, or to put a whole older one back. A ring
// that is open refuses both, as Reload says. A process that starts has nothing to compare with: it
// takes an older document for the ring, and an empty vault for its first start. So limit who may
// write. A new ring under another secret makes every older document worthless.
package keys
