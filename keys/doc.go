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
//	  "v": 1,
//	  "issuer": "https://app.example",
//	  "updated_at": RFC 3339,
//	  "keys": [{
//	    "kid": thumbprint, "alg": "ES256", "public": JWK,
//	    "private": sealed PKCS#8, in base64url,
//	    "created_at": RFC 3339, "activate_at": RFC 3339, "max_ttl": seconds
//	  }],
//	  "mac": [{
//	    "kid": first 4 bytes of the key's SHA-256, in hexadecimal,
//	    "private": sealed key of 32 bytes, in base64url,
//	    "created_at": RFC 3339, "activate_at": RFC 3339
//	  }]
//	}
//
// What signs is the newest key whose activate_at has come. With Config.InClear the private halves
// are called private_in_clear and not sealed. Every key has a private half, so that nobody adds a
// public key without knowing the secret; the half of a retired key may be wiped by putting one zero
// byte, sealed like any other, in its place. Members that a version does not know are ignored; what
// it must not overlook raises v, and another v is refused.
//
// The additional data of a sealed half is the text "writ ring 1", then issuer, kid and algorithm,
// each after its length in 4 bytes, big-endian; the algorithm of a MAC key is "HMAC-SHA256". Secret
// documents its own sealed form.
//
// Sealing keeps one who can read the vault from forging tokens, and one who can write it from
// adding a key. The latter can still take keys away or bring back an older document: limit who may
// write.
package keys
